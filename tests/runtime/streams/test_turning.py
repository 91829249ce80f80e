"""A channel that tells how the shaft turns: named, set aside, and left in its own numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.stream import Chunk, SignalSpec, StreamFormat, open_stream

RATE = 1000
NOISE = np.random.default_rng(0).standard_normal(3000)
RPM = 1800 + 5 * np.sin(np.arange(3000) / 300)
G = SignalSpec(RATE, "g", 1)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "pump.csv"
    rows = "".join(
        f"{i / RATE:.3f},{r:.4f},{x:.6f}\n" for i, (r, x) in enumerate(zip(RPM, NOISE, strict=True))
    )
    path.write_text(f"time,rpm,acc\n{rows}")
    return path


def samples(path: Path, fmt: StreamFormat, **how: object) -> np.ndarray:
    with open_stream(path, fmt, **how) as stream:  # type: ignore[arg-type]
        return np.concatenate([chunk.samples for chunk in stream], axis=1)


def test_a_table_needs_no_list_of_its_channels_where_its_speed_is_named(table: Path) -> None:
    with pytest.raises(
        InputError, match=r"different units .* a tacho or a speed among them as tac"
    ):
        open_stream(table)
    with open_stream(table, StreamFormat(tacho="rpm")) as stream:
        assert stream.description["channel_names"] == ["rpm", "acc"]
        assert stream.description["tacho"] == {"channel": 0, "pulses_per_turn": None}
        assert stream.description["unit"] is None
        assert stream.numbers == [0, 1]


def test_a_bundle_is_given_the_samples_and_who_listens_the_tacho_too(table: Path) -> None:
    """Scale and unit are those of the samples: the speed stays in rpm."""
    heard: list[Chunk] = []
    form = StreamFormat(tacho="0,rpm", scale=10.0, unit="m/s2")
    given = samples(table, form, default=G, heard=heard.append)
    np.testing.assert_allclose(given, 10 / 9.80665 * NOISE[None], rtol=1e-4, atol=1e-5)
    own = np.concatenate([chunk.samples for chunk in heard], axis=1)
    np.testing.assert_allclose(own, [RPM, 10 * NOISE], rtol=1e-4, atol=1e-5)
    with open_stream(table, form, default=G) as stream:
        assert (stream.channels, stream.numbers) == (1, [1])


def test_a_tacho_is_read_beside_the_channels_that_are_named(table: Path) -> None:
    given = samples(table, StreamFormat(variable="acc", tacho="rpm"))
    np.testing.assert_allclose(given, [NOISE, RPM], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"tacho": "speed,rpm"}, "the tacho is channel 'speed', and .* has 'rpm', 'acc'"),
        ({"tacho": "2"}, "the tacho is channel 2, and .* has 'rpm', 'acc'"),
        ({"tacho": "rpm", "variable": "rpm"}, "the tacho is the only channel"),
        ({"tacho": "rpm,0"}, "option tacho is 'rpm,0': expected a channel's number or name"),
        ({"tacho": f"rpm,{'9' * 5000}"}, "option tacho is 'rpm,999"),
        ({"tacho": "9" * 5000}, "the tacho is channel '999"),
        ({"tacho": " "}, "option tacho is ' '"),
        ({"load": float("nan")}, "option load is nan: expected a number"),
    ],
)
def test_what_no_recording_can_have_is_refused(table: Path, form: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_stream(table, StreamFormat(**form))
