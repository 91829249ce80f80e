"""Fault lines: each place lights its own row, whatever the gain, the rate and the stated speed."""

from dataclasses import replace

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.fault_lines import PLACES, SHAPE, fault_lines, require_lines
from dlrsd.runtime.evidence.verdict import evidence
from tests.runtime.evidence.machine import K6203, K6205, RATE, faulty, noise


@pytest.mark.parametrize("place", ["outer", "inner", "ball"])
@pytest.mark.parametrize("kinematics", [K6205, K6203])
def test_the_row_of_the_damaged_place_stands_out(place, kinematics):
    found = fault_lines(faulty(place, kinematics), RATE, kinematics)
    assert found.shape == SHAPE
    assert found.dtype == np.float32
    scores = dict(zip(PLACES, found[:, 1], strict=True))
    assert max(("outer", "inner", "ball"), key=scores.__getitem__) == place
    row = found[PLACES.index(place)]
    assert row[2:7].max() > 1  # a harmonic of its comb, e^1.5 of power over noise


def test_scores_are_those_of_the_evidence():
    x = faulty("inner", seed=4)
    found = fault_lines(x, RATE, K6205)
    raw = evidence(x, RATE, K6205).raw_scores
    np.testing.assert_allclose(found[:, 1], [raw[place] for place in PLACES], rtol=1e-6)


def test_noise_has_no_lines():
    found = np.stack([fault_lines(noise(seed), RATE, K6205) for seed in range(20)])
    assert found[:, :3, 1].max() < 4
    assert found[:, :3, 2:].mean() < 0


def test_neither_gain_nor_offset_count():
    x = faulty("outer")
    one = fault_lines(x, RATE, K6205)
    np.testing.assert_allclose(fault_lines(1e-6 * x, RATE, K6205), one, atol=1e-4)
    np.testing.assert_allclose(fault_lines(x + 3, RATE, K6205), one, atol=0.2)


def test_a_speed_off_by_some_percent_is_refined():
    x = faulty("outer")
    off = replace(K6205, speed_rpm=1.05 * K6205.speed_rpm)
    np.testing.assert_allclose(
        fault_lines(x, RATE, off)[0, 1], fault_lines(x, RATE, K6205)[0, 1], rtol=0.2
    )


def test_windows_keep_their_places():
    x = np.stack([faulty("outer"), noise(1)]).reshape(2, 1, -1).astype(np.float32)
    found = fault_lines(x, RATE, K6205)
    assert found.shape == (2, 1, *SHAPE)
    np.testing.assert_array_equal(found[0, 0], fault_lines(x[0, 0], RATE, K6205))


def test_a_dead_signal_has_none():
    assert not fault_lines(np.full(24000, 2.5), RATE, K6205).any()


def test_what_lies_beyond_the_spectrum_is_nothing():
    fast = replace(K6205, speed_rpm=6500.0)
    assert (fault_lines(noise(), RATE, fast)[1, 4:7] == 0).all()  # 3rd harmonic of BPFI on


@pytest.mark.parametrize(
    ("n", "speed", "said"),
    [
        (2000, 1772.0, r"4\.9 revolutions .* expected 8 or more, so 2880 rpm or faster"),
        (24000, 9000.0, "lie too high at 9000 rpm .* expected 6915 rpm or slower"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(n, speed, said):
    with pytest.raises(InputError, match=said):
        require_lines(n, RATE, replace(K6205, speed_rpm=speed))
