"""Clocks of every resolution against a brute-force truth: which samples are there, and when."""

import datetime as dt

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import count_of_rows, find_clock, is_named_time
from dlrsd.runtime.streams.timeline import Timeline

N = 40_000


def chunks(times, *, name="time", block=7_000, head=20_000):
    clock = find_clock(name, times[:head])
    assert clock is not None
    warnings = []
    blocks = (
        (times[i : i + block], np.arange(i, min(i + block, len(times)), dtype=float)[None])
        for i in range(0, len(times), block)
    )
    found = list(Timeline(clock, warnings, "x.csv")(blocks))
    return clock, found, warnings


def places(found):
    """Of each sample handed out: its number as written, and its place on the time line."""
    row, place, at = [], [], 0
    for chunk in found:
        at += chunk.gap_before
        row.append(chunk.samples[0])
        place.append(at + np.arange(chunk.samples.shape[1]))
        at += chunk.samples.shape[1]
    return np.concatenate(row).astype(int), np.concatenate(place)


@pytest.mark.parametrize("rate", [100.0, 12000.0, 25600.0, 51200.0, 48_828.125])
@pytest.mark.parametrize(
    "form",
    [
        lambda t: t,
        lambda t: np.round(t, 7),
        lambda t: np.round(t, 5),
        lambda t: np.round(t, 4),
        lambda t: np.round(t, 3),
        lambda t: np.floor(t * 1e3) / 1e3,
        lambda t: np.array([float(f"{each:.5g}") for each in t]),
        lambda t: t + 1.77e9,
        lambda t: t.astype(np.float32),
        lambda t: np.datetime64("2026-03-01T08:00:00", "ns") + np.rint(t * 1e9).astype("m8[ns]"),
        lambda t: np.datetime64("2026-03-01", "us") + np.rint(t * 1e6).astype("m8[us]"),
    ],
)
def test_an_undisturbed_clock_has_its_rate_and_no_gap(rate, form):
    times = form(5.5 + np.arange(N) / rate)
    clock, found, warnings = chunks(times)
    # A rate of few digits is told exactly, any other as exactly as a tick of 1 ms in 0.4 s allows.
    few_digits = rate != 48_828.125
    assert clock.rate_hz == pytest.approx(rate, rel=1e-9 if few_digits else 1e-3)
    row, place = places(found)
    np.testing.assert_array_equal(row, np.arange(N))
    np.testing.assert_array_equal(place, np.arange(N))
    assert warnings == []


@pytest.mark.parametrize("begin", np.linspace(6.0, 9.9, 14))
@pytest.mark.parametrize("rate", [12000, 25600])
def test_a_clock_whose_digits_become_too_few_has_one_rate_all_the_time(begin, rate):
    # With five digits it ticks every 0.1 ms up to 10 s, and every 1 ms from then on.
    times = np.array([float(f"{each:.5g}") for each in begin + np.arange(N) / rate])
    clock, found, _ = chunks(times, head=N)
    assert clock.rate_hz == rate
    np.testing.assert_array_equal(places(found)[1], np.arange(N))


@pytest.mark.parametrize(
    ("rate", "tick"),
    [
        *((rate, 0.01) for rate in (12_000, 25_000, 44_100, 48_000, 97_656)),
        *((rate, 0.001) for rate in (12_000, 25_600, 65_536)),
        *((rate, 1.0) for rate in (60, 250, 500, 1000)),
        (20_000, 0.05),
    ],
)
def test_a_coarse_clock_has_its_rate_and_no_gap(rate, tick):
    times = np.floor(np.arange(120_000) / rate / tick + 1e-9) * tick
    clock, found, _ = chunks(times)
    assert clock.rate_hz == pytest.approx(rate, rel=2e-3)
    row, place = places(found)
    np.testing.assert_array_equal(row, np.arange(120_000))
    np.testing.assert_array_equal(place, np.arange(120_000))


@pytest.mark.parametrize("spread", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_an_uneven_clock_has_no_gap_but_where_samples_are_missing(spread, seed):
    rng = np.random.default_rng(seed)
    kept = np.setdiff1d(np.arange(N), np.r_[9_000:9_040, 25_000:25_500])
    clock, found, warnings = chunks((kept + spread * rng.normal(size=len(kept))) / 1000)
    assert clock.rate_hz == pytest.approx(1000, rel=1e-3)
    gaps = [chunk.gap_before for chunk in found if chunk.gap_before]
    np.testing.assert_allclose(gaps, [40, 500], atol=1)
    row, place = places(found)
    assert len(row) >= len(kept) - 3
    assert np.abs(place - kept[row]).max() <= 3
    assert len(warnings) <= 1


def test_days_of_spreadsheets_and_of_matlab_are_days():
    for first in (46_082.25, 740_042.25):  # 1 March 2026 at six
        clock = find_clock("Time", first + np.arange(20_000) / 500 / 86_400)
        assert clock.rate_hz == pytest.approx(500, rel=1e-3)
        assert clock.start == dt.datetime(2026, 3, 1, 6)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_lost_is_counted_and_what_follows_keeps_its_time(seed):
    rng = np.random.default_rng(seed)
    rate = rng.choice([1000.0, 12000.0, 25600.0])
    decimals = int(rng.choice([4, 5, 6, 9]))
    keep = np.ones(N, bool)
    for _ in range(rng.integers(1, 5)):
        begin = int(rng.integers(1000, N - 3000))
        keep[begin : begin + int(rng.integers(300, 2000))] = False
    kept = np.flatnonzero(keep)
    _, found, _ = chunks(np.round(kept / rate, decimals), block=int(rng.integers(500, 9000)))
    row, place = places(found)
    np.testing.assert_array_equal(row, np.arange(len(kept)))
    tick = max(1.0, 10.0**-decimals * rate)
    assert np.abs(place - kept).max() <= (0 if tick == 1 else 4 * (1 + tick))


def test_single_samples_that_are_lost_are_seen_by_a_fine_clock():
    kept = np.setdiff1d(np.arange(N), [500, 700, 701, 9_999, 20_000])
    _, found, _ = chunks(np.round(kept / 12000, 6))
    np.testing.assert_array_equal(places(found)[1], kept)


@pytest.mark.parametrize(("begin", "length"), [(9_000, 1), (9_000, 512), (6_990, 4_000)])
def test_a_block_that_is_sent_twice_is_one_event(begin, length):
    order = np.concatenate(
        [np.arange(begin + length), np.arange(begin, begin + length), np.arange(begin + length, N)]
    )
    _, found, warnings = chunks(order / 12000)
    row, place = places(found)
    np.testing.assert_array_equal(order[row], np.arange(N))
    np.testing.assert_array_equal(place, np.arange(N))
    assert len(warnings) == 1
    assert "went back 1 times" in warnings[0]
    assert f"{length} samples" in warnings[0]


def test_a_block_that_comes_late_is_a_gap_and_one_event():
    order = np.concatenate(
        [np.arange(8_000), np.arange(8_500, 12_000), np.arange(8_000, 8_500), np.arange(12_000, N)]
    )
    _, found, warnings = chunks(order / 12000)
    row, place = places(found)
    np.testing.assert_array_equal(place, order[row])  # all at their own time
    np.testing.assert_array_equal(np.setdiff1d(np.arange(N), place), np.arange(8_000, 8_500))
    assert len(warnings) == 1


def test_a_clock_that_is_set_back_goes_on_from_there():
    times = np.arange(N) / 12000
    times[20_000:] -= 3600
    _, found, warnings = chunks(times)
    assert [chunk.gap_before for chunk in found if chunk.gap_before] == [1]
    assert places(found)[0].tolist() == list(range(N))
    assert "set back 1 times" in warnings[0]


def test_a_clock_that_goes_back_again_and_again_is_refused():
    times = np.arange(N) / 12000
    times[20_000:] = times[20_000:].reshape(-1, 2)[:, ::-1].reshape(-1)  # neighbours change places
    with pytest.raises(InputError, match="goes back again and again"):
        chunks(times, head=15_000)


@pytest.mark.parametrize("damage", [np.nan, np.inf, 1e308, -1e308])
def test_rows_without_a_time_lie_between_the_others(damage):
    times = np.arange(N) / 12000
    times[[5, 17, 18, 19, 7_000, 6_999]] = damage
    np.testing.assert_array_equal(places(chunks(times)[1])[1], np.arange(N))


@pytest.mark.parametrize(
    ("name", "values", "rate", "start"),
    [
        ("Zeit [s]", np.arange(N) / 25600, 25600, None),
        ("Time (ms)", np.arange(N) / 25.6, 25600, None),
        ("t_us", np.arange(N) * 100, 10_000, None),
        ("X_Value", np.arange(N) / 25600 + 3, 25600, None),
        ("Elapsed/min", np.arange(N) / 12000 / 60, 12000, None),
        ("", np.arange(N) / 25600, 25600, None),
        ("acc2", np.arange(N) / 25600, 25600, None),
        (
            "t",
            1_772_352_000_000_000_000 + np.arange(N) * 50_000,
            20_000,
            dt.datetime(2026, 3, 1, 8),
        ),
        ("t", 1_772_352_000_000 + np.arange(N) * 2, 500, dt.datetime(2026, 3, 1, 8)),
        ("epoch", 1_772_352_000 + np.arange(N) / 100, 100, dt.datetime(2026, 3, 1, 8)),
        ("labview", 3_855_196_800 + np.arange(N) / 100, 100, dt.datetime(2026, 3, 1, 8)),
        ("clock", np.datetime64("1904-01-01", "us") + np.arange(N) * 100, 10_000, None),
        ("Time", np.arange(N), 1, None),
    ],
)
def test_a_clock_is_told_whatever_its_name_and_unit(name, values, rate, start):
    clock = find_clock(name, values)
    assert clock.rate_hz == pytest.approx(rate, rel=1e-9)
    if start is None:
        assert clock.start is None
    else:
        assert clock.start == start.replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize("name", ["", "index", "Unnamed: 0", "sample", "n", "Nr."])
@pytest.mark.parametrize("first", [0, 1, 4711])
def test_row_numbers_are_told(name, first):
    assert count_of_rows(name, first + np.arange(200))
    assert find_clock(name, first + np.arange(200.0)).rate_hz is None


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=N),
        np.sin(np.arange(N) / 50),
        np.cumsum(np.random.default_rng(1).normal(size=N)),
        np.zeros(N),
        np.arange(N)[::-1] / 12000,
        np.round(np.random.default_rng(2).normal(size=N), 1),
        20 + np.arange(N) * 1e-5 + np.random.default_rng(3).normal(0, 0.1, N),
        np.repeat([0.0, 1.0], N // 2),
        np.full(N, np.nan),
        np.arange(N) % 500,
        1e308 * np.random.default_rng(4).uniform(-1, 1, N),
        np.sqrt(np.arange(N)),
        np.arange(N) ** 1.2,
    ],
)
def test_a_signal_is_no_clock(values):
    assert find_clock("x", values) is None


def test_names_of_times():
    named = ["t", "time", "Time (s)", "Zeit [ms]", "timestamp", "Date", "X_Value", "Elapsed time"]
    assert [name for name in named if not is_named_time(name)] == []
    others = [
        "acc",
        "tacho",
        "temperature",
        "timer_load",
        "xacc",
        "DE_time_series",
        "total",
        "trend",
    ]
    assert [name for name in others if is_named_time(name)] == []
