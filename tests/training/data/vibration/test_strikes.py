"""Strikes fall where they shall, and ring as a convolution rings."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.training.data.vibration.strikes import (
    at_level,
    impulses_at,
    ringing,
    rumble,
    strike_angles,
)


def test_strikes_come_as_often_as_their_order_says():
    turn = np.linspace(0.3, 200.3, 100_001)
    at = strike_angles(turn, 3.585, 0.01, np.random.default_rng(0))
    assert len(at) == pytest.approx(200 * 3.585, rel=0.01)
    spacing = np.diff(at)
    assert spacing.mean() == pytest.approx(1 / 3.585, rel=2e-3)
    assert spacing.std() == pytest.approx(0.01 / 3.585, rel=0.1)


def test_an_impulse_between_two_samples_is_shared():
    turn = np.arange(10.0)
    found = impulses_at(np.array([2.0, 5.25]), np.array([1.0, 4.0]), turn)
    np.testing.assert_allclose(found, [0, 0, 1, 0, 0, 3, 1, 0, 0, 0])


def test_ringing_is_a_convolution():
    rng = np.random.default_rng(1)
    x, response = rng.standard_normal(300), rng.standard_normal(40)
    np.testing.assert_allclose(ringing(x, response), np.convolve(x, response)[:300], atol=1e-10)


@pytest.mark.parametrize("colour", [0.0, 0.9])
def test_rumble_has_the_colour_asked_for(colour):
    found = rumble(np.random.default_rng(2).standard_normal(200_000), colour)
    assert found.std() == pytest.approx(1, rel=0.03)
    assert np.corrcoef(found[:-1], found[1:])[0, 1] == pytest.approx(colour, abs=0.01)


def test_a_level_is_over_the_floor():
    x = np.random.default_rng(3).standard_normal(1000)
    assert at_level(x, 2.0, 20.0).std() == pytest.approx(20.0)
