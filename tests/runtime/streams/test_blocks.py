"""Blocks hold what was measured in one piece, and keep its place."""

import numpy as np
import pytest

from dlrsd.runtime.streams.blocks import Blocks
from dlrsd.runtime.streams.source import Chunk


@pytest.mark.parametrize("seed", range(40))
def test_every_run_between_gaps_is_cut_from_its_own_start(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1, 12))
    # A sample's value is its number, so every block tells where it is from.
    chunks: list[Chunk] = []
    runs: list[list[int]] = [[]]
    at = 0
    for _ in range(12):
        n, gap = int(rng.integers(0, 30)), int(rng.choice([0, 0, 7, 100]))
        at += gap
        if gap:
            runs.append([])
        runs[-1] += range(at, at + n)
        chunks.append(Chunk(np.arange(at, at + n, dtype=np.float32)[None].repeat(2, 0), gap))
        at += n
    expected = [
        run[i : i + length] for run in runs for i in range(0, len(run) - length + 1, length)
    ]
    blocks = Blocks(length)
    got = [block for chunk in chunks for block in blocks.push(chunk)]
    blocks.end()
    assert len(expected) > 5
    assert [block.samples[1].tolist() for block in got] == expected
    assert [block.start for block in got] == [block[0] for block in expected]
    assert blocks.given_up == sum(len(run) % length for run in runs)
