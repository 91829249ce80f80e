"""Record files read back: JSONL, CSV and Parquet say the same, and stay readable."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.bundle.parts import Novelty, VerdictRule
from dlrsd.runtime.diagnosis.records import BundleName, Header, Summary, WindowBatch
from dlrsd.runtime.output import parquet as parquet_module
from dlrsd.runtime.output import writers
from dlrsd.runtime.output.rows import RowFormat
from dlrsd.runtime.output.writers import Existing, open_writer

CLASSES = ("plain", 'odd "100 %", name')
HEADER = Header(
    schema_version=1,
    dlrsd_version="0",
    bundle=BundleName("tiny", "2026-01-01T00:00:00Z", "0" * 64),
    engine="test",
    engine_version="0",
    device="cpu",
    precision="fp32",
    classes=list(CLASSES),
    normal_class=None,
    rate_hz=12000.0,
    unit="g",
    channels=1,
    channels_per_window=1,
    window=1024,
    hop=512,
    start=None,
    stream={"source": "-"},
    novelty=Novelty(threshold=1.0, quantile=0.99),
    quality={},
    verdict=VerdictRule(last=3, hold=2),
)
SUMMARY = Summary(
    windows=8,
    records=8,
    skipped_windows=0,
    quality={"ok": 8},
    labels=[{"channel": 0, CLASSES[0]: 8}],
    verdicts=[],
    signal_s=1.0,
    elapsed_s=0.5,
    times_real_time=2.0,
    trailing_bytes=0,
    warnings=[],
    interrupted=False,
)


def make_batch(*, first: int = 0, dated: bool = False) -> WindowBatch:
    rng = np.random.default_rng(first)
    share = rng.random(4).astype(np.float32)
    probabilities = np.stack([share, 1 - share], axis=1)
    probabilities[2] = np.nan
    time_s = (first + np.arange(4)) * 512 / 12000
    start = np.datetime64("2026-05-01T10:00:00", "us")
    return WindowBatch(
        classes=CLASSES,
        window=first + np.arange(4),
        channel=np.zeros(4, np.int64),
        time_s=time_s,
        time=start + np.round(time_s * 1e6).astype("timedelta64[us]") if dated else None,
        utc=dated,
        label=np.where(np.isnan(share * probabilities[:, 0]), -1, probabilities.argmax(axis=1)),
        probabilities=probabilities,
        novelty=np.array([0.5, 1.5, np.nan, 0.25], np.float32),
        quality=np.array([0, 0, 2, 0], np.uint8),
    )


def write(path: Path | str, *, dated: bool = False, existing: Existing | None = None) -> None:
    writer = open_writer(path, CLASSES, existing=existing)
    writer.header(structs.replace(HEADER, start="2026-05-01T10:00:00") if dated else HEADER)
    writer.windows(make_batch(dated=dated))
    writer.windows(make_batch(first=4, dated=dated))
    writer.summary(SUMMARY)
    writer.close()


def records_of(*, dated: bool) -> list[dict[str, Any]]:
    """What `write` writes, as a JSONL file has it."""
    batches = [make_batch(dated=dated), make_batch(first=4, dated=dated)]
    return [msgspec.to_builtins(record) for batch in batches for record in batch.records()]


def test_what_is_not_sure_enough_has_no_label_in_any_format(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    batch = structs.replace(make_batch(), unsure=np.array([False, True, False, True]))
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        writer = open_writer(tmp_path / name, CLASSES)
        writer.header(HEADER)
        writer.windows(make_batch(first=4))
        writer.windows(batch.after(1))
        writer.summary(SUMMARY)
        writer.close()
    records = [msgspec.to_builtins(record) for record in batch.after(1).records()]
    assert [record["label"] for record in records] == [None] * 3
    assert [record.get("reason") for record in records] == ["unsure", None, "unsure"]
    _, *lines, _ = [json.loads(line) for line in (tmp_path / "out.jsonl").open()]
    assert lines[4:] == records
    assert [line["label"] is None for line in lines[:4]] == [False, False, True, False]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows[4:]] == [""] * 3
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["label"] for row in table[4:]] == [None] * 3
    for record, row, columns in zip(records, rows[4:], table[4:], strict=True):
        share = record["probability"]
        assert (float(row["probability"]) if row["probability"] else None) == share
        assert columns["probability"] == (
            share if share is None else pytest.approx(share, abs=1e-6)
        )


@pytest.mark.parametrize("dated", [False, True])
def test_jsonl_lines_are_the_records(dated: bool, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    write(path, dated=dated)
    header, *windows, summary = [json.loads(line) for line in path.read_text().splitlines()]
    assert header["type"] == "header"
    assert summary == msgspec.to_builtins(SUMMARY)
    records = records_of(dated=dated)
    assert windows == records
    assert windows[2]["label"] is None
    assert windows[2]["quality"] == "clipped"
    expected = make_batch().probabilities[1]
    assert windows[1]["label"] == CLASSES[expected.argmax()]
    assert windows[1]["probability"] == pytest.approx(expected.max(), abs=1e-6)
    assert list(windows[1]["probabilities"].values()) == pytest.approx(expected, abs=1e-6)
    assert windows[1].get("time") == ("2026-05-01T10:00:00.042667Z" if dated else None)


def test_shares_are_written_as_python_writes_them() -> None:
    rng = np.random.default_rng(5)
    ties = np.arange(1, 64) / 64  # six decimals are those of 1 / 64, and a tie for some of the rest
    values = [rng.random(5000), 10 ** rng.uniform(-9, 0, 5000), ties, ties / 2, [0, 1, 1e-40, 5e-7]]
    first = np.concatenate(values).astype(np.float32)
    shares = np.stack([first, np.nextafter(np.float32(1), np.float32(0)) - first], axis=1).clip(0)
    n = len(shares)
    batch = WindowBatch(
        classes=CLASSES,
        window=np.arange(n),
        channel=np.zeros(n, np.int64),
        time_s=np.zeros(n),
        time=None,
        utc=False,
        label=shares.argmax(axis=1),
        probabilities=shares,
        novelty=np.zeros(n, np.float32),
        quality=np.zeros(n, np.uint8),
    )
    form = RowFormat(fit="%d%d%.6f%s%s %s %.6f%s\n", unfit="", labels="ab", before=["", " ", " "])
    lines = form.lines(batch, [""] * n).decode().splitlines()
    written = [line.split()[1:4] for line in lines]
    assert written == [
        [f"{max(row):.6f}", *(f"{share:.6f}" for share in row)] for row in shares.tolist()
    ]


@pytest.mark.parametrize("dated", [False, True])
def test_csv_says_the_same(dated: bool, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, dated=dated)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = records_of(dated=dated)
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        assert row["label"] == (record["label"] or "")
        assert row["quality"] == record["quality"]
        assert row.get("time") == record.get("time")
        if record["label"] is None:
            assert row[f"p_{CLASSES[1]}"] == row["probability"] == row["novelty"] == ""
        else:
            assert float(row[f"p_{CLASSES[1]}"]) == record["probabilities"][CLASSES[1]]
            assert float(row["novelty"]) == record["novelty"]
    beside = json.loads((tmp_path / "out.csv.json").read_text())
    assert beside["summary"] == msgspec.to_builtins(SUMMARY)


@pytest.mark.parametrize("dated", [False, True])
def test_parquet_says_the_same(dated: bool, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    write(path, dated=dated)
    rows = parquet.read_table(path).to_pylist()
    records = records_of(dated=dated)
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        for name in ("window", "channel", "label", "quality"):
            assert row[name] == record[name]
        assert row["novelty"] == record["novelty"]
        assert row["probability"] == pytest.approx(record["probability"], abs=1e-6)
        if dated:
            assert row["time"].strftime("%Y-%m-%dT%H:%M:%S.%fZ") == record["time"]
    assert json.loads((path / "_records.json").read_text())["summary"] == (
        msgspec.to_builtins(SUMMARY)
    )


def test_parquet_parts_are_readable_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet_module, "PART_WINDOWS", 8)
    path = tmp_path / "out.parquet"
    writer = open_writer(path, CLASSES)
    writer.header(HEADER)
    for first in range(0, 20, 4):
        writer.windows(make_batch(first=first))
    assert parquet.read_table(path)["window"].to_pylist() == list(range(16))
    writer.close()
    assert parquet.read_table(path)["window"].to_pylist() == list(range(20))
    write(path, existing="overwrite")
    assert parquet.read_table(path)["window"].to_pylist() == list(range(8))
    (path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds 'notes\.txt', which no diagnosis wrote"):
        open_writer(path, CLASSES, existing="overwrite")


def test_every_batch_is_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    writer = open_writer(path, CLASSES)
    writer.header(HEADER)
    writer.windows(make_batch())
    assert len(path.read_text().splitlines()) == 5
    writer.close()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.txt", "expected a name that ends in .jsonl, .csv, .parquet"),
        ("out", "expected a name that ends in"),
        ("nowhere/out.jsonl", "there is no folder"),
        ("folder.jsonl", "it is a folder"),
    ],
)
def test_a_place_that_takes_no_records_is_refused(
    output: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(InputError, match=message):
        open_writer(tmp_path / output, CLASSES)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_device_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").symlink_to("/dev/full")
    writer = open_writer(tmp_path / "out.jsonl", CLASSES)
    with pytest.raises(DlrsdError, match="No space left on device"):
        writer.header(HEADER)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size; Python ignores the signal that says so."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_disk_that_fills_up_leaves_whole_records(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on file size stands in for the full disk: the write is cut in the middle too."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    # Parts of a Parquet folder are small files: there the limit falls after five of them.
    limit, limited_from = (500, 2000) if suffix == "parquet" else (100_003, 0)
    monkeypatch.setattr(parquet_module, "PART_WINDOWS", 400)
    writer = open_writer(tmp_path / f"out.{suffix}", CLASSES)
    writer.header(HEADER)
    batches = iter(range(0, 20_000, 4))
    for first in batches:
        writer.windows(make_batch(first=first))
        if first + 4 >= limited_from:
            break

    def write_the_rest() -> None:
        for first in batches:
            writer.windows(make_batch(first=first))

    with at_most(limit), pytest.raises(DlrsdError, match="File too large"):
        write_the_rest()
    path = tmp_path / f"out.{suffix}"
    if suffix == "parquet":
        import pyarrow.parquet as parquet

        def windows() -> list[int]:
            return parquet.read_table(path)["window"].to_pylist()

        assert windows() == list(range(2000))
        writer.close()  # the disk has room again: what it refused is not lost
        assert windows() == list(range(2400))
        return
    writer.close()
    text = path.read_text()
    assert text.endswith("\n")
    assert limit - 300 < len(text) <= limit
    rows: list[Any]
    if suffix == "jsonl":
        rows = [json.loads(line)["window"] for line in text.splitlines()[1:]]
    else:
        rows = [int(row["window"]) for row in csv.DictReader(text.splitlines())]
    assert rows == list(range(len(rows)))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_the_disk_is_waited_for_once_for_what_was_written(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    synced: list[str] = []

    def fsync(fd: int, real: Callable[[int], None] = os.fsync) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(writers, "FLUSH_SECONDS", 0.05)
    path = tmp_path / f"out.{suffix}"
    name = f".part-00000.parquet.{os.getpid()}.part" if suffix == "parquet" else path.name
    writer = open_writer(path, CLASSES)
    writer.header(HEADER)
    for first in (0, 4):
        time.sleep(0.2)
        synced.clear()
        writer.windows(make_batch(first=first))
        until = time.monotonic() + 10
        while name not in synced:
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.2)
        assert synced.count(name) == 1
    synced.clear()
    writer.summary(SUMMARY)
    writer.close()
    beside = {"jsonl": [], "csv": ["out.csv.json"], "parquet": ["_records.json"]}[suffix]
    lines = [path.name] if suffix == "jsonl" else []
    assert {*lines, *(f".{each}.{os.getpid()}.part" for each in beside)} <= set(synced)
