import tracemalloc

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.frames import FILLED_WINDOWS, frames
from dlrsd.runtime.streams.source import Chunk


def signal(n, channels=2):
    return np.random.default_rng(1).normal(size=(channels, n)).astype(np.float32)


def pieces(samples, sizes):
    begin = 0
    while begin < samples.shape[1]:
        size = sizes[begin % len(sizes)]
        yield Chunk(samples[:, begin : begin + size])
        begin += size


def collect(chunks, **kwargs):
    batches = list(frames(chunks, **kwargs))
    join = {
        name: np.concatenate([getattr(batch, name) for batch in batches])
        for name in ("start", "index", "samples", "gap")
    }
    return join | {"skipped": [batch.skipped for batch in batches]}


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (64, 64), (64, 20), (64, 100), (7, 1)])
@pytest.mark.parametrize("sizes", [(1,), (3, 50, 1, 17), (10_000,)])
def test_windows_are_slices_of_the_signal(window, hop, sizes):
    x = signal(1000)
    got = collect(pieces(x, sizes), window=window, hop=hop, batch=10)
    full = (1000 - window) // hop + 1
    for i in range(full):
        np.testing.assert_array_equal(got["samples"][i], x[:, i * hop : i * hop + window])
    assert not got["gap"][:full].any()
    np.testing.assert_array_equal(got["index"], np.arange(len(got["index"])))
    np.testing.assert_array_equal(got["start"], got["index"] * hop)
    rest = full * hop  # where the window that no longer fits would start
    if (full - 1) * hop + window < 1000 and rest < 1000:
        assert len(got["index"]) == full + 1
        assert got["gap"][-1]
        np.testing.assert_array_equal(got["samples"][-1, :, : 1000 - rest], x[:, rest:])
        assert not got["samples"][-1, :, 1000 - rest :].any()
    else:
        assert len(got["index"]) == full


def test_a_stream_shorter_than_a_window_is_one_partial_window():
    x = signal(10)
    got = collect([Chunk(x)], window=64, hop=32)
    assert got["gap"].tolist() == [True]
    np.testing.assert_array_equal(got["samples"][0, :, :10], x)
    assert list(frames([], window=64, hop=32)) == []


def test_batches_are_bounded():
    sizes = [len(some.index) for some in frames([Chunk(signal(5000))], window=64, hop=32, batch=7)]
    assert max(sizes) == 7
    assert sum(sizes) == (5000 - 64) // 32 + 2


def test_more_says_that_the_next_windows_are_complete():
    chunks = [Chunk(signal(64 + 32 * 9)), Chunk(signal(40)), Chunk(signal(32 * 4))]
    got = [(len(some.index), some.more) for some in frames(chunks, window=64, hop=32, batch=4)]
    assert got == [(4, True), (4, True), (2, False), (1, False), (4, False), (1, False)]


def test_a_window_comes_as_soon_as_its_last_sample_does():
    fed = 0

    def live():
        nonlocal fed
        for chunk in pieces(signal(1000), (1,)):
            fed += 1
            yield chunk

    some = frames(live(), window=100, hop=50)
    for i in range(5):
        assert next(some).index.tolist() == [i]
        assert fed == 100 + 50 * i


@pytest.mark.parametrize("lost", [1, 5, 64, 500])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_a_gap_is_filled_and_its_windows_are_marked(lost, fill):
    x = signal(2000)
    chunks = [Chunk(x[:, :777]), Chunk(x[:, 777:], gap_before=lost)]
    got = collect(chunks, window=64, hop=32, fill=fill)
    filled = np.concatenate((x[:, :777], np.full((2, lost), fill), x[:, 777:]), axis=1)
    for start, samples, gap in zip(got["start"][:-1], got["samples"], got["gap"], strict=False):
        np.testing.assert_array_equal(samples, filled[:, start : start + 64])
        assert gap == (start < 777 + lost and start + 64 > 777)
    assert got["skipped"] == [0] * len(got["skipped"])


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (64, 64), (64, 150), (64, 7)])
@pytest.mark.parametrize("lost", [64 * 64 + 1, 100_000_003])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_only_windows_wholly_inside_a_long_gap_are_skipped(window, hop, lost, fill):
    x = signal(1200)
    end = 601 + lost
    chunks = [Chunk(x[:, :601]), Chunk(x[:, 601:900], gap_before=lost), Chunk(x[:, 900:])]
    got = collect(chunks, window=window, hop=hop, fill=fill)
    total = end + 599
    np.testing.assert_array_equal(got["start"], got["index"] * hop)
    full = (total - window) // hop + 1
    counts = len(got["index"]) + sum(got["skipped"])
    assert counts in (full, full + 1)
    skipped = np.flatnonzero(np.diff(got["index"]) > 1)
    assert len(skipped) == 1
    before, after = got["start"][skipped[0]], got["start"][skipped[0] + 1]
    assert before + hop >= 601  # the next one would have begun in the gap
    assert after - hop + window <= end  # and the last skipped one ended in it
    for start, samples, gap in zip(got["start"], got["samples"], got["gap"], strict=True):
        expected = np.full((2, window), fill, np.float32)
        for i in range(window):
            at = start + i
            if at < 601:
                expected[:, i] = x[:, at]
            elif end <= at < total:
                expected[:, i] = x[:, at - lost]
        np.testing.assert_array_equal(samples, expected)
        assert gap == ((start < end and start + window > 601) or start + window > total)


def by_definition(chunks, window, hop, fill):
    """Every window of a stream, one by one: its number, samples, gap flag, and if it is skipped."""
    samples, missing, long_gaps = [], [], []
    for chunk in chunks:
        if chunk.gap_before > FILLED_WINDOWS * window:
            long_gaps.append((len(samples), len(samples) + chunk.gap_before))
        samples += [fill] * chunk.gap_before + chunk.samples[0].tolist()
        missing += [True] * chunk.gap_before + [False] * chunk.samples.shape[1]
    windows, index, covered = [], 0, 0
    while index * hop + window <= len(samples):
        start, covered = index * hop, index * hop + window
        is_skipped = any(begin <= start and covered <= end for begin, end in long_gaps)
        windows.append((index, samples[start:covered], any(missing[start:covered]), is_skipped))
        index += 1
    if covered < len(samples) and index * hop < len(samples):
        rest = samples[index * hop :]
        windows.append((index, rest + [fill] * (window - len(rest)), True, False))
    return windows


@pytest.mark.parametrize("seed", range(4))
def test_random_chunks_gaps_hops_and_windows_are_cut_as_defined(seed):
    rng = np.random.default_rng(seed)
    for _ in range(1500):
        window, hop, batch = (int(rng.integers(1, most)) for most in (6, 20, 6))
        chunks, value = [], 1.0
        for _ in range(rng.integers(1, 8)):
            size, gap = int(rng.integers(0, 30)), int(rng.choice([0, 0, 0, 1, 5, 60, 64 * window]))
            gap += int(rng.integers(0, 9) * (gap > 5))
            chunks.append(Chunk(value + np.arange(size, dtype=np.float32)[None], gap))
            value += size
        got = list(frames(chunks, window=window, hop=hop, batch=batch, fill=-1.0))
        expected = by_definition(chunks, window, hop, -1.0)
        kept = [each[:3] for each in expected if not each[3]]
        assert kept == [
            (int(index), samples[0].tolist(), bool(gap))
            for some in got
            for index, samples, gap in zip(some.index, some.samples, some.gap, strict=True)
        ]
        assert sum(some.skipped for some in got) == len(expected) - len(kept)
        for some in got:  # what is skipped lies before the windows it comes with
            before = [each[0] for each in expected if each[3]]
            assert not len(some.index) or some.skipped <= sum(i < some.index[0] for i in before)
            np.testing.assert_array_equal(some.start, some.index * hop)


def test_memory_does_not_grow_with_the_stream():
    chunk = Chunk(signal(4096, channels=1))
    tracemalloc.start()
    try:
        for _ in frames((chunk for _ in range(2000)), window=1024, hop=512):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * chunk.samples.nbytes  # the stream is 2000 of them


@pytest.mark.parametrize("wrong", [{"window": 0}, {"hop": 0}, {"hop": -3}, {"batch": 2.5}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        frames([], **({"window": 64, "hop": 32} | wrong))


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (64, 64), (64, 100), (64, 7)])
def test_the_signal_of_some_windows_holds_exactly_them(window, hop):
    x = signal(2000, channels=2)
    for some in frames(
        [Chunk(x[:, :901]), Chunk(x[:, 901:], 300)], window=window, hop=hop, batch=9
    ):
        n = len(some.start)
        assert some.signal.shape == (2, (n - 1) * hop + window)
        cut = np.lib.stride_tricks.sliding_window_view(some.signal, window, axis=1)[:, ::hop]
        np.testing.assert_array_equal(cut.swapaxes(0, 1), some.samples)
