"""Features of a window, against what is known of the signal, and against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.order_map import LINES
from dlrsd.runtime.dsp.window_features import envelope_lines, holds_lines, window_features
from dlrsd.training.data.vibration.recording import kinematics
from dlrsd.training.data.vibration.rig import simulate_rig

RATE = 12000.0
MACHINE = np.array([[1797.0, 3.5848, 5.4152, 2.357, 0.3983]])


@pytest.fixture
def noise():
    return np.random.default_rng(1).standard_normal((3, 1, 4096))


def test_a_sine_has_the_shape_that_a_sine_has():
    t = np.arange(12000) / RATE
    found = window_features(3 * np.sin(2 * np.pi * 601.3 * t)[None, None], RATE)[0]
    rms = 3 / np.sqrt(2)
    assert found[:6] == pytest.approx(
        [np.sqrt(2), np.pi / 2, 1 / 0.5818, np.pi / 2 / np.sqrt(2), -1.5, 0], abs=2e-3
    )
    assert found[6] == pytest.approx(601.3 / RATE, rel=1e-3)  # centre of the spectrum
    assert found[10:12] == pytest.approx([np.log(rms), np.log(3)], abs=1e-3)
    bands = found[12:24]
    edges = np.geomspace(RATE / 128, 0.375 * RATE, 13)
    assert bands.argmax() == np.searchsorted(edges, 601.3) - 1


def test_without_level_a_gain_changes_nothing(noise):
    quiet, loud = noise, 150 * noise
    assert window_features(loud, RATE, level=False) == pytest.approx(
        window_features(quiet, RATE, level=False), abs=1e-6
    )
    difference = window_features(loud, RATE) - window_features(quiet, RATE)
    changed = np.flatnonzero(np.abs(difference[0]) > 1e-3)
    assert changed.tolist() == list(range(10, 24))  # RMS, peak, energies of bands
    assert difference[:, 10:12] == pytest.approx(np.log(150))
    assert difference[:, 12:24] == pytest.approx(2 * np.log(150), rel=1e-3)


def test_what_an_anti_aliasing_filter_leaves_decides_nothing():
    """A tone above 0.375 x rate is in no band and not in the envelope."""
    t = np.arange(4096) / RATE
    base = np.random.default_rng(2).standard_normal((1, 1, 4096))
    with_tone = base + 0.5 * np.sin(2 * np.pi * 5200 * t)
    one, other = (window_features(x, RATE)[0] for x in (base, with_tone))
    assert other[12:] == pytest.approx(one[12:], abs=0.02)


@pytest.mark.parametrize("order", [3.5848, 5.4152, 2 * 2.357])
@pytest.mark.parametrize("prewhitened", [False, True])
def test_strikes_at_an_order_raise_its_lines_and_no_others(order, prewhitened):
    rng = np.random.default_rng(3)
    t = np.arange(24000) / RATE
    period = 1 / (order * 1797 / 60)
    strikes = np.cumsum(period * (1 + 0.01 * rng.standard_normal(400)))  # with slip
    last = np.searchsorted(strikes, t, side="right") - 1
    since = np.where(last >= 0, t - strikes[last], 1)
    x = np.exp(-900 * since) * np.sin(2 * np.pi * 3000 * since)
    x += 0.1 * rng.standard_normal(len(t))
    found = envelope_lines(x[None], RATE, MACHINE, prewhitened=prewhitened)[0]
    _, *orders = MACHINE[0]
    at = np.array(list(LINES.values())) @ [1, *orders]
    harmonic = np.round(at / order)
    away = np.abs(at / np.maximum(harmonic, 1) / order - 1)  # a line within 1 % may be met too
    assert 3 <= (away < 1e-3).sum() <= 4
    assert found[away < 1e-3].min() > 2
    assert found[away > 0.015].max() < 1.7


def test_a_line_is_the_log_of_its_amplitude_over_the_median_beside_it():
    """Against an envelope spectrum of sums written out, at the frequencies that are looked at."""
    x = np.random.default_rng(4).standard_normal(12000)
    spectrum = np.fft.fft(x)
    hz = np.abs(np.fft.fftfreq(len(x), 1 / RATE))
    spectrum[(hz < 500) | (hz > 4500)] = 0
    analytic = np.fft.ifft(np.where(np.fft.fftfreq(len(x)) > 0, 2 * spectrum, 0))
    envelope = np.abs(analytic) ** 2
    envelope = (envelope / envelope.mean() - 1) * np.hanning(len(x))
    order, turn = 3.5848, 1797 / 60
    at = round(order * turn * 2)  # half a hertz apart
    reach, wide = round(0.01 * order * turn * 2), round(0.35 * turn * 2)
    t = np.arange(len(x)) / RATE

    def amplitude(bins):
        return np.array([abs(envelope @ np.exp(-2j * np.pi * 0.5 * b * t)) for b in bins])

    line = amplitude(range(at - reach, at + reach + 1)).max()
    beside = amplitude([*range(at - wide, at - reach), *range(at + reach + 1, at + wide + 1)])
    found = envelope_lines(x[None], RATE, MACHINE)[0]
    assert found[list(LINES).index("bpfo 1x")] == pytest.approx(
        np.log(line / np.median(beside)), rel=1e-6
    )


def test_each_window_is_measured_at_its_own_machine():
    """Windows of two speeds and bearings, mixed, are what they are one by one."""
    machines = np.array([[1797.0, 3.58, 5.42, 2.36, 0.40], [600.0, 3.05, 4.95, 1.99, 0.38]])
    x = np.random.default_rng(5).standard_normal((5, 12000))
    which = np.array([0, 1, 1, 0, 1])
    together = envelope_lines(x, RATE, machines[which])
    alone = [
        envelope_lines(x[i : i + 1], RATE, machines[w : w + 1])[0] for i, w in enumerate(which)
    ]
    assert together == pytest.approx(np.stack(alone))


def test_lines_name_the_place_on_a_simulated_rig():
    right = 0
    recordings = [r for r in simulate_rig(seed=3, seconds=4, loads=(0,)) if r.fault != "normal"]
    for recording in recordings:
        x = recording.signal[:, :24000].astype(float)
        machine = np.array([[*vars(kinematics(recording)).values()]])
        found = dict(zip(LINES, envelope_lines(x, RATE, machine)[0], strict=True))
        names = {"outer": "bpfo", "inner": "bpfi", "ball": "bsf"}
        sums = {
            place: sum(v for k, v in found.items() if k in (f"{name} 2x", f"{name} 4x"))
            for place, name in names.items()
        }
        right += max(sums, key=sums.__getitem__) == recording.label
    assert right == len(recordings) == 9


def test_channels_stand_side_by_side(noise):
    two = np.concatenate([noise[:2], 3 * noise[1:]], axis=1)
    found = window_features(two, RATE)
    one, other = (window_features(two[:, [c]], RATE) for c in (0, 1))
    assert found == pytest.approx(np.concatenate([one, other], axis=1))
    assert found.shape == (2, 2 * 35)
    assert window_features(two, RATE, level=False).shape == (2, 2 * 33)
    with_lines = window_features(two, RATE, np.repeat(MACHINE, 2, axis=0))
    assert with_lines.shape == (2, 2 * (35 + 31))


@pytest.mark.parametrize("length", [16, 100, 1024, 12288])
@pytest.mark.parametrize("kind", [np.zeros, np.ones, lambda n: np.arange(n) % 2 * 1e6])
def test_what_does_not_vary_has_finite_features(length, kind):
    x = np.broadcast_to(kind(length), (2, 1, length))
    assert np.isfinite(window_features(x, RATE, np.repeat(MACHINE, 2, axis=0))).all()


def test_eight_turns_of_the_slowest_shaft_hold_lines():
    machines = np.array([[1797.0, 3, 5, 2, 0.4], [600.0, 3, 5, 2, 0.4]])
    assert holds_lines(machines, 12000, 9600)  # 0.8 s at 10 Hz
    assert not holds_lines(machines, 12000, 9599)
