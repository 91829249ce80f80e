"""Levels as the service tells them."""

import numpy as np
import pytest

from dlrsd.runtime.dsp import levels as dsp
from dlrsd.runtime.service.indicators.levels import levels_of


def test_each_channel_has_its_levels_in_order():
    x = np.random.default_rng(1).standard_normal((3, 25_600)).astype(np.float32)
    x *= np.array([[1], [2], [3]], np.float32)
    got = levels_of(x, 25_600.0)
    expected = dsp.levels(x, 25_600.0)
    assert [each.acceleration_m_s2 for each in got] == pytest.approx([1, 2, 3], rel=0.02)
    assert [each.velocity_mm_s for each in got] == list(expected.velocity_mm_s)
    assert [each.envelope_m_s2 for each in got] == list(expected.envelope_m_s2)


def test_what_cannot_be_told_is_none():
    (got,) = levels_of(np.zeros((1, 2000), np.float32), 2000.0)
    assert (got.velocity_mm_s, got.envelope_m_s2, got.crest, got.kurtosis) == (None,) * 4
    assert (got.acceleration_m_s2, got.peak_m_s2) == (0.0, 0.0)
