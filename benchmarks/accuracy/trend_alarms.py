"""How often a trend is seen where none is, and how often one that is.

    python -m benchmarks.accuracy.trend_alarms

Figures of 14 days, one in 10 minutes, limits as a machine has them: 3 with a deviation of 0.3 that
wanders within hours to days (its correlation falls to 1/e), under a limit of 3.5, at the confidence
of the rules. "Claimed" is the share of a thousandth; "naive" is the interval of Theil and Sen as it
is for independent points, of medians of 3.5 hours. A rise is of 0.1 a day, to cross 5.1 a week on.

Then months, as the rules live them: the last 14 days are asked every hour, and what is counted is
the months in which the figure was said to cross within 7 days, and, beside it, those in which that
was so for six hours on end.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter
from scipy.stats import theilslopes

from benchmarks import machine
from dlrsd.runtime.dsp.trend import CONFIDENCE, crossing

DAY, STEP = 86_400.0, 600.0
TIMES = np.arange(0, 14 * DAY, STEP)
HOURS = (0.1, 1.0, 3.0, 8.0, 24.0, 48.0, 100.0)


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--courses", type=int, default=2000, help="of each kind")
    parser.add_argument("--months", type=int, default=60, help="of each kind")
    a = parser.parse_args()
    courses = 5 if a.quick else a.courses
    rng = np.random.default_rng(15)
    rows = []
    for hours in HOURS:
        healthy = [3 + 0.3 * _wandering(rng, hours) for _ in range(courses)]
        seen = [crossing(TIMES, y, 3.5) for y in healthy]
        soon = [each for each in seen if each and each.likely < TIMES[-1] + 7 * DAY]
        some = healthy[: max(1, courses // 10)]
        rising = [crossing(TIMES, y + 0.1 * TIMES / DAY, 5.1) for y in some]
        rows.append(
            {
                "hours": hours,
                "claimed": (1 - CONFIDENCE) / 2,
                "healthy, crosses ever": sum(each is not None for each in seen) / courses,
                "healthy, within 7 days": len(soon) / courses,
                "naive": sum(_naive(y) > 0 for y in some) / len(some),
                "rise seen": sum(each is not None for each in rising) / len(some),
            }
        )
    months = [_months(rng, hours, 1 if a.quick else a.months, a.quick) for hours in (1, 8, 24, 48)]
    for title, table in (("trends", rows), ("months", months)):
        shown = [tuple(f"{v:.4g}" for v in row.values()) for row in table]
        machine.show(title, tuple(table[0]), shown)
    result = {"courses": courses, "months": a.months, "rows": rows, "every hour": months}
    print(machine.save("trend-alarms", result, a.out))


def _months(rng: np.random.Generator, hours: float, months: int, quick: bool) -> dict[str, float]:
    """Of healthy figures that are asked every hour for a month."""
    day, window = int(DAY / STEP), len(TIMES)
    any_hour = six_hours = 0
    for _ in range(months):
        y = 3 + 0.3 * _wandering(rng, hours, 44 * day)
        run = longest = 0
        for end in range(window, 44 * day, day if quick else day // 24):
            found = crossing(TIMES, y[end - window : end], 3.5)
            run = run + 1 if found and found.likely < TIMES[-1] + 7 * DAY else 0
            longest = max(longest, run)
        any_hour += longest > 0
        six_hours += longest >= 6
    return {"hours": hours, "in an hour": any_hour / months, "for six hours": six_hours / months}


def _wandering(rng: np.random.Generator, hours: float, n: int = len(TIMES)) -> np.ndarray:
    share = np.exp(-STEP / 3600 / hours)
    noise = rng.standard_normal(n)
    noise[0] /= np.sqrt(1 - share**2)
    return lfilter([np.sqrt(1 - share**2)], [1, -share], noise)


def _naive(y: np.ndarray) -> float:
    points = np.median(y.reshape(96, -1), axis=1)
    return float(theilslopes(points, np.arange(96), CONFIDENCE).low_slope)


if __name__ == "__main__":
    machine.run(main)
