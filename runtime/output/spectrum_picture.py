"""The spectrum of the envelope as a picture, with the lines that were looked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.dsp.envelope import Spectrum, envelope_spectrum
from dlrsd.runtime.evidence.finding import Finding
from dlrsd.runtime.evidence.lines import SIGNIFICANT, Line
from dlrsd.runtime.evidence.windows import WindowEvidence
from dlrsd.runtime.output.canvas import (
    CANVASES,
    HEIGHT,
    WIDTH,
    Canvas,
    PngCanvas,
    Point,
    SvgCanvas,
)

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 64, 48
_FLOOR_DB, _LEAST_TOP_DB = -10.0, 20.0
_POINTS = 1400  # columns of the curve: more cannot be seen
_NAMES = {"outer": "BPFO", "inner": "BPFI", "ball": "2x BSF", "cage": "FTF"}


def draw_spectrum(
    window: WindowEvidence | None, finding: Finding, path: Path, *, rate_hz: float
) -> None:
    """Draw the window that a finding shows.

    Parameters
    ----------
    window : WindowEvidence or None
    finding : Finding
    path : Path
        Ends in .svg or .png; an older picture of that name is replaced.
    rate_hz : float > 0
        Of the window.

    Raises
    ------
    InputError
        If the name ends in anything else, the finding has no lines to draw, or the picture cannot
        be written.
    ExtraMissingError
        If it is a PNG and Pillow is not installed.
    """
    canvas_of = picture_kind(path)
    spectrum = spectrum_shown(window, rate_hz) if window else None
    speed = window.evidence.speed if window else None
    if spectrum is None or speed is None or not finding.lines:
        raise InputError(f"there is no spectrum to draw: {finding.sentence}")
    canvas = canvas_of(finding.sentence)
    _draw(canvas, spectrum, finding, speed.hz)
    content = canvas.done()
    try:
        with write_atomic(path) as file:
            file.write(content)
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


def picture_kind(path: Path) -> type[SvgCanvas] | type[PngCanvas]:
    """What a picture of that name is drawn on.

    Raises
    ------
    InputError
        If its suffix names none.
    """
    canvas = CANVASES.get(path.suffix.lower())
    if canvas is None:
        raise InputError(
            f"the picture is called {path.name}: expected a name that ends in "
            f"{' or '.join(CANVASES)}"
        )
    return canvas


def _draw(canvas: Canvas, spectrum: Spectrum, finding: Finding, shaft_hz: float) -> None:
    level = 10 * np.log10(np.maximum(spectrum.excess, 1e-3))
    end_hz = spectrum.bin_hz * (len(level) - 1)
    top = max(_LEAST_TOP_DB, 5 * np.ceil((level[1:].max() + 3) / 5))

    def x(hz: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * hz / end_hz, 1)

    def y(decibels: float) -> float:
        share = (np.clip(decibels, _FLOOR_DB, top) - _FLOOR_DB) / (top - _FLOOR_DB)
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * float(share), 1)

    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    canvas.text((_LEFT, 20), _short(finding.sentence), kind="title")
    for decibels in np.arange(_FLOOR_DB, top + 1, 10).tolist():
        canvas.line((_LEFT, y(decibels)), (right, y(decibels)), "grid")
        canvas.text((_LEFT - 8, y(decibels) + 4), f"{decibels:g}", kind="soft", anchor="end")
    for hz in _ticks(end_hz).tolist():
        canvas.text((x(hz), bottom + 18), f"{hz:g}", kind="soft", anchor="middle")
    for turn in range(1, int(end_hz / shaft_hz) + 1):
        canvas.line((x(turn * shaft_hz), _TOP), (x(turn * shaft_hz), bottom), "shaft")
    canvas.curve(_curve(level, spectrum.bin_hz, x, y))
    # Places may share a line: the one that was named lies on top, and alone has numbers.
    shown = sorted(bearing_lines_of(finding.lines), key=lambda line: line.place == finding.verdict)
    for line in shown:
        if line.hz <= end_hz:
            at = (x(line.hz), y(float(level[round(line.hz / spectrum.bin_hz)])) - 4)
            _mark(canvas, line, at, named=line.place == finding.verdict)
    for column, (place, name) in enumerate(_NAMES.items()):
        left = _LEFT + 120 * column
        canvas.mark(_triangle((left, 44)), place, title="", faint=False)
        canvas.text((left + 10, 44), f"{place}, {name}")
    canvas.text(
        ((_LEFT + WIDTH) / 2, HEIGHT - 8),
        "Hz in the spectrum of the squared envelope; dB over the floor; dashed: multiples of the "
        "shaft's speed",
        kind="soft",
        anchor="middle",
    )


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
) -> list[Point]:
    """The largest bin of every column."""
    size = max(1, len(level) // _POINTS)
    columns = level[1 : 1 + (len(level) - 1) // size * size].reshape(-1, size)
    at = 1 + np.arange(len(columns)) * size + columns.argmax(axis=1)
    return [(x(bin_hz * i), y(float(level[i]))) for i in at.tolist()]


def _mark(canvas: Canvas, line: Line, at: Point, *, named: bool) -> None:
    """A triangle above the line, full where it stands out and the shaft does not explain it."""
    is_seen = line.probability < SIGNIFICANT and line.shaft is None
    canvas.mark(_triangle(at), line.place, title=line.name, faint=not is_seen)
    if named and is_seen and line.name.endswith("x"):
        number = line.name.rpartition(" ")[2]
        canvas.text((at[0], at[1] - 12), number, anchor="middle")


def _triangle(tip: Point) -> list[Point]:
    return [tip, (tip[0] - 4, tip[1] - 8), (tip[0] + 4, tip[1] - 8)]
