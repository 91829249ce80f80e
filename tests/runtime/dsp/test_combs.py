import numpy as np
import pytest

from dlrsd.runtime.dsp.combs import fit, heights, stretches


def test_a_comb_is_found_where_it_is_stretched_to():
    excess = np.ones(2000)
    excess[np.rint(np.arange(1, 6) * 300.0 * 1.006).astype(int)] = 100.0
    lines = np.arange(1, 6) * 300.0
    found = fit(heights(excess), lines, np.zeros(5), np.ones(5), 0.01)
    assert found.stretch == pytest.approx(1.006, abs=2e-4)
    # Each line counts ln 100 - 0.5, less what the Gaussian takes at 0.6 of its deviation.
    assert found.score == pytest.approx(5 * (np.log(100) - 0.5) - 0.18, abs=0.02)


def test_lines_that_do_not_move_together_are_no_comb():
    excess = np.ones(20000)
    for k, stretch in enumerate((0.992, 1.008, 0.995, 1.005), 1):
        excess[round(k * 3000 * stretch)] = 100.0
    lines = np.arange(1, 5) * 3000.0
    one_line = np.log(100) - 0.5 - 3 * 0.5
    assert fit(heights(excess), lines, np.zeros(4), np.ones(4), 0.01).score < one_line


def test_sidebands_keep_their_distance():
    excess = np.ones(1000)
    excess[[round(400 * 1.005), round(400 * 1.005) + 60]] = 50.0
    found = fit(heights(excess), np.array([400.0, 400.0]), np.array([0.0, 60.0]), np.ones(2), 0.01)
    assert found.score == pytest.approx(2 * (np.log(50) - 0.5) - 0.125, abs=0.02)


def test_lines_beyond_the_spectrum_count_nothing():
    found = fit(np.full(100, 2.0), np.array([50.0, 200.0]), np.zeros(2), np.ones(2), 0.01)
    assert found.score == pytest.approx(2.0, abs=0.01)


def test_heights_are_bounded():
    assert [*heights(np.array([0.0, np.exp(1.0), 1e12]))] == pytest.approx([-0.5, 0.5, 5.0])


def test_no_line_falls_between_two_stretches():
    steps = np.diff(stretches(1600.0, 0.01)) * 1600
    assert steps.max() <= 0.51
    assert 1.0 in stretches(1600.0, 0.01)
