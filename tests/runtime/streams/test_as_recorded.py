"""A recording opened for what needs no bundle: at its own rate, in its own unit."""

from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.stream import AS_RECORDED, Chunk, SignalSpec, StreamFormat, open_stream

SIGNAL = np.sin(np.arange(2000) / 3).astype(np.float32)


def test_rate_and_unit_are_the_recordings_own(tmp_path: Path) -> None:
    path = tmp_path / "pump.csv"
    rows = "".join(f"{i / 51200:.9f},{v:.7f}\n" for i, v in enumerate(SIGNAL))
    path.write_text(f"time (s),acceleration (m/s2)\n{rows}")
    with open_stream(path, default=AS_RECORDED) as stream:
        samples = np.concatenate([chunk.samples for chunk in stream], axis=1)
    assert stream.rate_hz == pytest.approx(51200, rel=1e-4)
    assert stream.unit == "m/s2"
    assert stream.description["resampled_to_hz"] is None
    np.testing.assert_allclose(samples, SIGNAL[None], atol=1e-6)


def test_a_unit_that_nobody_states_stays_unknown(tmp_path: Path) -> None:
    path = tmp_path / "pump.bin"
    path.write_bytes(SIGNAL.tobytes())
    with open_stream(path, StreamFormat(rate=25600), default=AS_RECORDED) as stream:
        assert stream.unit is None
        assert stream.rate_hz == 25600


def test_a_rate_that_nobody_states_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "pump.bin"
    path.write_bytes(SIGNAL.tobytes())
    with pytest.raises(InputError, match=r"nothing states how fast .* state the rate, in Hz"):
        open_stream(path, default=AS_RECORDED)


def test_who_listens_is_given_the_recording_at_its_own_rate_in_its_unit(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    path = tmp_path / "pump.bin"
    SIGNAL.astype("<f4").tofile(path)
    heard: list[Chunk] = []
    form = StreamFormat(rate=24000, unit="m/s2")
    spec = SignalSpec(12000, "g", 1)
    with open_stream(path, form, default=spec, heard=heard.append) as stream:
        n = sum(chunk.samples.shape[1] for chunk in stream)
    own = np.concatenate([chunk.samples for chunk in heard], axis=1)
    assert n == len(SIGNAL) / 2
    np.testing.assert_allclose(own, SIGNAL[None], rtol=1e-5)


def test_a_tacho_named_beside_samples_has_a_unit_of_its_own(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((2, 3000))
    rows = "".join(
        f"{i / 1000:.3f},{de:.6f},{fe:.6f},{5 * (i % 10 == 0)}\n"
        for i, (de, fe) in enumerate(noise.T)
    )
    path = tmp_path / "pump.csv"
    path.write_text(f"time (s),de (g),fe (g),Tacho (V)\n{rows}")
    with pytest.raises(InputError, match="different units"):
        open_stream(path)
    with open_stream(path, StreamFormat(variable="de (g),fe (g),Tacho (V)")) as stream:
        assert stream.description["unit"] == "g"
        assert stream.description["channel_names"] == ["de (g)", "fe (g)", "Tacho (V)"]
        assert max(float(chunk.samples[2].max()) for chunk in stream.chunks) == 5
