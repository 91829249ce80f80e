"""What the figures of one second of one sensor cost: levels, running state, minutes.

    python -m benchmarks.speed.indicators

On one thread, of noise at several rates; the running state and the minutes are fed with levels of
seconds, and so do not depend on the rate. The trend is one figure's of 14 days of 10 minutes, as
is asked for once an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks import machine
from dlrsd.runtime.dsp.trend import crossing
from dlrsd.runtime.service.indicators.levels import levels_of
from dlrsd.runtime.service.indicators.minutes import Minutes
from dlrsd.runtime.service.indicators.running import RunningState
from dlrsd.runtime.service.said import Levels, Second

RATES = (2560.0, 12_000.0, 25_600.0, 51_200.0, 97_656.0, 100_000.0)
TARGET_MS = 1.0  # at 25.6 kHz, all together
NOW = 1.7e9


def main() -> None:
    a = machine.options(__doc__).parse_args()
    rounds = 3 if a.quick else 200
    rng = np.random.default_rng(1)
    found: dict[str, list[float]] = {}
    with machine.one_thread():
        for rate in RATES:
            x = rng.standard_normal((1, round(rate))).astype(np.float32)
            found[f"levels at {rate:g} Hz"] = _ms(lambda x=x, rate=rate: levels_of(x, rate), rounds)
        found["running state"] = _ms(_running(rng), rounds, repeat=60)
        found["minutes"] = _ms(_minutes(), rounds, repeat=60)
        times = NOW + np.arange(0, 14 * 86_400, 600)
        course = rng.standard_normal(len(times))
        found["trend, once an hour"] = _ms(lambda: crossing(times, course, 9.0), rounds)
    rows = [(name, f"{min(ms):.4f}", f"{np.median(ms):.4f}") for name, ms in found.items()]
    machine.show("a second of one sensor, one thread", ("what", "least, ms", "median, ms"), rows)
    result = {
        "target_ms": TARGET_MS,
        "ms_a_second": {name: machine.spread(ms) for name, ms in found.items()},
    }
    print(machine.save("indicators", result, a.out))


def _ms(call: Callable[[], object], rounds: int, repeat: int = 1) -> list[float]:
    call()  # fills caches
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeat):
            call()
        found.append(1e3 * (time.process_time() - began) / repeat)
    return found


def _running(rng: np.random.Generator) -> Callable[[], object]:
    state, at = RunningState(), iter(range(10**9))
    levels = [Levels(acceleration_m_s2=value) for value in rng.gamma(4, 1, 997).tolist()]

    def second() -> None:
        i = next(at)
        state.update("DE", NOW + i, levels[i % 997])

    return second


def _minutes() -> Callable[[], object]:
    minutes, at = Minutes(), iter(range(10**9))
    levels = Levels(velocity_mm_s=1.0, acceleration_m_s2=2.0, peak_m_s2=8.0, crest=4.0)
    more = {"labels": {"healthy": 23}, "lines": {"outer": 3.0, "inner": 1.0}, "novelty": 0.4}

    def second() -> None:
        time = NOW + next(at)
        minutes.add(Second(machine="pump", sensor="DE", time=time, levels=levels, **more))

    return second


if __name__ == "__main__":
    machine.run(main)
