"""What a picture is drawn on: SVG, which needs nothing, or PNG, which needs Pillow.

A kind of canvas is a class with the methods of `Canvas`; `CANVASES` names it by its suffix.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol
from xml.sax.saxutils import escape

from dlrsd.runtime.base.errors import require

WIDTH, HEIGHT = 760, 380

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

_STYLE = """
svg { color-scheme: light dark; background: #fff; font: 12px system-ui, sans-serif; }
text { fill: #333; } .title { font-size: 14px; font-weight: 600; } .soft { fill: #777; }
.grid { stroke: #e4e4e4; } .curve { fill: none; stroke: #64748b; stroke-width: 1; }
.outer { fill: #c2410c; stroke: #c2410c; } .inner { fill: #1d4ed8; stroke: #1d4ed8; }
.ball { fill: #15803d; stroke: #15803d; } .cage { fill: #7e22ce; stroke: #7e22ce; }
.shaft { stroke: #bbb; stroke-dasharray: 2 3; } .faint { opacity: 0.35; }
@media (prefers-color-scheme: dark) {
svg { background: #16181d; } text { fill: #ddd; } .soft { fill: #999; } .grid { stroke: #2c3038; }
.curve { stroke: #94a3b8; } .outer { fill: #fb923c; stroke: #fb923c; }
.inner { fill: #60a5fa; stroke: #60a5fa; } .ball { fill: #4ade80; stroke: #4ade80; }
.cage { fill: #c084fc; stroke: #c084fc; } .shaft { stroke: #555; } }
"""
_COLOURS = {
    "": "#333", "title": "#333", "soft": "#777", "grid": "#e4e4e4", "curve": "#64748b",
    "shaft": "#bbb", "outer": "#c2410c", "inner": "#1d4ed8", "ball": "#15803d", "cage": "#7e22ce",
}  # fmt: skip


class Canvas(Protocol):
    """Points are in pixels from the top left; a kind is a class of the style."""

    def text(self, at: Point, text: str, *, kind: str = "", anchor: Anchor = "start") -> None: ...

    def line(self, start: Point, end: Point, kind: str) -> None: ...

    def curve(self, points: Sequence[Point]) -> None: ...

    def mark(self, corners: Sequence[Point], kind: str, *, title: str, faint: bool) -> None: ...

    def done(self) -> bytes:
        """The file."""
        ...


class SvgCanvas:
    """Fits light and dark pages; a mark says what it is where the pointer rests on it."""

    def __init__(self, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        ]

    def text(self, at: Point, text: str, *, kind: str = "", anchor: Anchor = "start") -> None:
        how = (f' class="{kind}"' if kind else "") + (
            f' text-anchor="{anchor}"' if anchor != "start" else ""
        )
        self._parts.append(f'<text{how} x="{at[0]:g}" y="{at[1]:g}">{escape(text)}</text>')

    def line(self, start: Point, end: Point, kind: str) -> None:
        self._parts.append(
            f'<line class="{kind}" x1="{start[0]:g}" x2="{end[0]:g}" y1="{start[1]:g}" '
            f'y2="{end[1]:g}"/>'
        )

    def curve(self, points: Sequence[Point]) -> None:
        path = " L".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(f'<path class="curve" d="M{path}"/>')

    def mark(self, corners: Sequence[Point], kind: str, *, title: str, faint: bool) -> None:
        points = " ".join(f"{x:g},{y:g}" for x, y in corners)
        said = f"<title>{escape(title)}</title>" if title else ""
        self._parts.append(
            f'<polygon class="{kind}{" faint" * faint}" points="{points}">{said}</polygon>'
        )

    def done(self) -> bytes:
        return "\n".join([*self._parts, "</svg>\n"]).encode()


class PngCanvas:
    """As on a light page, two pixels for one of the SVG's."""

    _SCALE: ClassVar[int] = 2
    _SIZES: ClassVar[dict[str, int]] = {"title": 14}

    def __init__(self, _title: str) -> None:
        drawing = require("PIL.ImageDraw", extra="picture", purpose="a picture in PNG")
        image = require("PIL.Image", extra="picture", purpose="a picture in PNG")
        self._fonts = require("PIL.ImageFont", extra="picture", purpose="a picture in PNG")
        self._image: Any = image.new("RGB", (WIDTH * self._SCALE, HEIGHT * self._SCALE), "#fff")
        self._draw: Any = drawing.Draw(self._image, "RGBA")

    def text(self, at: Point, text: str, *, kind: str = "", anchor: Anchor = "start") -> None:
        font = self._fonts.load_default(self._SCALE * self._SIZES.get(kind, 12))
        where = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        self._draw.text(self._of(at), text, fill=_COLOURS[kind], font=font, anchor=where)

    def line(self, start: Point, end: Point, kind: str) -> None:
        (x, top), (right, bottom) = self._of(start), self._of(end)
        if kind != "shaft":
            self._draw.line((x, top, right, bottom), fill=_COLOURS[kind], width=self._SCALE)
            return
        dash, gap = 2 * self._SCALE, 3 * self._SCALE
        for y in range(int(top), int(bottom), dash + gap):
            ends = (x, y, right, min(y + dash, bottom))
            self._draw.line(ends, fill=_COLOURS[kind], width=self._SCALE)

    def curve(self, points: Sequence[Point]) -> None:
        self._draw.line([self._of(each) for each in points], fill=_COLOURS["curve"], width=2)

    def mark(self, corners: Sequence[Point], kind: str, *, title: str, faint: bool) -> None:
        fill = _full(_COLOURS[kind]) + ("59" if faint else "ff")  # 0.35 of 255
        self._draw.polygon([self._of(each) for each in corners], fill=fill)

    def done(self) -> bytes:
        file = io.BytesIO()
        self._image.save(file, "PNG", optimize=True)
        return file.getvalue()

    def _of(self, at: Point) -> Point:
        return at[0] * self._SCALE, at[1] * self._SCALE


def _full(colour: str) -> str:
    """Six digits of a colour of three."""
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


CANVASES: dict[str, type[SvgCanvas] | type[PngCanvas]] = {".svg": SvgCanvas, ".png": PngCanvas}
