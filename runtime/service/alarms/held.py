"""Whether something holds: k of n with a return limit, for one sensor and one rule.

Seconds are counted, their times are not subtracted: a clock that jumps raises nothing and clears
nothing. It can at most begin the counting anew.
"""

from __future__ import annotations

from msgspec import Struct

from dlrsd.runtime.service.alarms.rule import Patience, Rule, Said


class Count(Struct):
    """Of one grade: numbers and times of the seconds that reached it, among the last n."""

    up: list[int] = []
    times: list[float] = []
    so: int = 0  # for how many seconds k of n have
    since: float = 0.0  # of the first of them
    began: int = 0  # number of the second from which coming back is counted
    kept: list[int] = []  # of the seconds since then that are above the return limit


class Held(Struct):
    """What one sensor holds by one rule."""

    counts: list[Count]
    grade: int = 0
    seen: int = 0
    last: float | None = None
    is_quiet: bool = True
    said: Said | None = None  # by the latest second that had a grade

    def step(self, up: int, back: int, time: float, patience: Patience) -> bool:
        """Take in a second by the grades it reaches and keeps; whether what is held changed."""
        last, self.last = self.last, time
        if last is not None and time - last > patience.stale_s:
            self._forget()
        self.seen += 1
        if self.is_quiet and not up:
            return False
        before = self.grade
        for grade, count in enumerate(self.counts, 1):
            self._count(count, up >= grade, back >= grade, time, patience)
        self._raise(patience)
        self._fall(patience)
        self.is_quiet = not self.grade and not any(count.up for count in self.counts)
        return self.grade != before

    @property
    def since(self) -> float:
        """When what it holds began."""
        return self.counts[self.grade - 1].since

    def _count(
        self, count: Count, is_up: bool, is_kept: bool, time: float, patience: Patience
    ) -> None:
        if is_up:
            count.up.append(self.seen)
            count.times.append(time)
        while count.up and count.up[0] <= self.seen - patience.n:
            del count.up[0], count.times[0]
        if len(count.up) < patience.k:
            count.so = 0
        else:
            if not count.so:
                count.since = count.times[0]
            count.so += 1
        if is_kept:
            count.kept.append(self.seen)
        while count.kept and count.kept[0] <= self.seen - patience.back:
            del count.kept[0]

    def _raise(self, patience: Patience) -> None:
        for grade in range(len(self.counts), self.grade, -1):
            if self.counts[grade - 1].so >= patience.hold:
                for count in self.counts[self.grade : grade]:
                    count.began = self.seen
                    count.since = count.since or self.counts[grade - 1].since
                self.grade = grade
                return

    def _fall(self, patience: Patience) -> None:
        most = patience.back * (patience.n - patience.k) // patience.n
        while self.grade:
            count = self.counts[self.grade - 1]
            if self.seen - count.began < patience.back or len(count.kept) > most:
                return
            self.counts[self.grade - 1] = Count()
            self.grade -= 1

    def _forget(self) -> None:
        """Count anew; what is held stays."""
        for count in self.counts:
            count.up, count.times, count.kept = [], [], []
            count.so, count.began = 0, self.seen
        self.is_quiet = not self.grade


def held_of(rule: Rule) -> Held:
    """Nothing held yet."""
    return Held([Count() for _ in rule.states])
