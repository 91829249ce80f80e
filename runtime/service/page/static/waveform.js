// A kept waveform: lowest and highest of every stretch, nearer on demand.
import { figure } from "./numbers.js";
import { css, plot, within } from "./plot.js";
import { clock } from "./times.js";

let shown = null, read = null, place = null;

const unit = () => read.unit.replace("m/s2", "m/s²");

export function showWaveforms() {
  place = document.getElementById("waveform");
  if (!place) return;
  const which = place.querySelector("[data-which]");
  which.addEventListener("change", () => load());
  place.querySelector("[data-zoom-out]")?.addEventListener("click", () => load());
  buttons();
  load();
}

// What a mouse does by dragging, for a keyboard.
function buttons() {
  const group = document.createElement("div");
  group.className = "act";
  const near = (share, shift) => () => {
    if (!read) return;
    const width = read.to - read.from, middle = read.from + width / 2 + shift * width, half = (width * share) / 2;
    load(Math.max(0, middle - half), Math.min(read.seconds, middle + half));
  };
  for (const [text, name, act] of [["−", "Farther", near(2, 0)], ["+", "Nearer", near(0.5, 0)], ["‹", "Earlier", near(1, -0.5)], ["›", "Later", near(1, 0.5)]]) {
    const button = group.appendChild(document.createElement("button"));
    button.textContent = text;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", act);
  }
  place.querySelector(".choose").append(group);
}

async function load(from, to) {
  const chosen = place.querySelector("[data-which]").selectedOptions[0];
  const query = new URLSearchParams({ machine: place.dataset.machine, id: chosen.value, sensor: chosen.dataset.sensor });
  if (from !== undefined) { query.set("from", from); query.set("to", to); }
  const answer = await fetch(`/api/waveform?${query}`).catch(() => null);
  const sum = place.querySelector("[data-sum]");
  if (!answer?.ok) { sum.textContent = answer ? (await answer.json()).error : "The watch does not answer."; return; }
  read = await answer.json();
  read.to = read.from + read.step * read.low.length;
  const out = place.querySelector("[data-zoom-out]");
  if (out) out.hidden = from === undefined;
  draw();
  sum.textContent = `${clock(read.start * 1000)}, ${figure(read.seconds)} s at ${figure(read.rate_hz / 1000)} kHz: RMS ${figure(read.rms)} ${unit()}, peak ${figure(read.peak)} ${unit()}, crest ${figure(read.peak / read.rms)}${read.missing ? `, ${read.missing} samples missing` : ""}. Shown: ${figure(read.from)} to ${figure(read.to)} s.`;
  place.querySelector("[data-canvas]").setAttribute("aria-label", `Waveform. ${sum.textContent}`);
}

function draw() {
  const x = [], y = [];
  read.low.forEach((low, i) => {
    const t = read.from + i * read.step;
    x.push(t);
    y.push(low);
    if (read.high[i] !== low) { x.push(t + read.step / 2); y.push(read.high[i]); }
  });
  shown ??= plot(place.querySelector("[data-canvas]"), {
    height: 220,
    x: { label: "s" },
    y: { label: unit(), values: (u, ticks) => ticks.map((v) => String(Number(v.toPrecision(3)))) },
    scales: { x: { time: false, range: () => [read.from, read.to] } },
    series: [
      { label: "s", value: (u, v) => figure(v, 5) },
      { label: "Level", stroke: () => css("--curve"), width: 1, points: { show: false }, value: (u, v) => `${figure(v)} ${unit()}` },
    ],
    drag: true,
    onZoom: (from, to) => load(Math.max(0, from), Math.min(read.seconds, to)),
    hooks: { draw: [mark] },
  });
  shown.setData([x, y]);
}

// Where the alarm began.
function mark(u) {
  const at = Number(place.dataset.mark) - read.start;
  if (!(at >= read.from && at <= read.to)) return;
  const x = u.valToPos(at, "x", true), { ctx, bbox } = u;
  within(u, () => {
    ctx.strokeStyle = css("--ink");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  });
  ctx.save();
  ctx.fillStyle = css("--ink");
  ctx.font = `${11.5 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.fillText("alarm began", x + 4 * devicePixelRatio, bbox.top - 6 * devicePixelRatio);
  ctx.restore();
}
