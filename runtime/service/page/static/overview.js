// All machines: figures each second, states at once, the last day as a line, and a name to find.
import "./common.js";
import { listen } from "./listen.js";
import { figure, set } from "./numbers.js";
import { refreshSoon } from "./parts.js";
import { drawSparks, readSparks } from "./sparks.js";

const PLACES = JSON.parse(document.getElementById("top").dataset.places);
const states = new Map();
const find = document.getElementById("find");

function show(machine) {
  const item = document.querySelector(`[data-machine="${CSS.escape(machine.name)}"]`);
  if (!item) return false;
  const part = (name) => item.querySelectorAll(`[data-is="${name}"]`);
  for (const place of part("velocity")) set(place, figure(machine.velocity_mm_s, 3, 3));
  for (const place of part("speed")) set(place, figure(machine.speed_rpm, 4));
  for (const place of part("place")) set(place, PLACES[machine.place] ?? "–");
  for (const place of part("zone")) {
    set(place, machine.zone ?? "–");
    place.parentElement.className = `zone z-${machine.zone ?? "none"}`;
  }
  return true;
}

function hideOthers() {
  const wanted = find.value.trim().toLocaleLowerCase();
  for (const item of document.querySelectorAll("[data-machine]")) {
    item.hidden = !item.dataset.machine.toLocaleLowerCase().includes(wanted);
  }
}

function after() { hideOthers(); drawSparks(); }

listen({
  machines(machines) {
    let changed = false;
    for (const machine of machines) {
      const before = states.get(machine.name);
      const now = `${machine.state} ${machine.running} ${machine.shelved}`;
      if (before !== undefined && before !== now) changed = true;
      states.set(machine.name, now);
      if (!show(machine)) changed = true;
    }
    if (changed) refreshSoon(after);
  },
  change() { refreshSoon(after); },
});
find.addEventListener("input", hideOthers);
hideOthers();
readSparks();
setInterval(readSparks, 60000);
