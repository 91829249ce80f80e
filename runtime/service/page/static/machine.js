// One machine: its figures each second, its trend, its signal now, its waveforms.
import "./common.js";
import { listen } from "./listen.js";
import { figure, set } from "./numbers.js";
import { refresh, refreshSoon } from "./parts.js";
import { watchPictures } from "./pictures.js";
import { showTrend } from "./trend.js";
import { showWaveforms } from "./waveform.js";

const strip = document.getElementById("strip");
let state = null;

function show(machine) {
  const sensor = machine.sensors.find((s) => s.name === strip?.dataset.sensor);
  const now = [machine.state, machine.zone, sensor?.place, sensor?.label, sensor?.unfit, machine.rules.map((r) => `${r.state}${r.acknowledged_by}${r.shelved_until}`)].join("|");
  if (state !== null && state !== now) refreshSoon();
  state = now;
  if (!sensor) return;
  for (const place of strip.querySelectorAll("[data-is]")) {
    const key = place.dataset.is;
    if (key === "zone") {
      set(place, machine.zone ?? "–");
      place.parentElement.className = `zone z-${machine.zone ?? "none"}`;
    } else if (key in sensor) set(place, figure(sensor[key], key === "speed_rpm" ? 4 : 3, 3));
    else set(place, figure(sensor.levels?.[key], 3, 3));
  }
  const unfit = document.getElementById("unfit");
  unfit.hidden = !sensor.unfit && !sensor.silent_s;
  if (sensor.silent_s) set(unfit, `Nothing has come from this sensor for ${Math.round(sensor.silent_s)} s: what is shown is old.`);
  else if (sensor.unfit) set(unfit, `The signal is not fit for diagnosis now: ${sensor.unfit}.`);
}

if (strip) {
  listen({ machines(machines) { show(machines[0]); }, change() { refreshSoon(); } }, strip.dataset.machine);
  showTrend(strip.dataset.machine, strip.dataset.sensor);
  watchPictures(strip.dataset.machine, strip.dataset.sensor);
  showWaveforms();
  setInterval(() => document.hidden || refresh(), 15000);
} else listen({});
