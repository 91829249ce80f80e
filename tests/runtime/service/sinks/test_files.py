"""Files of messages: whole lines after a kill, rotation by size and age, Parquet of full ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.sinks.files import FilesConfig, Jsonl
from dlrsd.runtime.service.sinks.parquet import Parquet, convert
from dlrsd.runtime.service.sinks.payload import (
    Message,
    encoded,
    of_change,
    of_event,
    of_machine,
    of_minute,
)
from tests.runtime.service.sinks.made import (
    LEVELS,
    ODD,
    a_change,
    a_machine,
    a_minute,
    an_event,
    run,
)


def lines(folder: Path) -> list[str]:
    return [
        line
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines(keepends=True)
    ]


async def put(config: FilesConfig, *batches: list[Message]) -> None:
    sink = config.sink()
    await sink.open()
    for batch in batches:
        await sink.send(batch)
    await sink.close()


def event(number: int) -> Message:
    return of_event(an_event(f"number {number:06d}"))


def test_lines_are_messages_and_the_next_start_goes_on(tmp_path: Path) -> None:
    config = Jsonl(name="log", folder=str(tmp_path / "a" / "log"))
    sent = [of_change(a_change(machine=ODD)), of_minute(a_minute()), event(1)]
    run(put(config, sent[:2]))
    run(put(config, sent[2:]))
    found = lines(tmp_path / "a" / "log")
    assert [msgspec.json.decode(line, type=Message) for line in found] == sent
    assert len(list((tmp_path / "a" / "log").iterdir())) == 1


def test_a_large_file_is_left_for_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    config = Jsonl(name="log", folder=str(tmp_path), rotate_mb=0.001, keep=4)
    (tmp_path / "notes.txt").write_text("mine")
    run(put(config, *[[event(number)] for number in range(60)]))
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("*.jsonl"))]
    assert len(sizes) in (4, 5)
    assert max(sizes) <= 1000
    assert min(sizes[:-1]) > 600
    texts = [json.loads(line)["text"] for line in lines(tmp_path)]
    assert texts == sorted(texts)
    assert texts[-1] == "number 000059"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_old_file_is_left_for_the_next(tmp_path: Path) -> None:
    old = datetime.fromtimestamp(time.time() - 7200, timezone.utc)
    path = tmp_path / f"messages-{old:%Y%m%dT%H%M%SZ}.jsonl"
    for hours, count in ((3.0, 1), (1.0, 2)):
        run(put(Jsonl(name="log", folder=str(tmp_path), rotate_hours=hours), [event(1)]))
        assert len(list(tmp_path.glob("*.jsonl"))) == count
        if count == 1:
            next(tmp_path.glob("*.jsonl")).rename(path)


def test_a_clock_that_was_set_back_keeps_files_in_order(tmp_path: Path) -> None:
    first = tmp_path / "messages-29990101T000000Z.jsonl"
    first.write_bytes(encoded(event(0)) + b"\n")
    config = Jsonl(name="log", folder=str(tmp_path), rotate_mb=0.001)
    run(put(config, *[[event(number)] for number in range(1, 10)]))
    run(put(config, *[[event(number)] for number in range(10, 16)]))
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [
        f"messages-29990101T00000{second}Z.jsonl" for second in range(len(files))
    ]
    assert 3 <= len(files) <= 4
    texts = [json.loads(line)["text"] for line in lines(tmp_path)]
    assert texts == [f"number {number:06d}" for number in range(16)]


@pytest.mark.parametrize("tail", [b'{"type":"ev', b"\0" * 4096, b"\xff"])
def test_what_a_kill_or_a_power_cut_left_of_a_line_is_cut(tail: bytes, tmp_path: Path) -> None:
    config = Jsonl(name="log", folder=str(tmp_path))
    run(put(config, [event(1)]))
    with next(tmp_path.iterdir()).open("ab") as file:
        file.write(tail)
    run(put(config, [event(2)]))
    assert [json.loads(line)["text"] for line in lines(tmp_path)] == [
        "number 000001", "number 000002",
    ]  # fmt: skip


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    config = Jsonl(name="log", folder=str(tmp_path))

    async def work() -> None:
        sink = config.sink()
        await sink.open()
        await sink.send([event(1)])
        with pytest.raises(InputError, match="another process"):
            await config.sink().open()
        await sink.close()

    run(work())


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x")
    with pytest.raises(InputError, match="no folder"):
        run(put(Jsonl(name="log", folder=str(tmp_path / "log")), [event(1)]))


def test_what_is_damaged_or_not_ours_is_left_and_holds_up_nothing(tmp_path: Path) -> None:
    line = encoded(event(1)) + b"\n"
    damaged = tmp_path / "messages-20260101T000000Z.jsonl"
    damaged.write_bytes(line + b"\0" * 50 + b"\n" + line)
    strange = tmp_path / "messages-20269999T000000Z.jsonl"
    strange.write_bytes(b"x")
    run(put(Jsonl(name="log", folder=str(tmp_path)), [event(2)]))
    assert damaged.read_bytes() == line + b"\0" * 50 + b"\n" + line
    assert strange.read_bytes() == b"x"
    (new,) = set(tmp_path.iterdir()) - {damaged, strange}
    assert json.loads(new.read_text())["text"] == "number 000002"


def test_a_full_disk_leaves_whole_lines_and_is_raised(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    program = (
        "import asyncio, sys\n"
        "from tests.runtime.service.sinks.test_files import Jsonl, event, put\n"
        "config = Jsonl(name='log', folder=sys.argv[1])\n"
        "asyncio.run(put(config, *[[event(n)] for n in range(100)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())}, preexec_fn=limit, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "DlrsdError: cannot write" in done.stderr
    found = lines(tmp_path)
    assert len(found) > 5
    assert all(json.loads(line) for line in found)


def test_what_is_full_becomes_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    config = Parquet(name="rows", folder=str(tmp_path), rotate_mb=0.002)
    sent: list[Message] = [
        of_change(a_change(machine=ODD)), of_minute(a_minute()), event(3),
        of_machine(a_machine(), time=1_769_860_801.0),
    ]  # fmt: skip
    run(put(config, *[[each] for each in sent * 4]))
    rows: list[dict[str, Any]] = []
    for path in sorted(tmp_path.glob("*.parquet")):
        rows += parquet.read_table(path).to_pylist()
    rest = [msgspec.json.decode(line, type=Message) for line in lines(tmp_path)]
    whole = [msgspec.json.decode(row["message"], type=Message) for row in rows]
    assert whole + rest == sent * 4
    assert len(whole) >= 8
    assert [row["type"] for row in rows[:4]] == ["alarm", "minute", "event", "state"]
    assert rows[0]["machine"] == ODD
    assert (rows[0]["value"], rows[0]["limit"], rows[0]["id"]) == (5.1, 4.5, "c1")
    assert rows[0]["time"] == datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=timezone.utc)
    assert rows[1]["velocity_mm_s"] == LEVELS.velocity_mm_s
    assert rows[1]["zone"] == "B"
    assert rows[2]["count"] == 12
    assert rows[2]["velocity_mm_s"] is None


def test_a_file_left_by_a_kill_between_becomes_parquet_at_the_next_start(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    line = encoded(event(1)) + b"\n"
    for day in (1, 2, 3):
        (tmp_path / f"messages-2026010{day}T000000Z.jsonl").write_bytes(line + b"no message\n")
    (tmp_path / ".messages-20260101T000000Z.parquet.999999999.part").write_bytes(b"half")
    run(put(Parquet(name="rows", folder=str(tmp_path), rotate_hours=8784), [event(2)]))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "messages-20260101T000000Z.parquet", "messages-20260102T000000Z.parquet",
        "messages-20260103T000000Z.jsonl",
    ]  # fmt: skip
    assert parquet.read_table(tmp_path / names[0]).num_rows == 1
    assert len(lines(tmp_path)) == 3


def test_many_rows_come_in_order(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"".join(encoded(event(number)) + b"\n" for number in range(25_000)))
    convert(path, tmp_path / "m.parquet")
    file = parquet.ParquetFile(tmp_path / "m.parquet")
    assert file.metadata.num_row_groups == 3
    texts = file.read(["text"])["text"].to_pylist()
    assert texts == [f"number {number:06d}" for number in range(25_000)]
