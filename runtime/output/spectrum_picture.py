"""The spectrum of the envelope as a picture, with the lines that were looked for: SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.dsp.envelope import Spectrum, envelope_spectrum
from dlrsd.runtime.evidence.finding import Finding
from dlrsd.runtime.evidence.lines import SIGNIFICANT, Line
from dlrsd.runtime.evidence.windows import WindowEvidence

_WIDTH, _HEIGHT = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 64, 48
_FLOOR_DB, _LEAST_TOP_DB = -10.0, 20.0
_POINTS = 1400  # columns of the curve: more cannot be seen
_NAMES = {"outer": "BPFO", "inner": "BPFI", "ball": "2x BSF", "cage": "FTF"}
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


def draw_spectrum(
    window: WindowEvidence | None, finding: Finding, path: Path, *, rate_hz: float
) -> None:
    """Draw the window that a finding shows.

    Parameters
    ----------
    window : WindowEvidence or None
    finding : Finding
    path : Path
        Ends in .svg; an older picture of that name is replaced.
    rate_hz : float > 0
        Of the window.

    Raises
    ------
    InputError
        If the name ends in anything else, the finding has no lines to draw, or the picture cannot
        be written.
    """
    if path.suffix.lower() != ".svg":
        raise InputError(f"the picture is called {path.name}: expected a name that ends in .svg")
    spectrum = spectrum_shown(window, rate_hz) if window else None
    speed = window.evidence.speed if window else None
    if spectrum is None or speed is None or not finding.lines:
        raise InputError(f"there is no spectrum to draw: {finding.sentence}")
    text = _svg(spectrum, finding, speed.hz)
    try:
        with write_atomic(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def spectrum_shown(window: WindowEvidence, rate_hz: float) -> Spectrum | None:
    """The envelope's spectrum up to the bearing's highest line; None where no line was sought."""
    lines, speed = bearing_lines_of(window.evidence.lines), window.evidence.speed
    if speed is None or not lines:
        return None
    highest = min(max(line.hz for line in lines) * 1.05, rate_hz / 8)
    x = window.samples.astype(np.float64)
    return envelope_spectrum(x, rate_hz, highest, 0.7 * speed.hz)


def bearing_lines_of(lines: list[Line]) -> list[Line]:
    """Those of the bearing: of the envelope's spectrum, not of the signal's own."""
    return [line for line in lines if line.place in _NAMES]


def _svg(spectrum: Spectrum, finding: Finding, shaft_hz: float) -> str:
    level = 10 * np.log10(np.maximum(spectrum.excess, 1e-3))
    end_hz = spectrum.bin_hz * (len(level) - 1)
    top = max(_LEAST_TOP_DB, 5 * np.ceil((level[1:].max() + 3) / 5))

    def x(hz: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * hz / end_hz, 1)

    def y(decibels: float) -> float:
        share = (np.clip(decibels, _FLOOR_DB, top) - _FLOOR_DB) / (top - _FLOOR_DB)
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * float(share), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(finding.sentence)}</title><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="20">{escape(_short(finding.sentence))}</text>',
    ]
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts += [
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y(decibels)}" y2="{y(decibels)}"/>'
        f'<text class="soft" x="{_LEFT - 8}" y="{y(decibels) + 4}" text-anchor="end">'
        f"{decibels:g}</text>"
        for decibels in np.arange(_FLOOR_DB, top + 1, 10)
    ]
    parts += [
        f'<text class="soft" x="{x(hz)}" y="{bottom + 18}" text-anchor="middle">{hz:g}</text>'
        for hz in _ticks(end_hz)
    ]
    turns = [x(turn * shaft_hz) for turn in range(1, int(end_hz / shaft_hz) + 1)]
    parts += [
        f'<line class="shaft" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>' for at in turns
    ]
    parts.append(f'<path class="curve" d="{_curve(level, spectrum.bin_hz, x, y)}"/>')
    # Places may share a line: the one that was named lies on top, and alone has numbers.
    shown = sorted(bearing_lines_of(finding.lines), key=lambda line: line.place == finding.verdict)
    parts += [
        _marker(line, x, y, end_hz, level, spectrum.bin_hz, named=line.place == finding.verdict)
        for line in shown
    ]
    parts += _legend()
    parts.append(
        f'<text class="soft" x="{(_LEFT + _WIDTH) / 2:g}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "Hz in the spectrum of the squared envelope; dB over the floor; dashed: multiples of the "
        "shaft's speed</text></svg>\n"
    )
    return "\n".join(part for part in parts if part)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 88 else f"{sentence[:85].rstrip(' ,;')}..."


def _ticks(end_hz: float) -> NDArray[np.float64]:
    """At most nine round frequencies."""
    power = 10.0 ** np.floor(np.log10(end_hz / 4))
    step = next(s * power for s in (1, 2, 5, 10) if end_hz / (s * power) <= 8)
    return np.arange(0, end_hz + step / 2, step)


def _curve(
    level: NDArray[np.float64],
    bin_hz: float,
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> str:
    """A path through the largest bin of every column."""
    size = max(1, len(level) // _POINTS)
    columns = level[1 : 1 + (len(level) - 1) // size * size].reshape(-1, size)
    at = 1 + np.arange(len(columns)) * size + columns.argmax(axis=1)
    points = (f"{x(bin_hz * i)},{y(float(level[i]))}" for i in at.tolist())
    return "M" + " L".join(points)


def _marker(
    line: Line,
    x: Callable[[float], float],
    y: Callable[[float], float],
    end_hz: float,
    level: NDArray[np.float64],
    bin_hz: float,
    *,
    named: bool,
) -> str:
    """A triangle above the line, filled where it stands out and the shaft does not explain it."""
    if line.hz > end_hz:
        return ""
    at, top = x(line.hz), y(float(level[round(line.hz / bin_hz)])) - 4
    is_seen = line.probability < SIGNIFICANT and line.shaft is None
    mark = f"{at},{top} {at - 4},{top - 8} {at + 4},{top - 8}"
    kind = line.place if is_seen else f"{line.place} faint"
    label = ""
    if named and is_seen and line.name.endswith("x"):
        label = (
            f'<text x="{at}" y="{top - 12}" text-anchor="middle">'
            f"{line.name.rpartition(' ')[2]}</text>"
        )
    title = f"<title>{escape(line.name)}</title>"
    return f'<polygon class="{kind}" points="{mark}">{title}</polygon>{label}'


def _legend() -> list[str]:
    parts = []
    for column, (place, name) in enumerate(_NAMES.items()):
        at = _LEFT + 120 * column
        parts.append(
            f'<polygon class="{place}" points="{at},44 {at - 4},36 {at + 4},36"/>'
            f'<text x="{at + 10}" y="44">{place}, {name}</text>'
        )
    return parts
