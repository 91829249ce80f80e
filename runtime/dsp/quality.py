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

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from math import inf
from typing import Annotated, Literal, get_args

import numpy as np
from msgspec import Meta, Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Count

Quality = Literal["ok", "gap", "clipped", "flat", "non_finite", "level"]
QUALITY: tuple[Quality, ...] = get_args(Quality)
OK, GAP, CLIPPED, FLAT, NON_FINITE, LEVEL = range(len(QUALITY))

# Resampling a constant leaves a ripple of a few float32 steps.
_FLAT_RANGE = 1e-6
# How many times as often as the next level an extreme must occur to be clipped: 2.4 is the most
# that an unclipped sine reaches.
CLIP_CONTRAST = 4
_Level = Annotated[float, Meta(ge=0, le=1e30)]


class QualityLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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

    zero_run: Annotated[Count, Meta(description="Consecutive exact zeros that make a gap.")] = 16
    clip_run: Annotated[
        Annotated[int, Meta(ge=2, le=2**31)],
        Meta(description="Samples at an extreme that make a window clipped."),
    ] = 8
    level_low: Annotated[_Level, Meta(description="Lowest RMS of a fit window.")] = 0.01
    level_high: Annotated[_Level, Meta(description="Highest RMS of a fit window.")] = 20.0

    def __post_init__(self) -> None:
        are_runs = self.zero_run >= 1 and self.clip_run >= 2
        if not (are_runs and 0 <= self.level_low < self.level_high < inf):
            raise InputError(
                f"{self}: expected zero_run >= 1, clip_run >= 2 and 0 <= level_low < level_high"
            )

    def asdict(self) -> dict[str, float]:
        """The limits as a manifest's `quality` table."""
        return structs.asdict(self)


def window_quality(
    windows: np.ndarray, limits: QualityLimits, *, gap: np.ndarray | None = None
) -> np.ndarray:
    """Judge each window of each channel on its own.

    Parameters
    ----------
    windows : array, shape (n, channels, window), real floating
        Samples in the bundle's unit; views with overlap are welcome.
    limits : QualityLimits
    gap : array, shape (n,), bool, optional
        Windows known to hold missing samples (`Frames.gap`).

    Returns
    -------
    array, shape (n, channels), uint8
        Indices into `QUALITY`.
    """
    if windows.ndim != 3 or not windows.shape[-1]:
        raise InputError(f"windows have shape {windows.shape}: expected (n, channels, window)")
    with np.errstate(all="ignore"):  # NaN, infinities and overflow are what is looked for
        highest, lowest = windows.max(-1), windows.min(-1)
        rms = window_rms(windows)

        codes: np.ndarray = np.full(highest.shape, OK, np.uint8)
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
    windows : array, shape (..., window), real floating

    Returns
    -------
    array, shape (...)
    """
    rms: np.ndarray = np.sqrt(np.einsum("...w,...w->...", windows, windows) / windows.shape[-1])
    return rms


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
    found: np.ndarray = zero.any(-1)
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
