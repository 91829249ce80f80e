// Waterfall and scalogram: levels as shades of one colour.
import { figure, table } from "./numbers.js";
import { css, onTheme } from "./plot.js";

const ROWS = 240, ROW_S = 0.25;
const rows = new Map();  // of the waterfall, by their number since 1970
const drawn = new Map();

export function drawWaterfall(place, read) {
  const bytes = decode(read.data), first = Math.round(read.start / ROW_S);
  for (let i = 0; i < read.rows; i++) rows.set(first + i, bytes.slice(i * read.columns, (i + 1) * read.columns));
  const newest = first + read.rows - 1;
  for (const number of rows.keys()) if (number <= newest - ROWS || number > newest) rows.delete(number);
  const oldest = Math.min(...rows.keys()), height = newest - oldest + 1;
  const levels = new Uint8Array(height * read.columns), blank = new Uint8Array(height);
  for (let i = 0; i < height; i++) {
    const row = rows.get(newest - i);
    if (row) levels.set(row, i * read.columns); else blank[i] = 1;
  }
  const [low, high] = reach([...rows.values()]);
  paint(place, { levels, blank, height, width: read.columns, low, high });
  label(place, { up: ["now", `−${figure(height * ROW_S, 2)} s`], along: [`${figure(read.lowest_hz, 2)} Hz`, `${figure(read.highest_hz / 1000)} kHz`] });
  const text = `The last ${figure(height * ROW_S, 2)} s, newest on top; strongest around ${figure(read.strongest_hz)} Hz. Shades: ${Math.round(db(read, low))} to ${Math.round(db(read, high))} dB over 1 m/s².`;
  tell(place, text);
  const last = rows.get(newest);
  bands(place, read, (i) => read.lowest_hz + ((read.highest_hz - read.lowest_hz) * i) / (read.columns - 1), (i) => db(read, last[i]), read.columns);
}

export function drawScalogram(place, read) {
  const bytes = decode(read.data), levels = new Uint8Array(bytes.length);
  for (let row = 0; row < read.rows; row++) levels.set(bytes.subarray(row * read.columns, (row + 1) * read.columns), (read.rows - 1 - row) * read.columns);
  paint(place, { levels, blank: null, height: read.rows, width: read.columns, low: 0, high: 255 });
  label(place, { up: [`${figure(read.highest_hz / 1000)} kHz`, `${figure(read.lowest_hz)} Hz`], along: ["0 ms", `${figure(1000 * read.seconds, 2)} ms`] });
  tell(place, `The last ${figure(1000 * read.seconds, 2)} ms; strongest around ${figure(read.strongest_hz)} Hz. Shades span 40 dB.`);
  const mean = (row) => { let sum = 0; for (let i = 0; i < read.columns; i++) sum += bytes[row * read.columns + i]; return read.step_db * (sum / read.columns - 255); };
  bands(place, read, (i) => read.lowest_hz * (read.highest_hz / read.lowest_hz) ** (i / (read.rows - 1)), mean, read.rows);
}

function decode(text) { return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); }

function db(read, step) { return read.low_db + read.step_db * step; }

function reach(all) {
  const counts = new Uint32Array(256);
  let n = 0;
  for (const row of all) for (const v of row) { counts[v]++; n++; }
  const at = (share) => { let sum = 0; for (let v = 0; v < 256; v++) if ((sum += counts[v]) >= share * n) return v; return 255; };
  return [at(0.1), Math.max(at(0.1) + 10, at(0.9995))];
}

function paint(place, picture) {
  drawn.set(place, picture);
  const canvas = frame(place).querySelector("canvas");
  const { levels, blank, height, width, low, high } = picture;
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height), ramp = shades();
  for (let i = 0; i < levels.length; i++) {
    if (blank?.[Math.floor(i / width)]) continue;
    const at = 3 * Math.round((255 * Math.min(1, Math.max(0, (levels[i] - low) / (high - low)))));
    image.data.set([ramp[at], ramp[at + 1], ramp[at + 2], 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function shades() {
  const stops = [0, 1, 2, 3].map((i) => css(`--heat-${i}`).match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16)));
  const ramp = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const at = (3 * i) / 255, k = Math.min(2, Math.floor(at)), share = at - k;
    for (let c = 0; c < 3; c++) ramp[3 * i + c] = stops[k][c] + share * (stops[k + 1][c] - stops[k][c]);
  }
  return ramp;
}

function frame(place) {
  const found = place.querySelector(".heat");
  if (found) return found;
  const heat = document.createElement("div");
  heat.className = "heat";
  const up = heat.appendChild(document.createElement("div")), canvas = heat.appendChild(document.createElement("canvas"));
  const along = heat.appendChild(document.createElement("div"));
  up.className = "up";
  along.className = "along";
  canvas.width = canvas.height = 1;
  place.querySelector("[data-canvas]").replaceChildren(heat);
  return heat;
}

function label(place, { up, along }) {
  const heat = frame(place);
  heat.querySelector(".up").replaceChildren(...up.map((text, i) => {
    const span = document.createElement("span");
    span.textContent = text;
    span.style.top = i ? "194px" : "7px";
    return span;
  }));
  heat.querySelector(".along").replaceChildren(...along.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
}

function bands(place, read, hz, level, count) {
  const size = Math.ceil(count / 16), lines = [];
  for (let i = 0; i < count; i += size) {
    let best = i;
    for (let k = i; k < Math.min(count, i + size); k++) if (level(k) > level(best)) best = k;
    lines.push([`${figure(hz(i), 4)} to ${figure(hz(Math.min(count - 1, i + size - 1)), 4)}`, figure(hz(best), 4), figure(level(best))]);
  }
  table(place.querySelector("[data-table]"), ["Band, Hz", "Highest at, Hz", "dB"], lines);
}

function tell(place, text) {
  place.querySelector("[data-sum]").textContent = text;
  place.querySelector("[data-canvas]").setAttribute("aria-label", text);
}

onTheme(() => { for (const [place, picture] of drawn) paint(place, picture); });
