"""Row numbers that begin anew are told whatever their name, and their jumps are gaps."""

import numpy as np
import pytest

from dlrsd.runtime.streams.clock import find_clock
from dlrsd.runtime.streams.counters import Unwrapped, find_counter
from tests.runtime.streams.readers.text.written import read

N = 3000
ROWS = np.arange(N)
COUNTERS = {
    "a byte": ROWS % 256,
    "a byte from one": 1 + ROWS % 256,
    "up to a round number": ROWS % 1000,
    "in tens": 10 * ROWS % 4096,
    "in tens of a number that is no multiple": 10 * ROWS % 1024,
    "with a sign": (ROWS + 100) % 256 - 128,
    "down": 255 - ROWS % 256,
    "for each of ten rows": ROWS // 10 % 64,
    "not from zero": (ROWS + 77) % 512,
}


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("name", ["", "seq", "foo"])
def test_counters_that_begin_anew_are_told_and_go_on(counter, name):
    values = COUNTERS[counter]
    clock = find_clock(name, values[:2000])
    assert clock.rate_hz is None
    unwrapped = Unwrapped(clock.counter)
    parts = np.split(values.astype(float), [1, 255, 256, 1700])
    times = clock.times(np.concatenate([unwrapped(part) for part in parts]))
    # The first rows of a number may be missing, so that its first row is one of them.
    np.testing.assert_allclose(times, ROWS // clock.counter.rows * clock.counter.rows)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).integers(0, 256, N),
        np.round(100 * np.sin(ROWS / 20)),
        np.round(30 + np.cumsum(np.random.default_rng(1).normal(size=N) / 10)),
        ROWS // 40 % 2,
        np.tile([0, 0, 0, 5], N // 4),
        np.abs(ROWS % 512 - 256),
        np.full(N, 3),
        ROWS % 256 + 0.5,
    ],
)
def test_signals_of_integers_are_no_counters(values):
    assert find_counter("seq", values) is None


def test_a_counter_whose_end_is_not_seen_at_first_goes_on():
    counter = find_counter("frame", np.arange(2000))
    values = np.arange(140_000) % 65_536
    np.testing.assert_array_equal(Unwrapped(counter)(values), np.arange(140_000))
    # What came twice is no end, though the fall is a power of two less one.
    again = np.array([*range(500), *range(485, 600)])
    np.testing.assert_array_equal(Unwrapped(counter)(again), again)


@pytest.mark.parametrize("kind", [256, 65_536])
def test_rows_that_are_missing_by_their_counter_are_a_gap(tmp_path, kind):
    x = np.random.default_rng(0).normal(size=70_000).round(4)
    kept = np.r_[0:60_100, 60_110:70_000]
    lines = "".join(f"{i % kind},{x[i]}\n" for i in kept)
    (tmp_path / "x.csv").write_text("packet_no,acc\n" + lines)
    source, samples, chunks = read(tmp_path / "x.csv")
    assert source.channel_names == ("acc",)
    assert source.rate_hz is None
    np.testing.assert_allclose(samples[0], x[kept])
    assert [(c.gap_before) for c in chunks if c.gap_before] == [10]


def test_a_counter_beside_a_clock_is_no_channel(tmp_path):
    x = np.random.default_rng(0).normal(size=N).round(4)
    lines = "".join(f"{i / 1000:.3f},{i % 256},{x[i]}\n" for i in range(N))
    (tmp_path / "x.csv").write_text("time,whatever,acc\n" + lines)
    source, _, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("acc",)
    assert source.rate_hz == 1000


@pytest.mark.parametrize("modulus", [4, 8, 10, 32])
def test_places_in_a_packet_are_no_channel(tmp_path, modulus):
    x = np.random.default_rng(0).normal(size=N).round(4)
    lines = "".join(f"{i // modulus / 100:.2f},{i % modulus},{x[i]}\n" for i in range(N))
    (tmp_path / "x.csv").write_text("time,sample,acc\n" + lines)
    source, _, chunks = read(tmp_path / "x.csv")
    assert source.channel_names == ("acc",)
    assert source.rate_hz == pytest.approx(100 * modulus)
    assert not any(chunk.gap_before for chunk in chunks)


def test_a_counter_beside_an_angle_tells_no_sensors_apart(tmp_path):
    x = np.random.default_rng(0).normal(size=N).round(4)
    lines = "".join(f"{i * 7 % 360},{i % 256},{i % 100 / 8},{x[i]}\n" for i in range(N))
    (tmp_path / "x.csv").write_text("angle,state,b,acc\n" + lines)
    source, _, _ = read(tmp_path / "x.csv")
    assert source.channel_names == ("angle", "b", "acc")
