// The signal now: each picture that is in sight, once a second, one request after the other.
import { drawEnvelope, drawSpectrum } from "./curves.js";
import { drawScalogram, drawWaterfall } from "./heat.js";

const DRAW = { envelope: drawEnvelope, spectrum: drawSpectrum, waterfall: drawWaterfall, scalogram: drawScalogram };

export function watchPictures(machine, sensor) {
  const seen = new Set();
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
  }, { rootMargin: "200px" });
  for (const kind of Object.keys(DRAW)) sight.observe(document.getElementById(kind));
  const hold = document.getElementById("hold");
  hold.addEventListener("click", () => {
    hold.setAttribute("aria-pressed", hold.getAttribute("aria-pressed") === "true" ? "false" : "true");
  });

  async function once() {
    for (const kind of seen) {
      if (document.hidden || hold.getAttribute("aria-pressed") === "true") return;
      const place = document.getElementById(kind);
      const query = new URLSearchParams({ machine, sensor, kind });
      const answer = await fetch(`/api/picture?${query}`).catch(() => null);
      if (answer?.ok) DRAW[kind](place, await answer.json());
      else place.querySelector("[data-sum]").textContent = answer ? await why(answer) : "The watch does not answer.";
    }
  }

  (async function forever() {
    for (;;) {
      const from = performance.now();
      await once().catch(console.error);
      await new Promise((done) => setTimeout(done, Math.max(250, 1000 - (performance.now() - from))));
    }
  })();
}

async function why(answer) {
  return (await answer.json().catch(() => ({ error: "no answer" }))).error;
}
