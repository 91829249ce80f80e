"""Recordings ready to be trained on: at one rate, divided, and with the training windows drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.quality import OK, QualityLimits
from dlrsd.training.data.vibration.fitness import LeftOut, quality_of, screen
from dlrsd.training.data.vibration.recording import (
    Recording,
    classes_of,
    kinematics,
    normal_class,
)
from dlrsd.training.data.vibration.splits import Span, Split, as_seen_by, split
from dlrsd.training.data.vibration.windows import (
    WindowIndex,
    cut,
    draw_windows,
    grid_windows,
    part_of,
)


@dataclass(frozen=True)
class Divided:
    """Recordings at the model's rate and unit, and their split.

    Parameters
    ----------
    recordings : list of Recording
    classes : list of str
        The normal one first.
    normal : str, optional
    split : Split
    window, hop : int > 0
        Samples of a window, and between windows of the test part.
    """

    recordings: list[Recording] = field(repr=False)
    classes: list[str]
    normal: str | None
    split: Split = field(repr=False)
    window: int
    hop: int

    @property
    def rate_hz(self) -> float:
        return self.recordings[0].rate

    @property
    def unit(self) -> str:
        return self.recordings[0].unit

    @property
    def channels(self) -> tuple[str, ...]:
        return self.recordings[0].channels

    def cut(self, index: WindowIndex) -> NDArray[np.float32]:
        """Windows, shape (n, channels, window)."""
        return cut(self.recordings, index, self.window)

    def machines(self, index: WindowIndex) -> NDArray[np.float64]:
        """Of every window speed (rpm) and orders bpfo, bpfi, bsf, ftf, shape (n, 5).

        Raises
        ------
        InputError
            If a recording does not state them.
        """
        facts = np.array([astuple(kinematics(r)) for r in self.recordings])
        return facts[index.recording]

    def test_index(self, *, hop: int | None = None) -> WindowIndex:
        """Windows of the test part that are fit for diagnosis, every ``hop`` samples."""
        return self._grid(self.split.test, hop)

    def train_index(self, *, hop: int | None = None) -> WindowIndex:
        """All windows of the training part on a grid, drawn or not: for design choices."""
        return self._grid(self.split.train, hop)

    def _grid(self, spans: list[Span], hop: int | None) -> WindowIndex:
        index = grid_windows(
            self.recordings, spans, self.classes, window=self.window, hop=hop or self.hop
        )
        quality = quality_of(self.recordings, index, window=self.window)
        fit = part_of(index, np.flatnonzero(quality == OK))
        for label in np.setdiff1d(index.label, fit.label):
            raise InputError(
                f"class {self.classes[label]!r}: all {(index.label == label).sum()} windows of a "
                "part are unfit for diagnosis: expected some that are fit; repair its recordings, "
                "leave them out, or divide them with another seed"
            )
        return fit


@dataclass(frozen=True)
class Prepared(Divided):
    """Divided recordings with the windows that are trained on.

    Parameters
    ----------
    drawn : WindowIndex
    seed : int >= 0
        Of the draw, and of all that is drawn from these windows later.
    limits : QualityLimits
        What these windows are like.
    left_out : dict
        Windows that were drawn and are unfit: their number, by class and quality.
    """

    drawn: WindowIndex = field(repr=False)
    seed: int
    limits: QualityLimits = field(repr=False)
    left_out: LeftOut


def divide(
    recordings: Sequence[Recording],
    *,
    protocol: str,
    seed: int,
    window: int,
    hop: int,
    train_loads: Sequence[float] | None = None,
    test_loads: Sequence[float] | None = None,
) -> Divided:
    """Divide recordings by a protocol; parameters as in :func:`splits.split`.

    Raises
    ------
    InputError
        If there are fewer than two classes, several units, or the protocol cannot be used.
    """
    recordings, said = as_seen_by(protocol, recordings, seed)
    classes = classes_of(recordings)
    if len(classes) < 2:
        raise InputError(
            f"got recordings of one class ({classes[0]}): expected at least two to tell apart"
        )
    units = sorted({r.unit for r in recordings})
    if len(units) > 1:
        raise InputError(f"got recordings in {', '.join(units)}: expected one unit for all")
    parts = split(
        recordings,
        protocol=protocol,
        seed=seed,
        window=window,
        hop=hop,
        train_loads=train_loads,
        test_loads=test_loads,
    )
    parts = replace(parts, note="; ".join(filter(None, (parts.note, said))))
    normal = normal_class(recordings)
    return Divided(list(recordings), classes, normal, parts, window, hop)


def draw(divided: Divided, *, balance: float, n_normal: int, seed: int) -> Prepared:
    """Draw the training windows at a balance ratio, and leave out those that are unfit.

    Errors as of :func:`windows.draw_windows` and :func:`fitness.screen`.
    """
    drawn = draw_windows(
        divided.recordings,
        divided.split.train,
        divided.classes,
        window=divided.window,
        balance_ratio=balance,
        n_normal=n_normal,
        normal=divided.normal,
        seed=seed,
    )
    kept, limits, left_out = screen(
        divided.recordings, drawn, divided.classes, window=divided.window
    )
    return Prepared(**vars(divided), drawn=kept, seed=seed, limits=limits, left_out=left_out)
