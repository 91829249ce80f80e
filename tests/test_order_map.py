import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

from order_map import OrderMapConfig, order_map

from dlrsd.runtime.errors import InputError

ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.35675, "ftf": 0.39828}
CONFIG = OrderMapConfig(12000.0, 12000, 29.5, **ORDERS)


def impulses(order: float, *, carrier_hz: float, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """A resonance struck once in every period of the order, in noise."""
    t = np.arange(CONFIG.window) / CONFIG.rate_hz
    since = t % (1 / (order * CONFIG.shaft_hz))
    ring = np.exp(-800 * since) * np.sin(2 * np.pi * carrier_hz * since)
    return ring + noise * np.random.default_rng(seed).standard_normal(CONFIG.window)


@pytest.mark.parametrize("fault", ["bpfo", "bpfi", "bsf"])
def test_the_fault_line_stands_out_in_the_band_that_rings(fault: str) -> None:
    found = order_map(impulses(ORDERS[fault], carrier_hz=3000)[None], CONFIG)[0, :, :-1]
    band, line = np.unravel_index(found.argmax(), found.shape)
    assert list(CONFIG.lines)[line].startswith(f"{fault} ")
    edges = np.geomspace(200, 4500, 9)
    assert edges[band] / 1.5 < 3000 < edges[band + 1] * 1.5
    assert found.max() > 2


def test_amplitude_moves_the_level_and_nothing_else() -> None:
    x = impulses(3.5848, carrier_hz=3000)[None]
    quiet, loud = order_map(x, CONFIG), order_map(10 * x, CONFIG)
    np.testing.assert_allclose(loud[..., :-1], quiet[..., :-1], atol=1e-3)
    np.testing.assert_allclose(loud[..., -1] - quiet[..., -1], np.log(10), atol=1e-3)


def test_equals_a_direct_sum() -> None:
    """Band, envelope and line of one column in float64, sample by sample."""
    x = impulses(5.4152, carrier_hz=2500, seed=3)
    edges = np.geomspace(200, 4500, 9)
    centre, width = np.sqrt(edges[6] * edges[7]), np.log(edges[1] / edges[0])
    hz = np.fft.fftfreq(len(x), 1 / 12000)
    gain = np.zeros(len(x))
    up = hz > 0
    gain[up] = 2 * np.clip(1 - np.abs(np.log(hz[up] / centre)) / width, 0, 1)
    envelope = np.abs(np.fft.ifft(np.fft.fft(x) * gain))
    ripple = envelope / envelope.mean() - 1
    t, taper = (np.arange(len(x)) + 0.5) / 12000, np.hanning(len(x))
    taper /= taper.sum()

    def amplitude(order: float) -> float:
        return abs((taper * ripple * np.exp(-2j * np.pi * order * 29.5 * t)).sum())

    line = max(amplitude(5.4152 * (1 + e)) for e in (-0.01, -0.005, 0, 0.005, 0.01))
    offsets = (-0.5, -0.42, -0.34, -0.26, 0.26, 0.34, 0.42, 0.5)
    around = np.median([amplitude(5.4152 + d) for d in offsets])
    expected = np.log(line + 1e-4) - np.log(around + 1e-4)
    column = list(CONFIG.lines).index("bpfi 1x")
    assert order_map(x[None], CONFIG)[0, 6, column] == pytest.approx(expected, abs=0.02)


def test_silence_and_no_windows() -> None:
    assert np.isfinite(order_map(np.zeros((1, 12000), np.float32), CONFIG)).all()
    assert order_map(np.empty((0, 12000), np.float32), CONFIG).shape == (0, 8, 33)


def test_short_windows_are_refused() -> None:
    with pytest.raises(InputError, match="expected 8 or more"):
        OrderMapConfig(12000.0, 1024, 29.5, **ORDERS)
    with pytest.raises(InputError, match=r"expected \(n, 12000\)"):
        order_map(np.zeros((1, 1024), np.float32), CONFIG)
