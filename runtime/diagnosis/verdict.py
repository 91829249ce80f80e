"""A verdict: what a person reads instead of 23 labels a second.

A class holds while at least ``hold`` of the last ``last`` windows of a channel carry its label and
no quality flag, and no more than half of them are flagged or novel; where none holds the verdict is
"undecided". So "Normal" has to be earned: a window that is flagged speaks for no class, even where
it was diagnosed, and so does one that is not sure enough for the risk that was asked for.
A verdict begins with the earliest window, among those last ones, that carried its label. Memory
is constant: the last windows, sums since the verdict began, and a bounded list of changes.

Where windows have sets of classes, so has the verdict: the classes in the sets of more than half of
the last windows, those left out that are unfit, flagged or novel, for sets say nothing of what no
class is like; where these are the most there is no set. Where each set holds the right class with
probability 1 - a, the vote of the most does with 1 - 2a at least, however alike the windows are
(Gasparin, Ramdas, "Merging uncertainty sets via majority vote", 2024).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.diagnosis.records import Change, Verdict
from dlrsd.runtime.dsp.quality import DRIFT, OFFSET, OK, QUALITY

UNDECIDED = "undecided"
UNLIKE = "unlike the training data"  # how the reason begins where that is it
KEPT_CHANGES = 100
_SELDOM = 0.05  # share of the windows for which a reason is given


class VerdictTracker:
    """The verdict on one channel as its windows come in.

    Parameters
    ----------
    classes : sequence of str
        Names of the labels 0 to K - 1.
    last, hold : int, 0 < hold <= last
        A class holds with ``hold`` of the ``last`` most recent windows, unless most of these
        are flagged or novel. Where two do, the one with more windows (then the first) counts.
    novelty_threshold : float
        A window whose novelty lies above it is unlike the training data.
    channel : int >= 0
        Its number.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        last: int,
        hold: int,
        novelty_threshold: float = 1.0,
        channel: int = 0,
    ) -> None:
        self._channel = channel
        self._classes = tuple(classes)
        self._last = last
        self._hold = hold
        self._threshold = novelty_threshold
        self._recent = _Columns.empty()
        self._current = _Run(label=-1, since_s=0.0)
        self._seen = 0
        self._unfit = 0
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self._n_changes = 0

    def update(
        self,
        time_s: NDArray[np.float64],
        label: NDArray[np.intp],
        probability: NDArray[np.float32],
        novelty: NDArray[np.float32],
        quality: NDArray[np.uint8] | None = None,
        unsure: NDArray[np.bool_] | None = None,
        sets: NDArray[np.bool_] | None = None,
    ) -> list[Change]:
        """Take in the next windows of the channel, in order of time.

        Parameters
        ----------
        time_s, label, probability, novelty : shape (n,)
            Start, label (-1 for a window not diagnosed), its probability, and novelty of each.
        quality : array, shape (n,), uint8, optional
            Indices into `QUALITY`. A diagnosed window that has a flag is unlike the training data.
        unsure : array, shape (n,), bool, optional
            Windows that speak for no class, being not sure enough.
        sets : array, shape (n, K), bool, optional
            The classes in the set of each; given always or never.

        Returns
        -------
        list of Change
            The changes of verdict among them.
        """
        if not len(label):
            return []
        if self._seen == 0:
            self._current.since_s = float(time_s[0])
        quality = np.full(len(label), OK, np.uint8) if quality is None else quality
        unsure = np.zeros(len(label), bool) if unsure is None else unsure
        sets = np.empty((len(label), 0), bool) if sets is None else sets
        diagnosed = label >= 0
        self._seen += len(label)
        self._unfit += len(label) - int(diagnosed.sum())
        novel = diagnosed & ((novelty > self._threshold) | (quality != OK))
        new = _Columns(time_s, label, probability, novel, quality, unsure, sets)
        # `every` holds the windows before the new ones, which a sliding count still needs.
        every = self._recent.followed_by(new) if len(self._recent.label) else new
        first_new = len(self._recent.label)
        # No window that agrees with the verdict can change it: nearly always there are no others.
        doubted = every.novel.any() or every.unsure.any()
        steady = not doubted and (every.label == self._current.label).all()
        held = new.label if steady else self._holding(every)[first_new:]
        changes = []
        start = first_new
        for at in np.flatnonzero(np.diff(held, prepend=self._current.label)):
            position = first_new + int(at)
            self._current.add(every.part(start, position))
            changes.append(self._begin(int(held[at]), every, position))
            start = position
        self._current.add(every.part(start, len(every.label)))
        self._recent = every.part(max(0, len(every.label) - self._last), len(every.label))
        return changes

    def verdict(self) -> Verdict:
        """The verdict as it stands; where no window came yet ``since_s`` is None."""
        run = self._current
        decided = run.label >= 0
        return Verdict(
            channel=self._channel,
            label=self._name(run.label),
            since_s=run.since_s if self._seen else None,
            share=_ratio(run.n_label, run.n) if decided else None,
            probability=_ratio(run.probability_sum, run.n_label) if decided else None,
            novel_share=_ratio(run.n_novel, run.n),
            unfit_share=_ratio(self._unfit, self._seen),
            reason=self._reason(),
            changes=self._n_changes,
            latest_changes=list(self._changes),
            classes=self._set(),
        )

    def _holding(self, every: _Columns) -> NDArray[np.intp]:
        """The class that holds at each window, -1 where none does."""
        doubtful = every.novel | (every.label < 0)
        if doubtful.all():  # as of a machine unlike all that was trained on, for hours
            return np.full(len(doubtful), -1)
        of_classes = every.speaks_for[:, None] == np.arange(len(self._classes))
        counted = np.column_stack([of_classes, doubtful])
        total = np.concatenate([np.zeros((1, counted.shape[1]), int), counted.cumsum(axis=0)])
        begin = np.maximum(np.arange(len(doubtful)) - self._last + 1, 0)
        among = total[1:] - total[begin]
        count, n_doubtful = among[:, :-1], among[:, -1]
        size = np.arange(1, len(doubtful) + 1) - begin
        holds = (count.max(axis=1) >= self._hold) & (2 * n_doubtful <= size)
        return np.where(holds, count.argmax(axis=1), -1)

    def _begin(self, label: int, every: _Columns, position: int) -> Change:
        """Start a verdict that the window at ``position`` decided."""
        begun = position
        if label >= 0:
            oldest = max(0, position - self._last + 1)
            begun = oldest + int(np.argmax(every.speaks_for[oldest : position + 1] == label))
        self._current = _Run(label=label, since_s=float(every.time_s[begun]))
        self._current.add(every.part(begun, position))
        self._n_changes += 1
        change = Change(
            time_s=self._current.since_s,
            label=self._name(label),
            decided_s=float(every.time_s[position]),
        )
        self._changes.append(change)
        return change

    def _set(self) -> list[str] | None:
        """The classes that most of the last windows may be of."""
        recent = self._recent
        known = (recent.label >= 0) & ~recent.novel
        if not recent.sets.shape[1] or not known.any() or 2 * known.sum() < len(known):
            return None
        held = 2 * recent.sets[known].sum(axis=0) > known.sum()
        return [self._classes[index] for index in np.flatnonzero(held)]

    def _name(self, label: int) -> str:
        return self._classes[label] if label >= 0 else UNDECIDED

    def _reason(self) -> str | None:
        reasons = [self._undecided()]
        if n_unsure := int(self._recent.unsure.sum()):
            n = len(self._recent.label)
            reasons.append(f"{n_unsure} of the last {n} windows not sure enough for the risk")
        return "; ".join(filter(None, reasons)) or None

    def _undecided(self) -> str | None:
        n_fit = self._seen - self._unfit
        if not n_fit:
            return "no window was fit for diagnosis"
        n, unfit = len(self._recent.label), self._recent.label < 0
        unlike = unfit | self._recent.novel
        if self._current.label < 0 and 2 * unlike.sum() > n:
            if 2 * unfit.sum() > n:
                hint = f"look at the sensor{self._or_machine(unfit)}"
                return f"{UNLIKE}: {self._listed(unfit, 'unfit')}; {hint}"
            hint = "; look at the machine" if 2 * unfit.sum() < unlike.sum() else ""
            return f"{UNLIKE}: {self._listed(unlike)}{hint}"
        if self._current.label < 0 and n_fit < self._hold:
            return f"{n_fit} of the {self._hold} fit windows that a verdict needs"
        return self._too_few(unlike) if self._current.label < 0 else None

    def _too_few(self, unlike: NDArray[np.bool_]) -> str:
        """Which class comes nearest to holding, and what else the last windows are."""
        said = Counter(self._recent.speaks_for[self._recent.speaks_for >= 0].tolist())
        label, count = said.most_common(1)[0] if said else (-1, 0)
        nearest = f": {count} say {self._name(label)}" if said else ""
        beside = f"; {self._listed(unlike)}" if unlike.any() else ""
        n = len(unlike)
        return f"no class in {self._hold} of the last {n} windows{nearest}{beside}"

    def _or_machine(self, unfit: NDArray[np.bool_]) -> str:
        """A moving mean is the sensor's, or that of a vibration slower than a window."""
        moves = np.isin(self._recent.quality[unfit], (OFFSET, DRIFT))
        return " and for a strong slow vibration, as of an imbalance" if moves.mean() > 0.5 else ""

    def _listed(self, which: NDArray[np.bool_], what: str = "") -> str:
        """Their share of the last windows, and what is said of them, the most frequent first.

        The last window of a recording is cut short: one gap among many windows is no reason.
        """
        codes = Counter(self._recent.quality[which].tolist()).most_common()
        often = [code for code, count in codes if count >= _SELDOM * which.sum()]
        reasons = [QUALITY[code] if code != OK else "novel" for code in often]
        share = f"{100 * which.mean():.0f} % of the last windows {what}".rstrip()
        return f"{share} ({', '.join(reasons)})"


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


class _Run(Struct):
    """Sums over the diagnosed windows since a verdict began; label -1 is undecided."""

    label: int
    since_s: float
    n: int = 0
    n_label: int = 0
    n_novel: int = 0
    probability_sum: float = 0.0

    def add(self, windows: _Columns) -> None:
        self.n += int((windows.label >= 0).sum())
        self.n_novel += int(windows.novel.sum())
        if self.label >= 0:
            mine = windows.speaks_for == self.label
            self.n_label += int(mine.sum())
            self.probability_sum += float(windows.probability[mine].sum(dtype=np.float64))


class _Columns(Struct, frozen=True):
    """Windows in order of time, each field of shape (n,); label -1 is one not diagnosed."""

    time_s: NDArray[np.float64]
    label: NDArray[np.intp]
    probability: NDArray[np.float32]
    novel: NDArray[np.bool_]
    quality: NDArray[np.uint8]
    unsure: NDArray[np.bool_]
    sets: NDArray[np.bool_]  # (n, K), or (n, 0) where there are none

    @property
    def speaks_for(self) -> NDArray[np.intp]:
        """The label, but -1 where a flag is beside it, or it is not sure enough."""
        return np.where((self.quality == OK) & ~self.unsure, self.label, -1)

    @staticmethod
    def empty() -> _Columns:
        return _Columns(
            np.empty(0),
            np.empty(0, int),
            np.empty(0, np.float32),
            np.empty(0, bool),
            np.empty(0, np.uint8),
            np.empty(0, bool),
            np.empty((0, 0), bool),
        )

    def followed_by(self, other: _Columns) -> _Columns:
        pairs = zip(structs.astuple(self), structs.astuple(other), strict=True)
        return _Columns(*(np.concatenate(pair) for pair in pairs))

    def part(self, start: int, stop: int) -> _Columns:
        return _Columns(*(column[start:stop] for column in structs.astuple(self)))
