"""The course of one figure over the last minute: whether it moves, and what follows of that."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median, median_low

from dlrsd.runtime.service.said import Running

_GAP_S = 10.0  # after which what was before says nothing on how it moves now
_STANDS_S = 3  # so long it must be low before it stands
_STARTS_S = 10  # so long a start takes at least
_LONGEST_S = 600.0  # of changing without standing; what changes for longer runs that way
_RECOVERS = 0.1  # s of that time a second
_ONE_WAY = 0.8  # of all movement, that in one direction
_ONE_STEP = 0.7  # of it; more is a step, as of the load, and over already
_NOISE = 4.0  # times its own, which a movement must exceed


class Course:
    """Turns a figure of each second into what the machine does.

    Parameters
    ----------
    soon, late : float > 0
        How far it must move within 12 s or within a minute, in one direction and not in one step,
        to change; four times its own noise where that is more.
    drop : float > 0
        How far below the median of the last 10 s a second changes at once.
    """

    def __init__(self, *, soon: float, late: float, drop: float) -> None:
        self._soon, self._late, self._drop = soon, late, drop
        self._values: deque[float] = deque(maxlen=60)
        self._time: float | None = None
        self._low = self._starting = 0  # for how many seconds
        self._used = 0.0  # of the time for which it may change
        self.state: Running | None = None

    def take(self, time: float, value: float, *, low: bool) -> Running:
        """What the machine does in this second; ``low`` says that the figure is one of standing."""
        if self._time is not None and not 0 <= time - self._time <= _GAP_S:
            self._values.clear()
        self._time = time
        last = list(self._values)[-10:]
        dropped = len(last) >= 5 and value < median(last) - self._drop
        self._values.append(value)
        self._low = self._low + 1 if low else 0
        self.state = self._low_state() if low else self._high_state(dropped)
        return self.state

    def _low_state(self) -> Running:
        self._used = max(0.0, self._used - _RECOVERS)
        self._starting = 0
        stays = self.state in (None, "standing")
        if stays or (self._low >= _STANDS_S and not self._moves_soon(self._noise())):
            return "standing"
        return "changing"

    def _high_state(self, dropped: bool) -> Running:
        if self.state == "standing":
            self._starting = 1
        elif self._starting:
            self._starting += 1
        moves = self._moves()
        if self._starting > _STARTS_S and not moves:
            self._starting = 0
        if not (self._starting or moves or dropped):
            self._used = max(0.0, self._used - _RECOVERS)
            return "running"
        self._used = min(self._used + 1, _LONGEST_S + 1)
        return "changing" if self._used <= _LONGEST_S else "running"

    def _moves(self) -> bool:
        noise = self._noise()
        if self._moves_soon(noise):
            return True
        values = list(self._values)
        if len(values) < 60:
            return False
        tens = [median_low(values[i : i + 10]) for i in range(0, 60, 10)]
        return _moved(tens, max(self._late, noise))

    def _moves_soon(self, noise: float) -> bool:
        values = list(self._values)[-12:]
        if len(values) < 12:
            return False
        threes = [median(values[i : i + 3]) for i in range(0, 12, 3)]
        return _moved(threes, max(self._soon, noise))

    def _noise(self) -> float:
        """What the figure's own noise may move it by."""
        steps = [abs(b - a) for a, b in pairwise(self._values)]
        return _NOISE * median(steps) if steps else 0.0


def _moved(values: list[float], least: float) -> bool:
    steps = [b - a for a, b in pairwise(values)]
    net = abs(sum(steps))
    return (
        net >= least
        and net >= _ONE_WAY * sum(map(abs, steps))
        and max(map(abs, steps)) <= _ONE_STEP * net
    )
