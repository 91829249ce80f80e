"""Whether a machine runs, stands, or changes between the two.

By its measured speed where that is known: it stands below a tenth of its nominal (or usual) speed,
and changes while the speed moves; a tacho that says it stands is not believed for longer than a
minute while the machine is as loud as when it runs. Otherwise by the level of each sensor against
its own history:

- The level of running is the one exceeded 5 % of the time in the last weeks. A stretch stands where
  it is 12 dB or more below, and, once the level of standing is known as well, below the middle of
  the two. So a fault that grows over hours lifts the level of running and never stands or changes;
  a machine that runs quietly all the time runs; a knock is too short to count.
- It changes while the level moves in one direction, for 10 s at least after standing, and in a
  second that falls at once. A step, as of the load, is over when it is made.
- The first minute has no history: all is taken to run but what is below 0.0001 m/s2, which is no
  signal. A machine that stands when the watch begins is known to have stood once it ran for a
  twentieth of the time. `RunningState.remember` gives back the history that the store has, and
  `RunningState.expect` tells how loud a commissioned machine runs.

For whom in doubt: what changes gives no alarm, so it may do so for 10 minutes in all, and then runs
(with a tenth of the time that it ran given back). Seconds that stand count a tenth in the history:
were the loud ones the exception, and the quiet ones wrongly thought to stand, that ends by itself.
What it cannot tell without the speed: a machine that idles more than 12 dB below its load, which
may be said to stand while it idles; and one beside another, louder one.

Several sensors vote; it runs where half of them or more say so.
"""

from __future__ import annotations

import math
from collections import Counter

from dlrsd.runtime.service.indicators.course import Course
from dlrsd.runtime.service.indicators.level_history import LevelHistory
from dlrsd.runtime.service.said import Levels, Minute, Running

_STANDS_DB = 12.0  # below the level of running
_LOUD_SHARE = 0.95  # of the time it is quieter than the level of running
_FLOOR_DB = -80.0  # re 1 m/s2: less than any accelerometer's own noise
_LEAST_S = 60.0  # of history, before it is asked
_STANDING_S = 30.0  # of standing, before its level is known
_STANDING_COUNTS = 0.1
_NEAR_DB = 6.0  # from the level of running, it is as loud as when it runs
_EXPECTED_S = 120.0  # for how much history a level stands that was told
_DOUBTED_S = 60  # and a tacho that says it stands is believed for so long
_STANDS_SHARE, _STANDS_RPM = 0.1, 10.0  # of the nominal speed; and whatever that is
_FRESH_S = 5.0  # a sensor's word holds for so long
# Flags of quality that say the signal is not the machine's: what then lies in the level is nothing.
_BLIND = frozenset({"gap", "non_finite", "flat", "stuck", "replayed", "dropout"})


class RunningState:
    """What one machine does, from second to second. After a repair, begin a new one.

    Parameters
    ----------
    nominal_rpm : float > 0, optional
        By which a measured speed is judged; by default the highest that was usual so far.
    """

    def __init__(self, nominal_rpm: float | None = None) -> None:
        self._nominal_rpm = nominal_rpm
        self._sensors: dict[str, _Sensor] = {}
        self._speed = Course(soon=4.0, late=8.0, drop=10.0)  # in %, as 100 times ln
        self._speed_time: float | None = None
        self._speeds = LevelHistory()
        self._doubted = 0  # for how many seconds the speed says it stands, and its levels not
        self._state: Running = "running"

    def update(
        self,
        sensor: str,
        time: float,
        levels: Levels,
        *,
        speed_rpm: float | None = None,
        unfit: str | None = None,
    ) -> Running:
        """What the machine does in this second, as far as is known by now.

        Parameters
        ----------
        sensor : str
        time : float
            Of the second, Unix time in s.
        levels : Levels
            Of the second; only the acceleration is looked at.
        speed_rpm : float, optional
            As measured in this second; never a speed that was merely stated.
        unfit : str, optional
            The second's flag of quality; where it says that the signal is not the machine's, as
            where a cable is off, the sensor has no say.
        """
        known = self._sensors.setdefault(sensor, _Sensor())
        if levels.acceleration_m_s2 is not None and unfit not in _BLIND:
            known.take(time, _level_db(levels.acceleration_m_s2))
        voted = self._vote(time)
        if speed_rpm is not None and math.isfinite(speed_rpm):
            self._state = self._by_speed(time, speed_rpm, voted)
        elif voted is not None:
            self._state = voted
        known.count(time, self._state)
        return self._state

    def remember(self, minute: Minute) -> None:
        """Take a row of the past into the history: after a restart, the oldest row first."""
        if minute.levels.acceleration_m_s2 and minute.fit_seconds:
            level_db = _level_db(minute.levels.acceleration_m_s2)
            known = self._sensors.setdefault(minute.sensor, _Sensor())
            known.ran.add(60.0 * minute.minute, level_db, minute.fit_seconds)
            if minute.speed_rpm:
                self._speeds.add(60.0 * minute.minute, _rpm_db(minute.speed_rpm))

    def expect(self, sensor: str, time: float, acceleration_m_s2: float) -> None:
        """Take for known how loud the machine runs at a sensor, as two minutes of history.

        Parameters
        ----------
        sensor : str
        time : float
            Of now, Unix time in s.
        acceleration_m_s2 : float
            RMS; rather too low than too high, for what is 12 dB below is taken to stand.
        """
        known = self._sensors.setdefault(sensor, _Sensor())
        known.ran.add(time, _level_db(acceleration_m_s2), _EXPECTED_S)

    def _vote(self, time: float) -> Running | None:
        """Of the sensors that said something lately; None where none did."""
        votes = Counter(
            each.course.state
            for each in self._sensors.values()
            if each.time is not None and abs(time - each.time) <= _FRESH_S
        )
        if not votes:
            return None
        if 2 * votes["running"] >= votes.total():
            return "running"
        return "standing" if votes["standing"] > votes["changing"] else "changing"

    def _by_speed(self, time: float, rpm: float, voted: Running | None) -> Running:
        rpm = abs(rpm)
        nominal = self._nominal_rpm
        if nominal is None and self._speeds.seconds:
            nominal = 10 ** (self._speeds.level_db(_LOUD_SHARE) / 20)
        low = rpm < max(_STANDS_RPM, _STANDS_SHARE * (nominal or 0.0))
        if time != self._speed_time:  # once a second, whatever the number of sensors
            self._speed_time = time
            self._speed.take(time, 100 * math.log(max(rpm, 1.0)), low=low)
            if not low:
                self._speeds.add(time, _rpm_db(rpm))
            loud = voted == "running" and any(each.near for each in self._sensors.values())
            self._doubted = self._doubted + 1 if low and loud else 0
        if self._doubted > _DOUBTED_S:
            return "running"
        return self._speed.state or "running"


class _Sensor:
    """The level of one sensor, in dB re 1 m/s2, and its history."""

    def __init__(self) -> None:
        self.course = Course(soon=3.0, late=5.0, drop=6.0)
        self.ran, self.stood = LevelHistory(), LevelHistory()
        self.time: float | None = None
        self.near = False  # whether it is about as loud as when it runs
        self._level_db: float | None = None  # of this second, not yet counted

    def take(self, time: float, level_db: float) -> None:
        self.time, self._level_db = time, level_db
        running_db = self.ran.level_db(_LOUD_SHARE) if self.ran.seconds >= _LEAST_S else None
        self.course.take(time, level_db, low=level_db < self._stands_below(running_db))
        self.near = running_db is not None and level_db > running_db - _NEAR_DB

    def count(self, time: float, state: Running) -> None:
        """Into the history, as what the machine was found to do."""
        if self._level_db is None:
            return
        if state == "running":
            self.ran.add(time, self._level_db)
        elif state == "standing":
            self.ran.add(time, self._level_db, _STANDING_COUNTS)
            self.stood.add(time, self._level_db)
        self._level_db = None

    def _stands_below(self, running_db: float | None) -> float:
        if running_db is None or running_db < _FLOOR_DB:
            return _FLOOR_DB
        below = running_db - _STANDS_DB
        if self.stood.seconds >= _STANDING_S:
            below = min(below, (running_db + self.stood.level_db(0.5)) / 2)
        return below


def _level_db(acceleration_m_s2: float) -> float:
    return 20 * math.log10(max(acceleration_m_s2, 1e-6))


def _rpm_db(rpm: float) -> float:
    return 20 * math.log10(max(rpm, 1e-3))
