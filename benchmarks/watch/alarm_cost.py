"""What the rules cost a second of a machine, and what it takes to keep their state.

    python -m benchmarks.watch.alarm_cost

One machine with the default rules, its zones and a baseline, one sensor: a second in which nothing
is wrong, one of an open alarm, a tick of the clock, and a snapshot of either. The least of seven
rounds.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

from benchmarks import machine
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Limits
from dlrsd.runtime.service.said import Levels, Second

TARGET_US = 30.0  # of a second in which nothing is wrong: 200 machines on two cores
LIMITS = Limits(
    zones=(1.4, 2.8, 4.5), baseline={"DE": {"velocity_mm_s": 2.0, "envelope_m_s2": 3.0}}
)


def main() -> None:
    a = machine.options(__doc__).parse_args()
    calls = 200 if a.quick else 5000
    quiet, loud = _alarms(_second(0.0, "healthy", 1.0)), _alarms(_second(0.0, "outer", 5.0))
    well, ill = _second(100.0, "healthy", 1.0), _second(100.0, "outer", 5.0)
    found = {
        "a quiet second": _us(lambda: quiet.take(well), calls),
        "a second of open alarms": _us(lambda: loud.take(ill), calls),
        "a tick": _us(lambda: quiet.tick(0.0, {}), calls),
        "a snapshot": _us(quiet.snapshot, calls),
        "a snapshot of open alarms": _us(loud.snapshot, calls),
    }
    machine.show("Rules", ["what", "us"], [(name, f"{us:.2f}") for name, us in found.items()])
    sizes = {"quiet": len(quiet.snapshot()), "open alarms": len(loud.snapshot())}
    result = {"target_us_a_quiet_second": TARGET_US, "us": found, "snapshot_bytes": sizes}
    print(machine.save("alarm_cost", result, a.out))


def _second(time: float, place: str, velocity: float) -> Second:
    levels = Levels(velocity_mm_s=velocity, envelope_m_s2=1.0)
    return Second(
        machine="pump1",
        sensor="DE",
        time=time,
        levels=levels,
        place=place,  # type: ignore[arg-type]
        sentence=f"{place}: as the lines say",
        label="normal",
        normal_class="normal",
    )


def _alarms(second: Second) -> MachineAlarms:
    """After a minute of such seconds."""
    alarms = MachineAlarms("pump1", limits=LIMITS)
    for _ in range(60):
        alarms.take(second)
    return alarms


def _us(call: Callable[[], object], calls: int) -> float:
    return 1e6 * min(timeit.repeat(call, number=calls, repeat=7)) / calls


if __name__ == "__main__":
    machine.run(main)
