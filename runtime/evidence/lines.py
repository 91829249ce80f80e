"""The single lines: where, how high, how likely in noise, and whether the shaft explains them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dlrsd.runtime.dsp.envelope import Spectrum
from dlrsd.runtime.dsp.places import Found, guarded
from dlrsd.runtime.dsp.shaft_speed import HARMONICS, ShaftSpeed

SIGNIFICANT = 0.01  # a line that noise draws less often counts as seen
_MESH_HARMONICS = 3
_MESH_SIDEBANDS = 2
_NEAR = 1  # bins on either side in which the shaft's and the gears' own lines are looked for


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a spectrum."""

    name: str
    """For example "bpfo 2x", "bpfi 1x -1 shaft", "shaft 3x", "mesh 27 1x +1 shaft"."""
    place: str
    """outer, inner, ball, cage: of the envelope's spectrum; shaft, gear: of the signal's."""
    order: float
    """Multiple of the shaft's speed where it was found, after slip."""
    hz: float
    level_db: float
    """Power over that of its surroundings, dB."""
    probability: float
    """At most with which exponential noise draws a bin as high within the range searched."""
    shaft: int | None = None
    """The multiple of the shaft's speed that explains it, of envelope lines."""
    over_baseline_db: float | None = None
    """Level over the machine's own when healthy, dB."""

    @property
    def is_sideband(self) -> bool:
        return not self.name.endswith("x")


def seen(lines: Sequence[Line], place: str) -> list[Line]:
    """Those of a place that noise hardly draws and the shaft does not explain."""
    return [
        line
        for line in lines
        if line.place == place and line.probability < SIGNIFICANT and line.shaft is None
    ]


def bearing_lines(spectrum: Spectrum, speed: ShaftSpeed, found: Sequence[Found]) -> list[Line]:
    """The lines of every place's comb, where it fits best; those beyond the spectrum are left out.

    Parameters
    ----------
    spectrum : of the envelope
    """
    explained = guarded(spectrum, speed)
    turn = speed.hz / spectrum.bin_hz
    lines = []
    for place in found:
        for tooth in place.comb.teeth:
            order = tooth.moving * place.fit.stretch + tooth.fixed
            at = round(order * turn)
            if 0 < at < len(explained):
                searched = 2 * place.comb.tolerance * tooth.moving * turn + 1
                shaft = max(1, round(order)) if explained[at] else None
                line = _line(spectrum, speed, tooth.name, place.comb.place, order, at, searched)
                lines.append(msgspec.structs.replace(line, shaft=shaft))
    return lines


def machine_lines(spectrum: Spectrum, speed: ShaftSpeed, teeth: Sequence[int]) -> list[Line]:
    """The shaft's first lines, and the mesh lines of its gears with sidebands.

    Parameters
    ----------
    spectrum : of the signal
    teeth : of the gears on the shaft
    """
    named = [(f"shaft {k}x", "shaft", float(k)) for k in range(1, HARMONICS + 1)]
    for count in teeth:
        for k in range(1, _MESH_HARMONICS + 1):
            named.append((f"mesh {count} {k}x", "gear", float(k * count)))
            for side in range(1, _MESH_SIDEBANDS + 1):
                for sign in (-side, side):
                    name = f"mesh {count} {k}x {sign:+d} shaft"
                    named.append((name, "gear", float(k * count + sign)))
    lines = []
    for name, place, order in named:
        middle = round(order * speed.hz / spectrum.bin_hz)
        near = spectrum.excess[max(1, middle - _NEAR) : middle + _NEAR + 1]
        if middle + _NEAR < len(spectrum.excess):
            at = max(1, middle - _NEAR) + int(near.argmax())
            lines.append(_line(spectrum, speed, name, place, order, at, 2 * _NEAR + 1))
    return lines


def _line(
    spectrum: Spectrum,
    speed: ShaftSpeed,
    name: str,
    place: str,
    order: float,
    at: int,
    searched: float,
) -> Line:
    excess = max(float(spectrum.excess[at]), 1e-9)
    probability = -np.expm1(searched * np.log1p(-min(np.exp(-excess), 1 - 1e-12)))
    return Line(
        name=name,
        place=place,
        order=order,
        hz=order * speed.hz,
        level_db=float(10 * np.log10(excess)),
        probability=float(probability),
    )
