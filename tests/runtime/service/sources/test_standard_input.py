"""Signal from standard input, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from dlrsd.runtime.service.sources.sending import blocks_of
from dlrsd.runtime.service.sources.wire import encode

PROGRAM = """
import asyncio, json, sys, msgspec
from dlrsd.runtime.service.sources.standard_input import StandardInput

async def give(block):
    row = [block.samples.tolist(), block.sequence, block.missing_before]
    print(json.dumps(row), flush=True)

source = msgspec.convert(json.loads(sys.argv[1]), StandardInput)
told = []
asyncio.run(source.run(give, told.append))
print(json.dumps([[event.kind, event.text] for event in told]))
"""
SIGNAL = np.arange(1000, dtype="<i2").reshape(2, -1, order="F")
RAW = {"dtype": "s16le", "rate": 1000.0, "channels": 2}


def rows(stdin: bytes | IO[bytes] | int, facts: dict[str, Any]) -> list[Any]:
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps({"kind": "stdin", **facts})],
        capture_output=True, timeout=60, check=False, **given,  # type: ignore[call-overload]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("way", ["pipe", "file"])
def test_raw_samples_are_read_until_the_end(way: str, tmp_path: Path) -> None:
    data = SIGNAL.T.tobytes()[:-20] + b"x"  # the last block is shorter, the last frame broken
    if way == "pipe":
        *blocks, told = rows(data, RAW)
    else:
        (tmp_path / "signal.bin").write_bytes(data)
        with (tmp_path / "signal.bin").open("rb") as file:
            *blocks, told = rows(file, RAW)
    assert np.array_equal(np.concatenate([row[0] for row in blocks], axis=1), SIGNAL[:, :-5])
    assert [row[2] for row in blocks] == [None, 0, 0, 0, 0]
    assert told == [["stopped", "standard input has ended"]]


def test_samples_are_given_while_the_pipe_is_open() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps({"kind": "stdin", **RAW})],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(SIGNAL[:, :250].T.tobytes())
    process.stdin.flush()
    first = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert np.array_equal(np.concatenate([row[0] for row in first], axis=1), SIGNAL[:, :200])
    rest, _ = process.communicate(timeout=60)
    assert json.loads(rest.splitlines()[0])[0] == SIGNAL[:, 200:250].tolist()


def test_blocks_are_read_and_garbage_ends_it() -> None:
    data = b"".join(map(encode, blocks_of(SIGNAL, rate_hz=1000.0, size=100)))
    *blocks, told = rows(data + b"garbage" * 20, {"format": "blocks"})
    assert [row[1] for row in blocks] == [0, 1, 2, 3, 4]
    assert told[0][0] == "refused"
    assert "garb" in told[0][1]


def test_no_input_at_all_is_told() -> None:
    assert rows(subprocess.DEVNULL, RAW) == [[["stopped", "standard input has ended"]]]
