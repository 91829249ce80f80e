// Take what has changed out of the page as the server makes it now.
import { showTimes } from "./times.js";

let waiting = null;

export function refreshSoon(then, after = 250) {
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh().then(then), after);
}

export async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer || !answer.ok) return;
  if (answer.redirected) { location.assign(answer.url); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-part]")) {
    const part = fresh.querySelector(`[data-part="${CSS.escape(old.dataset.part)}"]`);
    if (!part || isBusy(old)) continue;
    const key = old.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    old.replaceWith(document.adoptNode(part));
    if (key) part.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }
  showTimes();
}

// Someone is choosing in it: it stays as it is until they are done.
function isBusy(part) {
  return part.querySelector("details.shelve[open]") || part.contains(document.activeElement?.closest("select"));
}
