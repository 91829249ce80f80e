"""Is a window fit for diagnosis: one quality code per window and channel.

The codes, in the order in which they win when several apply:

non_finite  a NaN or an infinity
gap         missing samples, or a run of exact zeros (what an acquisition writes for samples it
            lost); a window of nothing but zeros is a gap, not flat
flat        no variation: a sensor stuck at a value other than zero
clipped     the largest or smallest value is repeated, and stands out against the level next to it
level       RMS far outside what the model was trained on: wrong unit, scale or sensitivity
ok          none of these

Repetition alone does not make a window clipped: the crest of a smooth signal that was stored with
few integer levels repeats too, but then the level next to the crest repeats about as often (for a
sine at least 0.4 times as often wherever its peak lies between two levels, and for noise more
often). A clipped extreme collects everything that would have gone beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite

import numpy as np

from dlrsd.runtime.base.errors import InputError

QUALITY = ("ok", "gap", "clipped", "flat", "non_finite", "level")
OK, GAP, CLIPPED, FLAT, NON_FINITE, LEVEL = range(len(QUALITY))

# Resampling a constant leaves a ripple of a few float32 steps.
_FLAT_RANGE = 1e-6
# How many times as often as the next level an extreme must occur to be clipped: 2.4 is the most
# that an unclipped sine reaches.
CLIP_CONTRAST = 4


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Where a window stops being fit for diagnosis.

    Parameters
    ----------
    zero_run : int > 0
        Consecutive exact zeros that make a gap. 16 samples are 1.3 ms at 12 kHz.
    clip_run : int > 1
        Samples of one window at its largest (or at its smallest) value that make it clipped.
    level_low, level_high : float >= 0
        Range of a fit window's RMS, in the bundle's unit.
    """

    zero_run: int = 16
    clip_run: int = 8
    level_low: float = 0.01
    level_high: float = 20.0

    def __post_init__(self) -> None:
        counts, levels = (self.zero_run, self.clip_run), (self.level_low, self.level_high)
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in counts):
            raise InputError(f"zero_run and clip_run are {counts}: expected two integers")
        if not all(isinstance(x, (int, float)) and isfinite(x) for x in levels):
            raise InputError(f"level_low and level_high are {levels}: expected two finite numbers")
        if self.zero_run < 1 or self.clip_run < 2 or not 0 <= self.level_low < self.level_high:
            raise InputError(
                f"{self}: expected zero_run >= 1, clip_run >= 2 and 0 <= level_low < level_high"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> QualityLimits:
        """Limits from a manifest's `quality` table; what it leaves out keeps its default.

        Raises
        ------
        InputError
            If it names a limit that does not exist, or a limit makes no sense.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise InputError(f"quality limits {unknown} are not known: expected some of {known}")
        return cls(**values)  # type: ignore[arg-type]

    def asdict(self) -> dict[str, float]:
        """The limits as a manifest's `quality` table."""
        return asdict(self)


def window_quality(
    windows: np.ndarray, limits: QualityLimits, *, gap: np.ndarray | None = None
) -> np.ndarray:
    """Judge each window of each channel on its own.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, channels, window)], real floating
        Samples in the bundle's unit; views with overlap are welcome.
    limits : QualityLimits
    gap : np.ndarray [shape=(n,)], bool, optional
        Windows known to hold missing samples (`Frames.gap`).

    Returns
    -------
    np.ndarray [shape=(n, channels)], uint8
        Indices into `QUALITY`.
    """
    if windows.ndim != 3 or not windows.shape[-1]:
        raise InputError(f"windows have shape {windows.shape}: expected (n, channels, window)")
    with np.errstate(all="ignore"):  # NaN, infinities and overflow are what is looked for
        highest, lowest = windows.max(-1), windows.min(-1)
        rms = window_rms(windows)

        codes = np.full(highest.shape, OK, np.uint8)
        codes[~((rms >= limits.level_low) & (rms <= limits.level_high))] = LEVEL
        codes[_clipped(windows, highest, lowest, limits.clip_run)] = CLIPPED
        codes[highest - lowest <= _FLAT_RANGE * np.maximum(abs(highest), abs(lowest))] = FLAT
        codes[_has_zero_run(windows, limits.zero_run)] = GAP
        if gap is not None:
            codes[gap] = GAP
        codes[~np.isfinite(highest) | ~np.isfinite(lowest)] = NON_FINITE
    return codes


def window_rms(windows: np.ndarray) -> np.ndarray:
    """Root mean square of each window, the figure that `level_low` and `level_high` bound.

    Parameters
    ----------
    windows : np.ndarray [shape=(..., window)], real floating

    Returns
    -------
    np.ndarray [shape=(...)]
    """
    return np.sqrt(np.einsum("...w,...w->...", windows, windows) / windows.shape[-1])


def _clipped(
    windows: np.ndarray, highest: np.ndarray, lowest: np.ndarray, clip_run: int
) -> np.ndarray:
    clipped = np.zeros(highest.shape, bool)
    for extreme, other in ((highest, lowest), (lowest, highest)):
        at_extreme = windows == extreme[..., None]
        count = at_extreme.sum(-1, dtype=np.uint32)
        repeated = np.nonzero(count >= clip_run)
        if not repeated[0].size:
            continue
        inner = np.where(at_extreme[repeated], other[repeated][:, None], windows[repeated])
        inward = np.max if extreme is highest else np.min
        level = inward(inner, axis=-1)
        at_level = (inner == level[:, None]).sum(-1) * (level != other[repeated])
        # No level in between at all: a square wave, saturated at both ends.
        clipped[repeated] |= count[repeated] > CLIP_CONTRAST * at_level
    return clipped


def _has_zero_run(windows: np.ndarray, length: int) -> np.ndarray:
    zero = windows == 0
    found = zero.any(-1)
    candidates = np.nonzero(found)
    if not candidates[0].size:
        return found
    # After each step, run[i] says whether `reach` zeros begin at i.
    run, reach = zero[candidates], 1
    length = min(length, windows.shape[-1])
    while reach < length:
        step = min(reach, length - reach)
        run = run[:, step:] & run[:, :-step]
        reach += step
    found[candidates] = run.any(-1)
    return found
