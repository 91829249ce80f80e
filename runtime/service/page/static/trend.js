// A figure over time: mean with lowest and highest, the zones of ISO 20816-3, and the alarms.
import { figure, table } from "./numbers.js";
import { css, plot, within } from "./plot.js";
import { clock } from "./times.js";

const STATES = { alert: "▲ alert", danger: "⬢ danger", "sensor fault": "? sensor", stopped: "‖ stopped" };
let shown = null, read = null;
let isChosen = false, first = null; // whether a person chose the span; when the first value was, s

export function showTrend(machine, sensor) {
  const place = document.getElementById("trend");
  const chosen = document.getElementById("figure");
  const again = () => load(place, machine, sensor, chosen.selectedOptions[0]);
  chosen.addEventListener("change", again);
  document.getElementById("epoch")?.addEventListener("change", () => { first = null; again(); });
  for (const span of place.querySelectorAll("[name=span]")) span.addEventListener("change", () => { isChosen = true; again(); });
  place.querySelector("details").addEventListener("toggle", () => read && tell(place));
  again();
  setInterval(() => document.hidden || again(), 60000);
}

let asked = 0;

async function load(place, machine, sensor, option) {
  const number = ++asked;
  const hours = Number(place.querySelector("[name=span]:checked").value);
  const epoch = document.getElementById("epoch")?.selectedOptions[0];
  const end = Number(epoch?.dataset.end ?? Date.now() / 1000), start = end - hours * 3600;
  const query = new URLSearchParams({ machine, sensor, figure: option.value, start, end });
  if (epoch) query.set("epoch", epoch.value);
  const answer = await fetch(`/api/trend?${query}`).catch(() => null);
  if (number !== asked) return;
  if (!answer?.ok) {
    place.querySelector("[data-sum]").textContent = answer ? (await answer.json()).error : "The watch does not answer.";
    return;
  }
  read = { ...(await answer.json()), name: option.text, unit: option.dataset.unit, key: option.value };
  if (!isChosen && fit(place, end)) { load(place, machine, sensor, option); return; }
  read.limits = option.value === "velocity_mm_s" && place.dataset.limits ? place.dataset.limits.split(" ").map(Number) : null;
  draw(place);
  tell(place);
}

// The shortest span that has all that is kept, of those up to the first; whether it is another now.
function fit(place, end) {
  first ??= read.time.length && read.time[0] - read.start > read.width ? read.time[0] : null;
  const spans = [...place.querySelectorAll("[name=span]")];
  const now = spans.find((span) => span.checked);
  const best = first === null ? null : spans.find((span) => end - Number(span.value) * 3600 <= first);
  if (!best || best === now) return false;
  best.checked = true;
  return true;
}

// A stretch without a value is a gap, not a line across it.
function columns() {
  const data = [[], [], [], []];
  const push = (t, ...values) => [t, ...values].forEach((v, i) => data[i].push(v));
  read.time.forEach((t, i) => {
    const before = read.time[i - 1];
    if (before !== undefined && t - before > 1.5 * read.width) push(before + read.width, null, null, null);
    push(t + read.width / 2, read.low[i], read.mean[i], read.high[i]);
  });
  return data;
}

function draw(place) {
  const data = columns();
  if (shown) {
    shown.setData(data, false);
    shown.batch(() => {
      shown.setScale("x", { min: read.start, max: read.end });
      shown.setScale("y", {});
    });
    return;
  }
  const value = (u, v) => (v === null ? "–" : `${figure(v)} ${read.unit}`);
  const edge = { stroke: "transparent", width: 0, points: { show: false }, value };
  shown = plot(place.querySelector("[data-canvas]"), {
    height: 290,
    x: { values: times, space: 74 },
    y: { size: 56, values: (u, ticks) => ticks.map((v) => figure(v, 3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")) },
    scales: { x: { time: true, range: () => [read.start, read.end] }, y: { range: reach } },
    series: [
      { label: "Time", value: (u, t) => (t === null ? "–" : clock(t * 1000)) },
      { label: "Lowest", ...edge },
      { label: "Mean", stroke: () => css("--curve"), width: 1.6, points: { show: () => read.time.length < 40, size: 5, fill: () => css("--curve") }, value },
      { label: "Highest", ...edge },
    ],
    bands: [{ series: [3, 1], fill: () => css("--band") }],
    hooks: { drawClear: [zones], draw: [alarms] },
  });
  shown.setData(data);
}

function times(u, ticks, axis, space, step) {
  const day = { day: "numeric", month: "short" }, minute = { hour: "2-digit", minute: "2-digit", hour12: false };
  const form = new Intl.DateTimeFormat("en-GB", step >= 86400 ? day : minute);
  const date = new Intl.DateTimeFormat("en-GB", day);
  let last = "";
  return ticks.map((t) => {
    const at = new Date(t * 1000), today = date.format(at);
    const text = step >= 86400 || today === last ? form.format(at) : `${form.format(at)}\n${today}`;
    last = today;
    return text;
  });
}

function reach(u, low, high) {
  if (low === null) return [0, 1];
  const room = 0.08 * Math.max(high - low, Math.abs(high) * 0.2, 1e-6);
  const least = low >= 0 && low < 0.6 * high ? 0 : low - room;
  return [read.limits ? 0 : least, Math.max(high + room, read.limits ? read.limits[1] * 1.1 : -Infinity)];
}

function zones(u) {
  if (!read?.limits) return;
  within(u, (ctx, box) => {
    const edges = [0, ...read.limits, Infinity];
    ["a", "b", "c", "d"].forEach((zone, i) => {
      const y = (v) => u.valToPos(Math.min(v, u.scales.y.max), "y", true);
      const top = y(edges[i + 1]), bottom = y(edges[i]);
      if (bottom <= top) return;
      ctx.fillStyle = css(`--zone-${zone}`);
      ctx.fillRect(box.left, top, box.width, bottom - top);
      ctx.fillStyle = css("--soft");
      ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      if (bottom - top > 14 * devicePixelRatio) ctx.fillText(`${zone.toUpperCase()}${i ? ` from ${edges[i]}` : ""}`, box.left + 6 * devicePixelRatio, bottom - 4 * devicePixelRatio);
    });
  });
}

function alarms(u) {
  const ratio = devicePixelRatio, { ctx, bbox } = u;
  ctx.save();
  ctx.font = `${11.5 * ratio}px system-ui, sans-serif`;
  let free = -Infinity;
  for (const alarm of [...read.alarms].sort((a, b) => a.began - b.began)) {
    const x = u.valToPos(Math.max(alarm.began, read.start), "x", true);
    const end = u.valToPos(Math.min(alarm.ended ?? read.end, read.end), "x", true);
    const colour = css(`--${alarm.state.replace(" ", "-")}`);
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.fillRect(x, bbox.top - 3 * ratio, Math.max(2 * ratio, end - x), 3 * ratio);
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.lineWidth = ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const text = STATES[alarm.state] ?? alarm.state, wide = ctx.measureText(text).width;
    const left = Math.min(x, bbox.left + bbox.width - wide);
    if (left > free) { ctx.fillText(text, left, bbox.top - 6 * ratio); free = left + wide + 8 * ratio; }
  }
  ctx.setLineDash([2 * ratio, 2 * ratio]);
  ctx.strokeStyle = ctx.fillStyle = css("--soft");
  for (const epoch of read.epochs) {
    const x = u.valToPos(epoch, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText("commissioned", x + 4 * ratio, bbox.top + 12 * ratio);
  }
  ctx.restore();
}

function tell(place) {
  const { mean, low, high, time, unit, limits } = read;
  const sum = place.querySelector("[data-sum]");
  if (!time.length) sum.textContent = `No value of ${read.name} is kept for this stretch.`;
  else {
    const last = mean.at(-1);
    const zone = limits ? `, zone ${"ABCD"[limits.filter((l) => last >= l).length]} of ISO 20816-3 (B from ${limits[0]}, C from ${limits[1]}, D from ${limits[2]} mm/s)` : "";
    const many = read.alarms.length;
    sum.textContent = `Last ${figure(last)} ${unit}${zone}; lowest ${figure(Math.min(...low))}, highest ${figure(Math.max(...high))} ${unit}. ${many === 0 ? "No alarm" : many === 1 ? "One alarm" : `${many} alarms`} in this time.`;
  }
  place.querySelector("[data-canvas]").setAttribute("aria-label", `${read.name}: ${sum.textContent}`);
  const step = Math.max(1, Math.ceil(time.length / 60));
  const rows = time.map((t, i) => [clock(t * 1000), figure(low[i]), figure(mean[i]), figure(high[i])]).filter((_, i) => i % step === 0);
  table(place.querySelector("[data-table]"), ["Time", "Lowest", "Mean", "Highest"], rows);
}
