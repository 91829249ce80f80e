// A sign for each place of a bearing: its form says which, its colour only repeats it.
import { css } from "./plot.js";

export const NAMES = {
  outer: { name: "Outer race", line: "BPFO", glyph: "▼" },
  inner: { name: "Inner race", line: "BPFI", glyph: "◆" },
  ball: { name: "Rolling element", line: "2×BSF", glyph: "●" },
  cage: { name: "Cage", line: "FTF", glyph: "■" },
};

const FORMS = {
  outer: (c, r) => { c.moveTo(0, r); c.lineTo(-r, -r); c.lineTo(r, -r); c.closePath(); },
  inner: (c, r) => { c.moveTo(0, -1.2 * r); c.lineTo(1.2 * r, 0); c.lineTo(0, 1.2 * r); c.lineTo(-1.2 * r, 0); c.closePath(); },
  ball: (c, r) => c.arc(0, 0, r, 0, 2 * Math.PI),
  cage: (c, r) => c.rect(-r, -r, 2 * r, 2 * r),
};

// Full where the line stands out, an outline where not; sidebands are smaller.
export function draw(ctx, mark, x, y, box, numbered) {
  const ratio = devicePixelRatio, whole = mark.name.endsWith("x");
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top - 18 * ratio, box.width, box.height + 18 * ratio);
  ctx.clip();
  ctx.translate(x, y - 9 * ratio);
  ctx.fillStyle = ctx.strokeStyle = css(`--${mark.place}`);
  ctx.globalAlpha = mark.seen ? 1 : 0.4;
  ctx.lineWidth = ratio;
  ctx.beginPath();
  FORMS[mark.place](ctx, (whole ? 4.2 : 2.6) * ratio);
  if (mark.seen) ctx.fill(); else ctx.stroke();
  if (numbered) {
    const [name, times, side] = mark.name.split(" ");
    ctx.font = `${(whole ? 12 : 10) * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.fillText(whole ? (times === "1x" ? `${name.toUpperCase()}` : times.replace("x", "×")) : side, 0, -9 * ratio);
  }
  ctx.restore();
}
