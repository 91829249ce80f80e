// Times in the browser's own zone; ages that go on.
const sameDay = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const otherDay = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

export function clock(ms) {
  const date = new Date(ms);
  return date.toDateString() === new Date().toDateString() ? sameDay.format(date) : otherDay.format(date);
}

export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86400)} d`;
}

export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const ms = Date.parse(time.dateTime);
    if (Number.isNaN(ms)) continue;
    const text = time.classList.contains("ago") ? age((Date.now() - ms) / 1000) : clock(ms);
    if (time.textContent !== text) time.textContent = text;
    time.title = new Date(ms).toString();
  }
  for (const option of root.querySelectorAll("option[data-time]")) {
    const ms = Date.parse(option.dataset.time);
    if (!Number.isNaN(ms)) option.textContent = otherDay.format(ms) + option.dataset.rest;
  }
}

export function keepTimes() {
  showTimes();
  setInterval(showTimes, 5000);
}
