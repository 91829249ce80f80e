// The last day of each machine as a line: its own lowest to highest, gaps left open.
import { figure, set } from "./numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 96, HEIGHT = 28, EDGE = 2;
let read = null;

export async function readSparks() {
  const answer = await fetch("/api/sparks").catch(() => null);
  if (answer?.ok) { read = await answer.json(); drawSparks(); }
}

export function drawSparks() {
  if (!read) return;
  const spares = document.querySelectorAll("[data-spark]");
  for (const svg of spares) {
    const day = read.machines[svg.dataset.spark];
    const told = document.querySelector(`[data-day="${CSS.escape(svg.dataset.spark)}"]`);
    if (!day || day.v.length === 0) { svg.replaceChildren(); set(told, "none kept"); continue; }
    const low = Math.min(...day.v), high = Math.max(...day.v);
    set(told, `from ${figure(low)} to ${figure(high)}, last ${figure(day.v.at(-1))} mm/s`);
    const path = svg.firstElementChild ?? svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("d", line(day, low, Math.max(high, low * 1.25, low + 0.2)));
  }
}

// A line that hardly moves stays flat: the scale reaches a quarter over its lowest at least.
function line(day, low, high) {
  const span = read.end - read.start;
  let before = -Infinity;
  return day.t.map((t, i) => {
    const x = (WIDTH * (t + read.width / 2)) / span;
    const y = HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (day.v[i] - low)) / (high - low);
    const step = t - before > 1.5 * read.width ? "M" : "L";
    before = t;
    return `${step}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join("");
}
