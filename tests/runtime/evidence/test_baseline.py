import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.evidence.baseline import baseline_of
from dlrsd.runtime.evidence.verdict import evidence
from tests.runtime.evidence.machine import K6205, RATE, faulty, noise, shaft, strikes, turns


def humming(seed):
    """A healthy machine that has always had weak lines at BPFO."""
    return noise(seed) + shaft(turns()) + 2.0 * strikes(turns(), K6205.bpfo, seed=seed)


def test_lines_that_were_always_there_prove_nothing():
    windows = [evidence(humming(seed), RATE, K6205) for seed in range(12)]
    assert sum(w.verdict == "outer" for w in windows) >= 6
    own = baseline_of(windows)
    assert own.windows == 12
    later = [evidence(humming(s), RATE, K6205, baseline=own) for s in range(20, 30)]
    assert [w.verdict for w in later] == ["healthy"] * 10
    worse = evidence(faulty("outer", strength=6), RATE, K6205, baseline=own)
    assert worse.verdict == "outer"
    assert "over its healthy level" in worse.sentence
    first = next(line for line in worse.lines if line.name == "bpfo 1x")
    assert first.over_baseline_db == pytest.approx(first.level_db - own.lines["bpfo 1x"].mean)


def test_mean_and_spread_of_few_windows_are_drawn_to_other_machines():
    one = baseline_of([evidence(noise(0), RATE, K6205)])
    assert one.scores["outer"].spread == pytest.approx(1.3)
    many = baseline_of([evidence(noise(seed), RATE, K6205) for seed in range(40)])
    scores = [evidence(noise(seed), RATE, K6205).raw_scores["inner"] for seed in range(40)]
    assert many.scores["inner"].mean == pytest.approx(np.mean(scores))
    pooled = np.sqrt((np.var(scores) * 40 + 10 * 1.3**2) / 49)
    assert many.scores["inner"].spread == pytest.approx(pooled)


def geared(seed, sides=0.2, unbalance=0.5):
    angle = turns()
    phase = 2 * np.pi * 23 * angle
    mesh = 0.5 * (1 + sides * np.cos(2 * np.pi * angle)) * np.cos(phase)
    return noise(seed) + shaft(angle, unbalance) + mesh


def test_shaft_and_gears_are_judged_against_their_own_past():
    healthy = [evidence(geared(seed), RATE, K6205, teeth=(23,)) for seed in range(8)]
    assert {w.verdict for w in healthy} == {"healthy"}
    assert not {"shaft", "gear"} & set(healthy[0].scores)
    own = baseline_of(healthy)

    def verdict(x):
        return evidence(x, RATE, K6205, teeth=(23,), baseline=own).verdict

    assert verdict(geared(20)) == "healthy"
    assert verdict(geared(21, unbalance=6.0)) == "shaft"
    angle = turns()
    broken = geared(22) + sum(
        2.0 * np.cos(2 * np.pi * (k * 23 + side) * angle)
        for k in (1, 2, 3)
        for side in (-2, -1, 1, 2)
    )
    assert verdict(broken) == "gear"


def test_no_baseline_of_nothing():
    with pytest.raises(InputError, match="no window could be judged"):
        baseline_of([evidence(noise(seconds=0.1), RATE, K6205)])
