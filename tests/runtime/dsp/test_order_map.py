import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import LINES, Kinematics, OrderMapConfig, order_map

ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.35675, "ftf": 0.39828}
CONFIG = OrderMapConfig(12000.0, 12288)
MACHINE = Kinematics(1770.0, **ORDERS)


def impulses(order: float, *, carrier_hz: float, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """A resonance struck once in every period of the order, in noise."""
    t = np.arange(CONFIG.window) / CONFIG.rate_hz
    since = t % (1 / (order * MACHINE.speed_rpm / 60))
    ring = np.exp(-800 * since) * np.sin(2 * np.pi * carrier_hz * since)
    return ring + noise * np.random.default_rng(seed).standard_normal(CONFIG.window)


@pytest.mark.parametrize("fault", ["bpfo", "bpfi", "bsf"])
def test_the_fault_line_stands_out_in_the_band_that_rings(fault: str) -> None:
    found = order_map(impulses(ORDERS[fault], carrier_hz=3000), CONFIG, MACHINE)[:, :-1]
    band, line = np.unravel_index(found.argmax(), found.shape)
    assert list(LINES)[line].startswith(f"{fault} ")
    edges = CONFIG.band_edges_hz
    assert edges[band] / 1.5 < 3000 < edges[band + 1] * 1.5
    assert found.max() > 2


def test_the_line_follows_speed_and_geometry() -> None:
    """The same signal, taken for another speed or another bearing, has no such line."""
    x = impulses(ORDERS["bpfo"], carrier_hz=3000)
    column = list(LINES).index("bpfo 1x")

    def contrast(**other: float) -> float:
        machine = Kinematics(**{"speed_rpm": MACHINE.speed_rpm, **ORDERS, **other})
        return float(order_map(x, CONFIG, machine)[6, column])  # the band that rings

    assert contrast() > 2
    assert contrast(speed_rpm=1770 * 1.005) > 2  # within the tolerance
    assert contrast(speed_rpm=1770 * 1.05) < 1
    assert contrast(bpfo=3.05) < 1
    assert contrast(speed_rpm=1770 * 1.05, bpfo=3.5848 / 1.05) > 2  # the same frequency


@pytest.mark.parametrize("speed_rpm", [1770.0, 3600.0])
def test_a_line_is_found_wherever_it_lies_within_the_tolerance(speed_rpm: float) -> None:
    """At many turns the tolerance is many bins wide; none of them is passed over."""
    config = OrderMapConfig(12000.0, 24576)
    t = np.arange(config.window) / config.rate_hz
    column = list(LINES).index("bpfi 2x")
    noise = 0.3 * np.random.default_rng(0).standard_normal(config.window)
    found = []
    for error in np.linspace(-0.009, 0.009, 13):
        since = t % (60 / (5.4152 * (1 + error) * speed_rpm))
        x = np.exp(-2000 * since) * np.sin(2 * np.pi * 3000 * since) + noise
        found.append(order_map(x, config, Kinematics(speed_rpm, **ORDERS))[6, column])
    assert min(found) > 2


def test_amplitude_moves_the_level_and_nothing_else() -> None:
    x = impulses(3.5848, carrier_hz=3000)
    quiet, loud = order_map(x, CONFIG, MACHINE), order_map(10 * x, CONFIG, MACHINE)
    np.testing.assert_allclose(loud[..., :-1], quiet[..., :-1], atol=1e-3)
    np.testing.assert_allclose(loud[..., -1] - quiet[..., -1], np.log(10), atol=1e-3)


@pytest.mark.parametrize("speed_rpm", [1000.0, 1770.0, 3600.0])
def test_noise_has_the_contrast_that_is_stated(speed_rpm: float) -> None:
    x = np.random.default_rng(5).standard_normal((32, CONFIG.window))
    found = order_map(x, CONFIG, Kinematics(speed_rpm, **ORDERS))[..., :-1]
    assert found.mean() == pytest.approx(0.45, abs=0.15)


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
    t, taper = np.arange(len(x)) / 12000, np.hanning(len(x))
    taper /= taper.sum()

    def amplitude(order: float) -> float:
        return abs((taper * ripple * np.exp(-2j * np.pi * order * 29.5 * t)).sum())

    line = max(amplitude(5.4152 * (1 + e)) for e in np.linspace(-0.01, 0.01, 15))
    offsets = (-0.5, -0.42, -0.34, -0.26, 0.26, 0.34, 0.42, 0.5)
    around = np.median([amplitude(5.4152 + d) for d in offsets])
    expected = np.log(line + 1e-4) - np.log(around + 1e-4)
    found = order_map(x, CONFIG, MACHINE)[6]
    assert found[list(LINES).index("bpfi 1x")] == pytest.approx(expected, abs=0.02)
    assert found[-1] == pytest.approx(np.log(envelope.mean()), abs=1e-3)


def test_any_leading_axes_and_batches() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((9, 2, CONFIG.window)).astype(np.float32)
    found = order_map(x, CONFIG, MACHINE)
    assert found.shape == (9, 2, *CONFIG.shape)
    assert found.dtype == np.float32
    for i, j in ((0, 0), (8, 1), (4, 1)):
        np.testing.assert_allclose(found[i, j], order_map(x[i, j], CONFIG, MACHINE), atol=1e-4)


def test_strict_arrays_stay_what_they_are() -> None:
    array_api_strict = pytest.importorskip("array_api_strict")
    x = impulses(3.5848, carrier_hz=3000)[None].astype(np.float32)
    found = order_map(array_api_strict.asarray(x), CONFIG, MACHINE)
    assert isinstance(found, type(array_api_strict.asarray(x)))
    np.testing.assert_allclose(np.asarray(found), order_map(x, CONFIG, MACHINE), atol=1e-4)


def test_torch_gives_the_same() -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(5).standard_normal((20, 1, CONFIG.window)).astype(np.float32)
    found = order_map(torch.from_numpy(x), CONFIG, MACHINE)
    np.testing.assert_allclose(found.numpy(), order_map(x, CONFIG, MACHINE), atol=1e-4)


@pytest.mark.gpu
def test_cupy_gives_the_same() -> None:
    cupy = pytest.importorskip("cupy")
    x = np.random.default_rng(5).standard_normal((20, 1, CONFIG.window)).astype(np.float32)
    found = cupy.asnumpy(order_map(cupy.asarray(x), CONFIG, MACHINE))
    np.testing.assert_allclose(found, order_map(x, CONFIG, MACHINE), atol=1e-3)


def test_silence_and_no_windows() -> None:
    assert np.isfinite(order_map(np.zeros((1, CONFIG.window)), CONFIG, MACHINE)).all()
    assert order_map(np.empty((0, 1, CONFIG.window)), CONFIG, MACHINE).shape == (0, 1, 8, 32)


@pytest.mark.parametrize("rate_hz", [1500.0, 3000.0, 12000.0, 48000.0])
def test_the_widest_band_holds_the_fastest_line(rate_hz: float) -> None:
    """At the highest speed there may be, lines are found; above it, maps are refused."""
    config = OrderMapConfig(rate_hz, round(1.8 * rate_hz))
    orders = np.array(list(LINES.values())) @ np.array([1.0, *ORDERS.values()])
    limit = 60 * config.highest_beat_hz / (1.01 * orders.max())
    fast = Kinematics(0.999 * limit, **ORDERS)
    t = np.arange(config.window) / rate_hz
    carrier = np.sqrt(config.band_edges_hz[-2] * config.band_edges_hz[-1])
    x = (1 + np.cos(2 * np.pi * 5.4152 * fast.speed_rpm / 60 * t)) * np.cos(2 * np.pi * carrier * t)
    x += 0.1 * np.random.default_rng(0).standard_normal(config.window)
    found = order_map(x, config, fast)
    assert found[-1, list(LINES).index("bpfi 1x")] > 2
    with pytest.raises(InputError, match=f"the widest band at a rate of {rate_hz:g} Hz"):
        order_map(x, config, Kinematics(1.001 * limit, **ORDERS))


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected \(\.\.\., 12288\)"):
        order_map(np.zeros((1, 1024)), CONFIG, MACHINE)
    with pytest.raises(InputError, match=r"holds 2.5 revolutions.*windows of 3255 samples"):
        order_map(np.zeros((1, 1024)), OrderMapConfig(12000.0, 1024), MACHINE)
    with pytest.raises(InputError, match="use a higher rate"):
        order_map(np.zeros(CONFIG.window), CONFIG, Kinematics(30_000.0, **ORDERS))
    with pytest.raises(InputError, match="got speed_rpm 0: expected a number above 0"):
        Kinematics(0.0, **ORDERS)
    with pytest.raises(InputError, match=r"100000 bands .* 0.00623 Hz wide: expected two"):
        OrderMapConfig(n_bands=100_000)
    with pytest.raises(InputError, match="bands 200 to 150 Hz do not fit"):
        OrderMapConfig(400.0, 4096)
