"""A limit far beyond what was seen, against distributions whose limit is known."""

import numpy as np
import pytest

from dlrsd.runtime.commissioning.tail import FEWEST, limit_passed_once_in

stats = pytest.importorskip("scipy.stats")
MONTH = 30 * 86400 / 2  # verdicts of two seconds
HEALTHY = {
    "normal": stats.norm(2, 0.5),
    "exponential": stats.expon(),
    "Gumbel": stats.gumbel_r(1, 0.3),
    "heavy": stats.genpareto(0.2),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize(("n", "off"), [(300, 0.6), (1800, 0.35), (6000, 0.25)])
def test_finds_the_limit_of_a_month(name: str, n: int, off: float) -> None:
    """In the middle of many baselines, by at most a share of what lies beyond the median."""
    healthy = HEALTHY[name]
    true, middle = healthy.isf(1 / MONTH), healthy.median()
    limits = [
        limit_passed_once_in(MONTH, healthy.rvs(n, random_state=np.random.default_rng(seed)))
        for seed in range(20)
    ]
    found = np.median([limit.value for limit in limits])
    assert abs(found - true) < off * (true - middle)
    inside = np.mean([limit.low <= true <= limit.high for limit in limits])
    assert inside > 0.6
    assert all(limit.low <= limit.value <= limit.high for limit in limits)


def test_is_as_large_as_the_scores_are() -> None:
    scores = np.random.default_rng(0).exponential(size=1000)
    first, second = (limit_passed_once_in(MONTH, s) for s in (scores, 7 * scores + 3))
    assert second.value == pytest.approx(7 * first.value + 3)


def test_equal_scores_are_their_own_limit() -> None:
    assert limit_passed_once_in(MONTH, np.full(200, 1.5)).value == pytest.approx(1.5)


def test_asks_for_more_scores() -> None:
    with pytest.raises(ValueError, match=f"got {FEWEST - 1} scores"):
        limit_passed_once_in(MONTH, np.ones(FEWEST - 1))
