"""Files that appear in a folder, whole and half-written."""

from __future__ import annotations

import asyncio
import json
import os
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES
from dlrsd.runtime.service.sources.arrivals import Arrivals
from dlrsd.runtime.service.sources.folder import FolderSource
from dlrsd.runtime.service.sources.recording import Recording
from dlrsd.runtime.service.sources.taken import NAME
from dlrsd.runtime.streams.stream_format import StreamFormat
from tests.runtime.service.sources.collecting import Running, running

NOW = 1_768_464_000  # 2026-01-15T08:00:00Z


def write_npy(path: Path, first: int, *, changed: float | None = None) -> None:
    """500 samples at 1000 Hz: ``first``, and so on."""
    np.save(path, np.arange(first, first + 500, dtype="<f4"))
    if changed is not None:
        os.utime(path, (changed, changed))


def firsts(it: Running) -> list[int]:
    return [int(block.samples[0, 0]) for block in it.blocks]


def watched(folder: Path, scene: Callable[[Running], Awaitable[None]], **facts: Any) -> Running:
    async def main() -> Running:
        source = FolderSource(folder=str(folder), **{"settle_s": 0.3, "rate": 1000.0, **facts})
        async with running(source) as it:
            await scene(it)
        return it

    return asyncio.run(main())


def test_files_are_taken_once_and_by_time_of_change(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", 2000, changed=NOW + 2)
    write_npy(tmp_path / "b.npy", 1000, changed=NOW + 1)
    write_npy(tmp_path / "c.npy", 3000, changed=NOW + 3)

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 3)
        write_npy(tmp_path / "aa.npy", 4000)
        await it.until(lambda: len(it.blocks) == 4)
        await asyncio.sleep(0.8)

    it = watched(tmp_path, scene)
    assert firsts(it) == [1000, 2000, 3000, 4000]
    assert [block.time for block in it.blocks[:3]] == [NOW + 0.5, NOW + 1.5, NOW + 2.5]
    assert all(block.missing_before is None and block.sequence is None for block in it.blocks)
    assert it.blocks[0].samples.shape == (1, 500)
    assert not it.told


def test_what_was_taken_is_remembered_after_a_new_start(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", 1000, changed=NOW)

    def kept(name: str) -> bool:
        mark = f'"{name}",{(tmp_path / name).stat().st_size},{(tmp_path / name).stat().st_mtime_ns}'
        return (tmp_path / NAME).exists() and mark in (tmp_path / NAME).read_text("utf-8")

    def taking(name: str) -> list[int]:
        async def scene(it: Running) -> None:
            await it.until(lambda: len(it.blocks) == 1 and kept(name))

        return firsts(watched(tmp_path, scene))

    assert taking("a.npy") == [1000]
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'["half a li')  # as a power cut leaves it
    write_npy(tmp_path / "b.npy", 2000, changed=NOW + 1)
    assert taking("b.npy") == [2000]
    write_npy(tmp_path / "c.npy", 3000, changed=NOW + 2)
    assert taking("c.npy") == [3000]
    write_npy(tmp_path / "a.npy", 4000, changed=NOW + 3)  # another file of an old name
    assert taking("a.npy") == [4000]


def test_a_file_that_is_being_written_waits_until_it_is_whole(tmp_path: Path) -> None:
    write_npy(tmp_path / "whole.npy", 7000)
    data = (tmp_path / "whole.npy").read_bytes()
    (tmp_path / "whole.npy").unlink()

    async def scene(it: Running) -> None:
        with (tmp_path / "slow.npy").open("wb") as file:
            for start in range(0, len(data), 100):
                file.write(data[start : start + 100])
                file.flush()
                await asyncio.sleep(0.05)
                assert not it.given
        await it.until(lambda: len(it.blocks) == 1)

    it = watched(tmp_path, scene, settle_s=1.5)
    assert firsts(it) == [7000]
    assert it.blocks[0].samples.shape == (1, 500)
    assert not it.told


def test_a_file_that_is_renamed_into_the_folder_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_npy(tmp_path / "a.npy", 1000, changed=NOW)

    async def scene(it: Running) -> None:
        (tmp_path / "a.npy").rename(folder / "a.npy")
        await it.until(lambda: len(it.blocks) == 1)

    assert firsts(watched(folder, scene)) == [1000]


def test_what_cannot_be_read_is_told_once_until_it_changes(tmp_path: Path) -> None:
    write_npy(tmp_path / "good.npy", 1000, changed=NOW + 5)
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00 this is no header" * 10)
    (tmp_path / "notes.xyz").write_bytes(bytes(range(256)) * 16)
    (tmp_path / "empty.npy").touch()

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 1)
        await it.until(lambda: bool(it.told))
        await asyncio.sleep(0.8)
        write_npy(tmp_path / "bad.npy", 2000)
        await it.until(lambda: len(it.blocks) == 2)

    it = watched(tmp_path, scene)
    assert firsts(it) == [1000, 2000]
    assert {event.kind for event in it.told} == {"refused"}
    assert sum(event.count for event in it.told) == 2
    texts = " ".join(event.text for event in it.told)
    assert "'notes.xyz'" in texts
    assert "state their dtype" in texts
    assert all("\n" not in event.text for event in it.told)


def test_links_and_hidden_files_and_folders_are_not_read(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    write_npy(outside / "secret.npy", 1000)
    (folder / "link.npy").symlink_to(outside / "secret.npy")
    (folder / "sub").mkdir()
    write_npy(folder / "sub" / "below.npy", 2000)
    (folder / "linked").symlink_to(outside)
    write_npy(folder / ".hidden.npy", 3000)
    os.mkfifo(folder / "pipe.npy")
    write_npy(folder / "a.npy", 4000)

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 1)
        await asyncio.sleep(0.8)

    it = watched(folder, scene)
    assert firsts(it) == [4000]
    assert [event.kind for event in it.told] == ["refused"]
    assert "which is not followed" in it.told[0].text


def test_a_pattern_leaves_out_the_others(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", 1000)
    (tmp_path / "a.txt").write_text("no signal", "utf-8")

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 1)

    it = watched(tmp_path, scene, pattern="*.npy")
    assert not it.told


def test_a_sidecar_states_when_it_began_and_recordings_that_follow_have_no_gap(
    tmp_path: Path,
) -> None:
    for index in range(3):
        name = tmp_path / f"{index}.bin"
        (np.arange(500, dtype="<i2") + 500 * index).tofile(name)
        start = f"2026-01-15T08:00:0{index * 0.5:.1f}Z" if index < 2 else "2026-01-15T08:00:09Z"
        facts = {"start": start, "dtype": "s16le", "rate": 1000}
        name.with_name(f"{name.name}.json").write_text(json.dumps(facts), "utf-8")
        os.utime(name, (NOW + index, NOW + index))

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 3)

    it = watched(tmp_path, scene, rate=None)
    assert [block.time for block in it.blocks] == [NOW, NOW + 0.5, NOW + 9]
    told: list[Any] = []
    arrivals = Arrivals(told.append)
    placed = [each for block in it.blocks for each in arrivals.push(block)]
    assert [each.gap_before for each in placed] == [0, 0, 8000]


def test_a_file_of_another_unit_is_converted(tmp_path: Path) -> None:
    np.full(500, 9.80665, "<f4").tofile(tmp_path / "a.bin")
    facts = {"unit": "m/s2", "dtype": "f32le"}
    (tmp_path / "a.bin.json").write_text(json.dumps(facts), "utf-8")

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 1)

    it = watched(tmp_path, scene, unit="g")
    assert np.allclose(it.blocks[0].samples, 1.0)


def test_a_wav_file_of_two_channels_is_read_in_pieces(tmp_path: Path) -> None:
    signal = np.arange(2 * 200_000, dtype="<i4").astype("<i2").reshape(-1, 2)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(25600)
        file.writeframes(signal.tobytes())

    async def scene(it: Running) -> None:
        await it.until(lambda: sum(b.samples.shape[1] for b in it.blocks) == 200_000)

    it = watched(tmp_path, scene, rate=None)
    assert len(it.blocks) > 1
    assert [block.missing_before for block in it.blocks] == [None] + [0] * (len(it.blocks) - 1)
    samples = np.concatenate([block.samples for block in it.blocks], axis=1)
    assert np.array_equal(np.round(samples * 2**15), signal.T)
    ends = [b.time + b.samples.shape[1] / b.rate_hz for b in it.blocks if b.time is not None]
    assert [block.time for block in it.blocks[1:]] == ends[:-1]


def test_no_block_is_larger_than_what_may_be(tmp_path: Path) -> None:
    np.zeros((65536, 300), "<f4").tofile(tmp_path / "a.bin")
    fmt = StreamFormat(dtype="f32le", rate=1000.0, channels=300)
    recording = Recording(tmp_path / "a.bin", fmt, "g", float(NOW))
    samples = 0
    while (block := recording.next_block(None)) is not None:
        assert block.samples.nbytes <= MOST_BLOCK_BYTES
        samples += block.samples.shape[1]
    assert samples == 65536
    assert not recording.refused


def test_a_folder_that_is_not_there_yet_is_told_and_read_when_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "later"

    async def scene(it: Running) -> None:
        await it.until(lambda: bool(it.told))
        folder.mkdir()
        write_npy(folder / "a.npy", 1000)
        await it.until(lambda: len(it.blocks) == 1)

    it = watched(folder, scene)
    assert it.kinds()[:2] == ["silent", "back"]
    assert "No such file" in it.told[0].text


def test_files_are_read_where_nothing_can_be_remembered(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", 1000)
    (tmp_path / NAME).mkdir()

    async def scene(it: Running) -> None:
        await it.until(lambda: len(it.blocks) == 1)
        await asyncio.sleep(0.8)

    it = watched(tmp_path, scene)
    assert firsts(it) == [1000]
    assert set(it.kinds()) == {"disk"}


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"settle_s": 0}, "settle_s"), ({"folder": ""}, "folder"), ({"rate": -1}, "rate"),
     ({"watch": True}, "watch"), ({"dtype": "u8"}, "dtype")],
)  # fmt: skip
def test_facts_that_cannot_be_are_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({"kind": "folder", "folder": "in", **facts}, FolderSource)
