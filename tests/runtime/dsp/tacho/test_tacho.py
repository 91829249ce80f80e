"""Tacho pulses, the angle, and signals at equal angles, against the shaft that made them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.tacho.angle import to_angle
from dlrsd.runtime.dsp.tacho.pulses import pulse_times
from dlrsd.runtime.dsp.tacho.shaft import Shaft, TachoFault, shaft_of_pulses, shaft_of_speed

RATE = 12_000.0
SECONDS = 10.0
T = np.arange(int(RATE * SECONDS)) / RATE


def turns(t: NDArray[np.float64] = T) -> NDArray[np.float64]:
    """A run-up from 20 to 35 turns a second."""
    return 20 * t + 0.75 * t**2


def speed_rpm(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return 60 * (20 + 1.5 * t)


def true_pulses(per_turn: int = 1) -> NDArray[np.float64]:
    """Times at which turn k / per_turn is complete: solved, not sampled."""
    k = np.arange(1, int(turns(np.array([SECONDS]))[0] * per_turn)) / per_turn
    return (-20 + np.sqrt(400 + 3 * k)) / 1.5


def pulses(noise: float = 0.0, *, per_turn: int = 1, width: float = 0.05) -> NDArray[np.float64]:
    """Ramped pulses of 5 V that rise over 4 samples, as an anti-alias filter leaves them."""
    x = 5.0 * ((turns() * per_turn) % 1 < width) * (turns() * per_turn >= 1)
    x = np.convolve(x, np.ones(4) / 4)[: len(T)]
    return x + noise * np.random.default_rng(0).standard_normal(len(T))


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_edges_are_found_where_the_shaft_makes_them(noise: float) -> None:
    found, true = pulse_times(pulses(noise), RATE), true_pulses()
    assert len(found) == len(true)
    late = found - true
    assert np.median(late) < 3 / RATE  # the ramp's middle
    assert np.abs(late - np.median(late)).max() < 1 / RATE  # sampled pulses: half a sample about
    shaft = shaft_of_pulses(found)
    assert shaft.faults == ()
    middle = (T > 0.5) & (T < 9.5)
    assert shaft.speed_rpm_at(T[middle]) == pytest.approx(speed_rpm(T[middle]), rel=5e-3)


def test_a_sine_tells_times_far_below_a_sample() -> None:
    found = pulse_times(np.sin(2 * np.pi * turns()), RATE)
    true = np.append(0.0, true_pulses())[-len(found) :]
    assert np.abs(found - true).max() < 0.02 / RATE


def test_noise_on_a_slow_edge_counts_once() -> None:
    slow = np.clip(4 * np.sin(2 * np.pi * 3 * T), -1, 1)  # edges of 300 samples, three a second
    noisy = slow + 0.15 * np.random.default_rng(1).standard_normal(len(T))
    assert len(pulse_times(noisy, RATE)) in (29, 30)


@pytest.mark.parametrize(
    ("tacho", "why"),
    [
        (np.zeros(1000), "has no pulses"),
        (np.random.default_rng(0).standard_normal(10_000), "has no pulses"),
        (np.append(pulses(), np.nan), "has no number at 10 s"),
        (np.zeros((2, 100)), "expected one of two samples up"),
    ],
)
def test_what_has_no_pulses_is_refused(tacho: NDArray[np.float64], why: str) -> None:
    with pytest.raises(InputError, match=why):
        pulse_times(tacho, RATE)


@pytest.mark.parametrize("per_turn", [1, 4, 60])
def test_the_angle_is_the_shafts(per_turn: int) -> None:
    true = true_pulses(per_turn)
    shaft = shaft_of_pulses(true, per_turn=per_turn)
    at = np.linspace(true[0], true[-1], 5000)
    off = shaft.turns_at(at) + 1 / per_turn - turns(at)
    assert np.abs(off).max() < 1.5 * (1 / 20 / per_turn) ** 2 / 8 * 1.05  # of linear interpolation
    assert shaft.mean_rpm == pytest.approx(60 * np.mean([20 + 1.5 * true[0], 20 + 1.5 * true[-1]]))


def test_missing_and_extra_pulses_are_named_and_mended() -> None:
    true = true_pulses()
    gone = np.delete(true, [50, 51, 120])
    shaft = shaft_of_pulses(np.sort(np.append(gone, (true[80] + true[81]) / 2)))
    assert [(fault.kind, fault.count) for fault in shaft.faults] == [
        ("missing", 2),
        ("extra", 1),
        ("missing", 1),
    ]
    assert shaft.faults[0] == TachoFault("missing", true[49], 2)
    assert str(shaft.faults[0]) == f"2 pulses missing at {true[49]:.4g} s"
    clean = shaft_of_pulses(true)
    assert shaft.turns[-1] == clean.turns[-1]
    assert shaft.mean_rpm == pytest.approx(clean.mean_rpm)


def test_a_hopeless_tacho_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="pulses are missing or too many, the first at"):
        shaft_of_pulses(np.cumsum(rng.exponential(0.05, 200)))
    with pytest.raises(InputError, match="has 2 pulses: expected 3 or more"):
        shaft_of_pulses([0.1, 0.2])
    with pytest.raises(InputError, match="do not increase"):
        shaft_of_pulses([0.1, 0.3, 0.2, np.nan])
    with pytest.raises(InputError, match="got 0 pulses a turn"):
        shaft_of_pulses(true_pulses(), per_turn=0)


def test_a_speed_channel_gives_the_same_angle() -> None:
    slow = T[::100]
    shaft = shaft_of_speed(speed_rpm(slow), RATE / 100)
    assert shaft.turns_at(slow) == pytest.approx(turns(slow), abs=1e-9)
    assert shaft.speed_rpm_at(T[1000:-1000]) == pytest.approx(speed_rpm(T[1000:-1000]))
    broken = speed_rpm(slow)
    broken[[60, 61]] = 0, np.nan
    with pytest.raises(InputError, match=r"holds 0 rpm at 0.5 s, .* in 2 samples"):
        shaft_of_speed(broken, RATE / 100)


def share_of_line(x: NDArray[np.float32], order: float, per_unit: float) -> float:
    """How much of a signal's energy lies within two bins of a line."""
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
    line = round(order * len(x) / per_unit)
    return float(power[line - 2 : line + 3].sum() / power[1:].sum())


def test_an_order_of_a_running_up_shaft_becomes_one_line() -> None:
    order = 3.585
    signal = np.cos(2 * np.pi * order * turns())
    assert share_of_line(signal.astype(np.float32), order * 27.5, RATE) < 0.2  # smeared over time
    taken = to_angle(signal, RATE, shaft_of_pulses(true_pulses()), per_turn=64)
    assert taken.samples.dtype == np.float32
    assert share_of_line(taken.samples[0], order, taken.per_turn) > 0.99
    assert np.abs(taken.samples).max() == pytest.approx(1, abs=0.01)


def test_samples_are_those_of_the_angle() -> None:
    """Two channels with orders far apart, against cosines of the angle."""
    slow = T[::10]
    shaft = shaft_of_speed(speed_rpm(slow), RATE / 10)
    orders = np.array([[1.0], [25.3]])
    taken = to_angle(np.cos(2 * np.pi * orders * turns()), RATE, shaft, per_turn=64)
    angle = taken.first_turn + np.arange(taken.samples.shape[1]) / 64
    assert angle[-1] > 0.98 * turns()[-1]
    assert taken.samples == pytest.approx(np.cos(2 * np.pi * orders * angle), abs=2e-3)


def test_what_an_angle_grid_cannot_hold_is_not_folded_into_it() -> None:
    order = 60.0  # above half of 64 a turn: would appear at order 4
    shaft = shaft_of_speed(speed_rpm(T[::10]), RATE / 10)
    taken = to_angle(np.cos(2 * np.pi * order * turns()), RATE, shaft, per_turn=64)
    assert np.abs(taken.samples).max() < 1e-3
    whole = to_angle(np.cos(2 * np.pi * order * turns()), RATE, shaft)
    assert whole.per_turn == 1024  # the power of two from 12000 / 20 up
    assert np.abs(whole.samples).max() == pytest.approx(1, abs=2e-3)


def test_a_missing_pulse_does_not_shift_the_line() -> None:
    shaft = shaft_of_pulses(np.delete(true_pulses(), 100))
    assert len(shaft.faults) == 1
    taken = to_angle(np.cos(2 * np.pi * 3.585 * turns()), RATE, shaft, per_turn=64)
    assert share_of_line(taken.samples[0], 3.585, 64) > 0.99


def test_too_little_to_resample_is_refused() -> None:
    shaft = Shaft(np.array([0.0, 10.0]), np.array([0.0, 200.0]))
    with pytest.raises(InputError, match="too short to be resampled"):
        to_angle(np.zeros(10), RATE, shaft)
    crawling = Shaft(np.array([0.0, 10.0]), np.array([0.0, 0.5]))
    with pytest.raises(InputError, match="64 samples a turn at 3 rpm are too few"):
        to_angle(np.zeros(120_000), RATE, crawling, per_turn=64)
