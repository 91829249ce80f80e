// Spectrum and envelope spectrum, with the lines that are looked for.
import { draw as drawMark, NAMES } from "./marks.js";
import { figure, table } from "./numbers.js";
import { css, plot, within } from "./plot.js";

const plots = new Map();

export function drawEnvelope(place, read) {
  curve(place, read, { y: "dB over surroundings", scales: { y: { range: (u, low, high) => [-10, Math.max(20, 5 * Math.ceil(((high ?? 0) + 4) / 5))] } }, marks: true });
  key(place, read);
  tell(place, envelopeText(read));
  const marks = read.marks.map((m) => [m.name, figure(m.hz, 4), figure(m.level_db), m.shaft ? `shaft ${m.shaft}x explains it` : m.seen ? "stands out" : "no"]);
  table(place.querySelector("[data-table]"), ["Line", "Hz", "dB", "Stands out"], marks);
}

export function drawSpectrum(place, read) {
  curve(place, read, { y: read.unit, scales: { y: { distr: 3, range: decades } }, splits: powers });
  const top = peaks(read, 8);
  tell(place, `Highest lines: ${top.slice(0, 4).map(([hz, level]) => `${figure(hz, 4)} Hz at ${figure(level)} m/s²`).join(", ")}.${read.speed_rpm ? ` Dashed: 1 to 5 times the shaft's ${figure(read.speed_rpm / 60, 4)} Hz.` : ""}`);
  table(place.querySelector("[data-table]"), ["Hz", "m/s² RMS", "Times the shaft"], peaks(read, 20).map(([hz, level]) => [figure(hz, 4), figure(level), read.speed_rpm ? figure((60 * hz) / read.speed_rpm, 3) : "–"]));
}

function curve(place, read, { y, scales, splits, marks = false }) {
  let made = plots.get(place);
  if (!made) {
    made = plot(place.querySelector("[data-canvas]"), {
      height: 250,
      x: { label: "Hz" },
      y: { label: y, ...(splits ? { splits } : {}), values: (u, ticks) => ticks.map((v) => (v === null ? null : String(Number(v.toPrecision(3))))) },
      scales: { x: { time: false, range: (u) => [0, u.read?.hz.at(-1) ?? 1] }, ...scales },
      series: [
        { label: "Hz", value: (u, v) => figure(v, 5) },
        { label: "Level", stroke: () => css("--curve"), width: 1.1, points: { show: false }, value: (u, v) => figure(v) },
      ],
      hooks: { drawClear: [(u) => u.read && shaft(u)], draw: [(u) => u.read && marks && lines(u)] },
    });
    plots.set(place, made);
  }
  made.read = read;
  made.setData([read.hz, read.level]);
}

function decades(u, low, high) {
  const top = Math.ceil(Math.log10((high || 1) * 1.2));
  return [10 ** Math.max(top - 6, Math.min(top - 2, Math.floor(Math.log10(low || 1)))), 10 ** top];
}

function powers(u, axis, low, high) {
  const all = [];
  for (let k = Math.round(Math.log10(low)); k <= Math.round(Math.log10(high)); k++) all.push(10 ** k);
  return all;
}

// Multiples of the shaft's speed: five in the spectrum, all in the envelope's.
function shaft(u) {
  const { read } = u;
  if (!read.speed_rpm) return;
  const turn = read.speed_rpm / 60;
  const count = read.marks.every((m) => m.place === "shaft") ? 5 : Math.floor(read.hz.at(-1) / turn);
  within(u, (ctx, box) => {
    ctx.strokeStyle = css("--strong");
    ctx.lineWidth = devicePixelRatio;
    ctx.globalAlpha = 0.55;
    ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
    for (let k = 1; k <= count; k++) {
      const x = Math.round(u.valToPos(k * turn, "x", true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(x, box.top);
      ctx.lineTo(x, box.top + box.height);
      ctx.stroke();
    }
  });
}

// The place that was named lies on top, and alone has its lines numbered.
function lines(u) {
  const named = foremost(u.read);
  const order = [...u.read.marks].sort((a, b) => (a.place === named) - (b.place === named));
  for (const mark of order) {
    if (mark.hz > u.read.hz.at(-1)) continue;
    const x = u.valToPos(mark.hz, "x", true);
    const y = u.valToPos(Math.min(Math.max(mark.level_db, u.scales.y.min), u.scales.y.max), "y", true);
    drawMark(u.ctx, mark, x, y, u.bbox, mark.place === named && mark.seen);
  }
}

export function foremost(read) {
  if (read.place in NAMES) return read.place;
  const counts = Object.keys(NAMES).map((p) => [read.marks.filter((m) => m.place === p && m.seen && m.name.endsWith("x")).length, p]);
  counts.sort((a, b) => b[0] - a[0]);
  return counts[0][0] >= 2 ? counts[0][1] : null;
}

function key(place, read) {
  const found = place.querySelector(".key") ?? place.querySelector("[data-canvas]").insertAdjacentElement("afterend", document.createElement("p"));
  found.className = "key";
  found.replaceChildren(...Object.entries(NAMES).filter(([p]) => read.marks.some((m) => m.place === p)).map(([p, { glyph, line }]) => {
    const own = read.marks.filter((m) => m.place === p);
    const item = document.createElement("span"), sign = document.createElement("i");
    sign.textContent = glyph;
    sign.style.color = css(`--${p}`);
    item.append(sign, ` ${line} ${figure(own[0].hz, 4)} Hz, ${own.filter((m) => m.seen).length} of ${own.length} lines stand out`);
    return item;
  }));
}

function envelopeText(read) {
  if (read.note) return read.note;
  const named = foremost(read);
  if (!named) return `No place's lines stand out together. Shaft ${figure(read.speed_rpm / 60, 4)} Hz.`;
  const seen = read.marks.filter((m) => m.place === named && m.seen);
  const levels = seen.map((m) => m.level_db);
  const whole = seen.filter((m) => m.name.endsWith("x")).map((m) => m.name.split(" ").at(-1));
  const sides = seen.length - whole.length;
  const first = read.marks.find((m) => m.place === named);
  return `${NAMES[named].name}: ${NAMES[named].line} at ${figure(first.hz, 4)} Hz${whole.length ? ` with ${whole.join(", ")}` : ""}${sides ? ` and ${sides} sideband${sides > 1 ? "s" : ""}` : ""}${levels.length ? `, ${Math.round(Math.min(...levels))} to ${Math.round(Math.max(...levels))} dB over what surrounds them` : ""}. Dashed: multiples of the shaft's ${figure(read.speed_rpm / 60, 4)} Hz.`;
}

function peaks(read, most) {
  const { hz, level } = read, found = [];
  for (let i = 1; i < hz.length - 1; i++) if (level[i] >= level[i - 1] && level[i] > level[i + 1]) found.push([hz[i], level[i]]);
  return found.sort((a, b) => b[1] - a[1]).slice(0, most);
}

function tell(place, text) {
  place.querySelector("[data-sum]").textContent = text;
  place.querySelector("[data-canvas]").setAttribute("aria-label", text);
}
