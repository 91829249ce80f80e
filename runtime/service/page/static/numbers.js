// Figures as a person reads them: so many significant digits, no exponent.
export function figure(value, digits = 3, most = 6) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const places = Math.min(most, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places });
}

export function set(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// A table of figures, the text beside a plot.
export function table(place, head, rows) {
  if (!place.closest("details").open) { place.replaceChildren(); return; }
  const made = document.createElement("table");
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.appendChild(document.createElement(tag)).textContent = cell;
    return row;
  };
  made.createTHead().append(line(head, "th"));
  const body = made.createTBody();
  for (const row of rows) body.append(line(row, "td"));
  place.replaceChildren(made);
}
