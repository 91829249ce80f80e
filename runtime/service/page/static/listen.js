// One stream of what happens. It says when it is lost, and rests while nobody looks.
import { clock } from "./times.js";

const SILENT_MS = 15000;

export function listen(handlers, machine) {
  const url = machine === undefined ? "/told" : `/told?machine=${encodeURIComponent(machine)}`;
  let source = null;
  let heard = 0;

  function open() {
    source?.close();
    heard = Date.now();
    source = new EventSource(url);
    source.onerror = () => show("lost");
    for (const kind of ["machines", "change", "event", "alive"]) {
      source.addEventListener(kind, (event) => {
        heard = Date.now();
        show("live");
        handlers[kind]?.(JSON.parse(event.data));
      });
    }
  }

  let lost = null;
  function show(state) {
    if (state === "lost") lost ??= Date.now();
    else lost = null;
    const place = document.getElementById("link");
    if (place.dataset.link === state) return;
    place.dataset.link = state;
    document.getElementById("link-text").textContent = { live: "Live", waiting: "Not live", lost: "No connection" }[state];
    const banner = document.getElementById("lost");
    banner.hidden = state !== "lost";
    if (lost) banner.textContent = `No connection to the watch since ${clock(lost)}: what is shown is old. It is tried again.`;
  }

  setInterval(() => {
    if (document.hidden || Date.now() - heard < SILENT_MS) return;
    show("lost");
    open();
  }, 3000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); show("waiting"); } else open();
  });
  window.addEventListener("pagehide", () => source?.close());
  if (!document.hidden) open();
}
