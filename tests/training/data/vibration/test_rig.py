"""The simulated rig shows the signatures that the theory of bearing faults predicts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, hilbert, sosfiltfilt, welch

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.rig import (
    CLASSES,
    MODES_HZ,
    ORDERS,
    simulate_rig,
    simulate_stream,
)


def envelope_spectrum(recording):
    """Orders of the shaft and amplitudes of the envelope above 1 kHz."""
    band = butter(4, [1000, 4500], "band", fs=recording.rate, output="sos")
    envelope = np.abs(hilbert(sosfiltfilt(band, recording.signal[0].astype(np.float64))))
    envelope -= envelope.mean()
    spectrum = np.abs(np.fft.rfft(envelope * np.hanning(len(envelope))))
    frequency = np.fft.rfftfreq(len(envelope), 1 / recording.rate)
    return frequency / (recording.speed_rpm / 60), spectrum


def strongest(orders, spectrum, low, high):
    band = (orders >= low) & (orders <= high)
    return orders[band][np.argmax(spectrum[band])]


@pytest.fixture(scope="module")
def rig():
    return simulate_rig(seed=3, n_bearings=2, loads=(0, 2))


def of_class(rig, label):
    return [r for r in rig if r.label == label]


def test_outer_race_fault_peaks_at_bpfo(rig):
    for recording in of_class(rig, "outer"):
        peak = strongest(*envelope_spectrum(recording), 0.3, 12)
        assert peak == pytest.approx(ORDERS["bpfo"], rel=0.02)


def test_inner_race_fault_peaks_at_bpfi_with_sidebands_of_the_shaft(rig):
    for recording in of_class(rig, "inner"):
        orders, spectrum = envelope_spectrum(recording)
        peak = strongest(orders, spectrum, 4.9, 5.9)
        assert peak == pytest.approx(ORDERS["bpfi"], rel=0.02)
        floor = np.median(spectrum[(orders > 4) & (orders < 7)])
        for side in (-1, 1):
            near = np.abs(orders - (peak + side)) < 0.03
            assert spectrum[near].max() > 10 * floor


def test_ball_fault_peaks_at_twice_the_spin_frequency_with_sidebands_of_the_cage(rig):
    for recording in of_class(rig, "ball"):
        orders, spectrum = envelope_spectrum(recording)
        peak = strongest(orders, spectrum, 4.5, 4.95)
        assert peak == pytest.approx(2 * ORDERS["bsf"], rel=0.02)
        floor = np.median(spectrum[(orders > 4) & (orders < 7)])
        for side in (-1, 1):
            near = np.abs(orders - (peak + side * ORDERS["ftf"])) < 0.03
            assert spectrum[near].max() > 5 * floor


def test_a_healthy_bearing_is_gaussian_and_has_no_fault_line(rig):
    for recording in of_class(rig, "Normal"):
        x = recording.signal[0].astype(np.float64)
        assert np.mean((x - x.mean()) ** 4) / x.var() ** 2 == pytest.approx(3, abs=0.2)
        orders, spectrum = envelope_spectrum(recording)
        floor = np.median(spectrum[(orders > 2) & (orders < 7)])
        for order in (ORDERS["bpfo"], ORDERS["bpfi"], 2 * ORDERS["bsf"]):
            assert spectrum[np.abs(orders - order) < 0.08].max() < 6 * floor


def test_strikes_ring_at_the_structures_modes(rig):
    outer, normal = of_class(rig, "outer")[0], of_class(rig, "Normal")[0]
    frequency, struck = welch(outer.signal[0], outer.rate, nperseg=1024)
    gain = struck / welch(normal.signal[0], normal.rate, nperseg=1024)[1]
    for mode in MODES_HZ:
        at = np.argmin(np.abs(frequency - mode))
        between = np.argmin(np.abs(frequency - (mode + 500)))
        assert struck[at] > 4 * struck[between]
    assert gain[np.argmin(np.abs(frequency - MODES_HZ[-1]))] > 10
    assert np.median(gain[(frequency > 50) & (frequency < 400)]) < 2


def test_what_is_recorded(rig):
    assert len(rig) == len(CLASSES) * 2 * 2
    assert {r.label for r in rig} == set(CLASSES)
    assert len({r.recording_id for r in rig}) == len(rig)
    assert len({r.bearing_id for r in rig}) == 2 * len(CLASSES)
    assert all(r.signal.shape == (1, 120_000) and r.signal.dtype == np.float32 for r in rig)
    assert {r.speed_rpm for r in rig} == {1797.0, 1753.0}


def test_the_seed_fixes_everything_and_recordings_do_not_depend_on_each_other(rig):
    again = simulate_rig(seed=3, n_bearings=2, loads=(2,), classes=("outer",))
    same = [r for r in rig if r.label == "outer" and r.load == 2]
    for one, other in zip(again, same, strict=True):
        assert one.recording_id == other.recording_id
        np.testing.assert_array_equal(one.signal, other.signal)
    other_rig = simulate_rig(seed=4, n_bearings=1, loads=(2,), classes=("outer",))
    assert np.abs(other_rig[0].signal - same[0].signal).max() > 0.1


def test_channels_have_their_own_path_and_noise():
    (recording,) = simulate_rig(
        seed=0, classes=("outer",), loads=(0,), n_bearings=1, n_channels=3, seconds=2
    )
    assert recording.signal.shape == (3, 24_000)
    assert recording.channels == ("A1", "A2", "A3")
    correlation = np.corrcoef(recording.signal)[np.triu_indices(3, 1)]
    assert np.all((correlation > 0.2) & (correlation < 0.999))


def test_severity_scales_the_strikes():
    mild, severe = (
        simulate_rig(
            seed=0, classes=("outer",), loads=(0,), n_bearings=1, seconds=2, severity=severity
        )[0].signal
        for severity in (0.5, 2.0)
    )
    assert np.abs(severe).max() > 3 * np.abs(mild).max()


def test_stream_is_healthy_until_the_onset():
    samples, facts = simulate_stream(0, 20, "outer", 12)
    assert samples.shape == (1, 240_000)
    assert samples.dtype == np.float32
    healthy, _ = simulate_stream(0, 20, "Normal", 0)
    before, after = samples[0, : 12 * 12_000], samples[0, 12 * 12_000 + 2000 :]
    assert np.abs(before).max() < 1.3 * np.abs(healthy).max()
    assert after.std() > 1.5 * before.std()
    raw = {"dtype": "f32le", "rate": 12_000.0, "channels": 1, "unit": "g"}
    assert facts == raw | {"speed_rpm": 1775.0, "orders": ORDERS}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"classes": ("cage",)}, "'cage'"), ({"rate": 4000.0}, "8000 Hz")],
)
def test_refuses_what_it_cannot_simulate(options, said):
    with pytest.raises(InputError, match=said):
        simulate_rig(seed=0, seconds=1, **options)
