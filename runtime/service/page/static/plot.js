// What all plots share: colours of the style sheet, their size, and a new drawing when either changes.
const dark = matchMedia("(prefers-color-scheme: dark)");

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const axis = (label, more = {}) => ({
  stroke: () => css("--soft"),
  grid: { stroke: () => css("--grid"), width: 1 },
  ticks: { stroke: () => css("--line"), width: 1, size: 4 },
  font: "12px system-ui, sans-serif",
  labelFont: "12px system-ui, sans-serif",
  label,
  labelSize: label ? 18 : 0,
  ...more,
});

// A plot in a place: x axis, y axis and series as uPlot takes them.
export function plot(place, { x, y, series, scales, hooks = {}, bands, height = 260, drag = false, onZoom }) {
  const made = new uPlot({
    width: Math.max(200, place.clientWidth),
    height,
    scales,
    series,
    bands,
    axes: [axis(x.label, { size: x.label ? 30 : 50, ...x }), axis(y.label, { size: 52, ...y })],
    cursor: { y: false, drag: { x: drag, y: false, setScale: false }, points: { size: 6 } },
    legend: { live: true },
    padding: [18, 20, 0, 0],
    hooks: { ...hooks, ...(onZoom ? { setSelect: [(u) => {
      if (u.select.width < 4) return;
      const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      onZoom(from, to);
    }] } : {}) },
  }, null, place);
  const sized = new ResizeObserver(() => {
    const width = Math.max(200, place.clientWidth);
    if (Math.abs(width - made.width) > 1) made.setSize({ width, height });
  });
  sized.observe(place);
  dark.addEventListener("change", () => made.redraw(false, true));
  return made;
}

export function onTheme(draw) { dark.addEventListener("change", draw); }

// Draw on a plot within its frame, in canvas pixels.
export function within(u, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox);
  ctx.restore();
}
