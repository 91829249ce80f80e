import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import Spectrum
from dlrsd.runtime.dsp.places import combs, find, guarded
from dlrsd.runtime.dsp.shaft_speed import ShaftSpeed
from tests.runtime.evidence.machine import K6203, K6205

HZ = 30.0


def speed(how="refined"):
    return ShaftSpeed(stated_hz=HZ, hz=HZ, how=how)


def spectrum(seconds, *orders, height=40.0, top=30):
    excess = np.ones(int(top * HZ * seconds))
    excess[np.rint(np.array(orders) * HZ * seconds).astype(int)] = height
    return Spectrum(excess, 1 / seconds)


def test_orders_of_all_lines():
    names = {
        tooth.name: tooth.moving + tooth.fixed for comb in combs(K6205) for tooth in comb.teeth
    }
    assert names["bpfo 4x"] == pytest.approx(4 * 3.5848)
    assert names["bpfi 2x -1 shaft"] == pytest.approx(2 * 5.4152 - 1)
    assert names["2bsf 1x +1 ftf"] == pytest.approx(2 * 2.357 + 0.3983)
    assert names["ftf 4x"] == pytest.approx(4 * 0.3983)
    assert len(names) == 3 * 11 + 4


def test_the_guard_is_as_narrow_as_the_window_is_long():
    """3.053 of a 6203 and 3 turns of the shaft are told apart over 60 turns, not over 20."""
    for seconds, apart in ((2.0, True), (2 / 3, False)):
        spec = spectrum(seconds)
        assert guarded(spec, speed())[round(3.053 * HZ * seconds)] == (not apart)
        assert guarded(spec, speed())[round(3.0 * HZ * seconds)]


def test_the_guard_is_wider_where_the_speed_is_only_stated():
    spec = spectrum(4.0)
    at = round(20.05 * HZ * 4)
    assert not guarded(spec, speed())[at]
    assert guarded(spec, speed("stated"))[at]


def test_lines_of_the_shaft_score_for_nobody():
    found = find(spectrum(2.0, *range(1, 29)), speed(), K6203)
    assert max(one.score for one in found.values()) < 0.5


def test_the_place_that_explains_more_lines_takes_those_they_share():
    """Lines at 1 to 6 BPFO: 3 and 6 are 2 and 4 BPFI as well."""
    lines = 3.5848 * np.arange(1, 7)
    found = find(spectrum(2.0, *lines), speed(), K6205)
    assert found["outer"].score > 14
    assert found["inner"].fit.score > 3
    assert found["inner"].score < 1
