"""A diagnosis that was cut off goes on so that its output is that of an undisturbed one."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.diagnosis.diagnose import open_diagnosis
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.output import parquet as parquet_module
from dlrsd.runtime.output.writers import Existing, open_writer
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

pytest.importorskip("onnxruntime")
parquet = pytest.importorskip("pyarrow.parquet")
PROGRAM = [
    sys.executable,
    "-c",
    "from dlrsd.runtime.output import parquet; parquet.PART_WINDOWS = 4096;"
    "from dlrsd.runtime.cli.app import main; main()",
]
FORMATS = ("jsonl", "csv", "parquet")
Command = Callable[..., subprocess.CompletedProcess[str]]


def write_stream(path: Path, seconds: int, *, rate: int = 1000) -> None:
    """Every 10 s another level; some windows are flat."""
    rng = np.random.default_rng(3)
    level = np.repeat(np.resize([0.12, 1.2, 5.0], seconds // 10), 10 * rate)
    samples = rng.standard_normal(len(level)) * level
    samples[5 * rate : 6 * rate] = 0.5
    samples.astype("<f4").tofile(path)


def content(path: Path) -> Any:
    """All an output says but how long it took."""
    if path.suffix == ".parquet":
        record = timeless(json.loads((path / "_records.json").read_text()))
        return record, parquet.read_table(path)
    if path.suffix == ".csv":
        return timeless(json.loads(Path(f"{path}.json").read_text())), path.read_bytes()
    *lines, last = path.read_bytes().splitlines(keepends=True)
    return lines, timeless({"summary": json.loads(last)})


def names_in(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir()) if path.is_dir() else []


def size(path: Path) -> int:
    parts = path.glob("part-*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in parts if part.exists())


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    for name in ("elapsed_s", "times_real_time"):
        assert record["summary"].pop(name) >= 0
    return record


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    Path(f"{path}.json").unlink(missing_ok=True)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("kills", "length"), [(3, 2000), pytest.param(67, 20_000, marks=pytest.mark.slow)]
)
def test_after_kills_at_random_moments_all_is_as_if_undisturbed(
    suffix: str, kills: int, length: int, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    """`pytest -m slow -s -k random_moments` kills 67 times in each format, and says how far."""
    make_bundle()
    write_stream(tmp_path / "s.bin", length)
    options = ["s.bin", "--bundle", "bundle", "--threads", "1", "--output"]

    def start(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*PROGRAM, "diagnose", *options, name, "--resume"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    undisturbed, disturbed = tmp_path / f"whole.{suffix}", tmp_path / f"out.{suffix}"
    began = time.monotonic()
    assert start(undisturbed.name).wait() == 0
    seconds = time.monotonic() - began
    expected = content(undisturbed)
    rng = random.Random(suffix)
    killed = compared = 0
    of_this = 0  # kills of the output that is there; after eight it is let run to its end
    shares = []  # of the bytes of the whole that were there at each kill
    while killed < kills or disturbed.exists():
        process = start(disturbed.name)
        try:
            to_be_killed = killed < kills and of_this < 8
            wait = rng.uniform(0.2, 1.1) * seconds if to_be_killed else 120
            code: int | None = process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed, of_this, code = killed + 1, of_this + 1, None
            shares.append(size(disturbed) / size(undisturbed))
        assert process.stderr is not None
        said = process.stderr.read().decode()
        process.stderr.close()
        assert (code or 0, said) == (0, "")
        if code == 0:
            assert content(disturbed) == expected
            assert names_in(disturbed) == names_in(undisturbed)
            compared, of_this = compared + 1, 0
            remove(disturbed)
    inside = [share for share in shares if 0 < share < 1]
    print(
        f"{suffix}: {killed} kills, {len(inside)} of them inside the records (at "
        f"{min(inside, default=0):.4f} to {max(inside, default=0):.4f} of the bytes); {compared} "
        f"outputs compared with the undisturbed one of {length * 1000 // 32 - 1} windows"
    )
    assert compared >= 1


def diagnose(
    source: Path,
    output: Path,
    *,
    bundle: Path,
    existing: Existing | None,
    rate: float | None = None,
    batches: int | None = None,
) -> None:
    """As the command does without its display; interrupted after so many batches."""
    opened = load_bundle(bundle)
    with open_stream(source, StreamFormat(rate=rate), default=opened.signal) as stream:
        diagnosis = open_diagnosis(stream, opened, open_engine(opened, threads=1))
        writer = open_writer(output, opened.classes, existing=existing)
        try:
            writer.header(diagnosis.header)
            if writer.is_complete:
                return
            for batch in islice(diagnosis, batches):
                writer.windows(batch)
            writer.summary(diagnosis.summary(interrupted=batches is not None))
        finally:
            writer.close()


def cut_off(path: Path, share: float) -> None:
    """What a process leaves that is killed after so much of its work."""
    if path.suffix == ".jsonl":
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
        return
    beside = path / "_records.json" if path.suffix == ".parquet" else Path(f"{path}.json")
    record = json.loads(beside.read_text())
    beside.write_text(json.dumps(record | {"summary": None}))
    if path.suffix == ".csv":
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
        return
    parts = sorted(path.glob("part-*"))
    kept = int(share * len(parts))
    for part in parts[kept + 1 :]:
        part.unlink()
    table = parquet.read_table(parts[kept])
    parquet.write_table(table.slice(0, int(share * len(table))), parts[kept])


@pytest.fixture
def place(tmp_path: Path, make_bundle: Callable[..., Path]) -> Path:
    make_bundle()
    write_stream(tmp_path / "s.bin", 60)
    return tmp_path


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", ["plain", "resampled", "sequence"])
def test_every_kind_goes_on_from_anywhere(
    suffix: str,
    kind: str,
    place: Path,
    make_sequence: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet_module, "PART_WINDOWS", 100)
    source, bundle, rate = place / "s.bin", place / "bundle", None
    if kind == "resampled":
        pytest.importorskip("scipy")
        rate = 1700.0
    if kind == "sequence":
        bundle = make_sequence("sequence")
        source = place / "plant.csv"
        signal = np.random.default_rng(1).standard_normal((2, 4000)).round(3)
        signal[:, 300:420] = np.nan
        np.savetxt(source, signal.T, delimiter=",", header="S1,R1", comments="")
    whole = place / f"whole.{suffix}"
    diagnose(source, whole, bundle=bundle, existing=None, rate=rate)
    expected = content(whole)
    for share in np.random.default_rng(0).uniform(0.02, 0.999, 8):
        cut_off(whole, float(share))
        diagnose(source, whole, bundle=bundle, existing="resume", rate=rate)
        assert content(whole) == expected
    diagnose(source, whole, bundle=bundle, existing="resume", rate=rate)
    assert content(whole) == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_interrupted_one_goes_on_and_a_complete_one_is_left(
    suffix: str, place: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    name = f"out.{suffix}"
    run = {"bundle": Path("bundle"), "existing": None}
    diagnose(Path("s.bin"), Path(f"whole.{suffix}"), **run)
    expected = content(place / f"whole.{suffix}")
    diagnose(Path("s.bin"), Path(name), **run, batches=1)
    assert content(place / name)[0] != expected[0]
    first = command("diagnose", "s.bin", "--output", name, "--resume")
    assert first.returncode == 0, first.stderr
    assert content(place / name) == expected
    again = command("diagnose", "s.bin", "--output", name, "--resume")
    assert (again.returncode, again.stdout) == (0, f"{name} is complete: nothing is left to do\n")
    assert content(place / name) == expected


def files_of(output: Path) -> dict[Path, bytes]:
    every = [*output.parent.glob(f"{output.name}*"), *output.glob("*")]
    return {path: path.read_bytes() for path in every if path.is_file()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--hop", "16"], "hop is 16, and was 32 there"),
        (["--scale", "2"], "stream.scale is 2, and was 1 there"),
        (["--bundle", "other"], "bundle.manifest_sha256 is"),
        (["--start", "2026-01-01T00:00:00Z"], "start is "),
        (["copy.bin"], 'stream.source is "copy.bin", and was "s.bin" there'),
    ],
)
def test_another_diagnosis_is_refused(
    change: list[str],
    said: str,
    place: Path,
    make_bundle: Callable[..., Path],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place)
    make_bundle("other", change=lambda manifest: manifest["verdict"].update(hold=31))
    shutil.copy("s.bin", "copy.bin")
    output = Path("out.jsonl")
    diagnose(Path("s.bin"), output, bundle=Path("bundle"), existing=None)
    cut_off(output, 0.7)
    before = files_of(output)
    source = [] if change == ["copy.bin"] else ["s.bin"]
    done = command("diagnose", *source, *change, "--output", "out.jsonl", "--resume")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert files_of(output) == before


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: np.r_[x[:4063], x[4063:][::-1]], "window 125 of channel 0 came out otherwise"),
        (lambda x: x[:9600], "the recording ends before window "),
    ],
)
def test_a_recording_that_was_changed_is_refused(
    suffix: str, change: Callable[..., np.ndarray], said: str, place: Path
) -> None:
    output, run = place / f"out.{suffix}", {"bundle": place / "bundle"}
    diagnose(place / "s.bin", output, existing=None, **run)
    cut_off(output, 0.7)
    before = files_of(output)
    change(np.fromfile(place / "s.bin", "<f4")).tofile(place / "s.bin")
    with pytest.raises(InputError, match=said):
        diagnose(place / "s.bin", output, existing="resume", **run)
    assert files_of(output) == before


def test_the_three_ways_are_named_and_one_is_chosen(place: Path, command: Command) -> None:
    for suffix in FORMATS:
        output = place / f"out.{suffix}"
        diagnose(place / "s.bin", output, bundle=place / "bundle", existing=None)
        before = files_of(output)
        refused = command("diagnose", "s.bin", "--output", output.name)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"error: {output.name} is there already: ")
        for option in ("--append", "--resume", "--overwrite"):
            assert option in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert files_of(output) == before
    two = command("diagnose", "s.bin", "--output", "out.jsonl", "--append", "--resume")
    assert (two.returncode, two.stderr) == (
        2, "error: got --append and --resume: choose one of them\n",
    )  # fmt: skip
    bare = command("diagnose", "s.bin", "--append")
    assert "got --append without --output" in bare.stderr
    with (place / "s.bin").open("rb") as stream:
        live = command("diagnose", "-", "--output", "out.jsonl", "--resume", stdin=stream)
    assert live.returncode == 2
    assert "start a new segment with --append" in live.stderr
    assert command("diagnose", "s.bin", "--output", "-").returncode == 0


def test_a_segment_is_added_in_every_format(place: Path, command: Command) -> None:
    for suffix in FORMATS:
        name = f"out.{suffix}"
        for hop in ("32", "64"):
            done = command("diagnose", "s.bin", "--output", name, "--append", "--hop", hop)
            assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
    headers = [line for line in lines if line["type"] == "header"]
    summaries = [line for line in lines if line["type"] == "summary"]
    assert [header.get("segment", 0) for header in headers] == [0, 1]
    assert [header["hop"] for header in headers] == [32, 64]
    counts = [summary["windows"] for summary in summaries]
    assert counts == [1874, 938]
    segments = np.repeat([0, 1], counts).tolist()
    assert parquet.read_table(place / "out.parquet")["segment"].to_pylist() == segments
    rows = (place / "out.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == segments
    for beside in (place / "out.csv.json", place / "out.parquet" / "_records.json"):
        record = json.loads(beside.read_text())
        assert record["header"]["segment"] == 1
        assert [each["header"]["hop"] for each in record["earlier"]] == [32]
        assert [each["summary"]["windows"] for each in record["earlier"]] == counts[:1]
        assert record["summary"]["windows"] == counts[1]


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_last_segment_goes_on_and_those_before_stay(suffix: str, place: Path) -> None:
    path = place / f"out.{suffix}"
    for _ in range(2):
        diagnose(place / "s.bin", path, bundle=place / "bundle", existing="append")
    expected = content(path)
    cut_off(path, 0.8)
    diagnose(place / "s.bin", path, bundle=place / "bundle", existing="resume")
    assert content(path) == expected


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_other_columns_are_not_appended(
    suffix: str, place: Path, make_bundle: Callable[..., Path], command: Command
) -> None:
    name = f"out.{suffix}"
    assert command("diagnose", "s.bin", "--output", name).returncode == 0
    before = content(place / name)
    start = ("--start", "2026-01-01T00:00:00Z")
    done = command("diagnose", "s.bin", "--output", name, "--append", *start)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"error: cannot append to {name}, which has other columns: the start is a date with a zone "
        "here and not known (state it with --start) there; diagnose with what was given then, or"
    )
    make_bundle("other", change=lambda manifest: manifest.update(classes=["Calm", "Loud", "Odd"]))
    done = command("diagnose", "s.bin", "--bundle", "other", "--output", name, "--append")
    assert "the classes are Calm, Loud, Odd here and Quiet, Rough, Loud there;" in done.stderr
    assert content(place / name) == before


# What is in a file, and what is said of it; nothing of it is touched.
FOREIGN = [
    (b"notes of mine\n", "it does not begin with a header record"),
    (b'{"type": "header", "schema_version": 99}\n', "schema_version"),
    (b"\x80\x81\xff\n\n\n", "it does not begin with a header record"),
    (b"no end of line", "it does not begin with a header record"),
    (bytes(4096) + b"\n{}\n", "it does not begin with a header record"),
    (b'{"type": "header"\0\n{"type":"window"}\n', "it does not begin with a header record"),
]


@pytest.mark.parametrize(("data", "said"), FOREIGN)
@pytest.mark.parametrize("option", ["--append", "--resume"])
def test_what_no_diagnosis_wrote_is_left_as_it_is(
    data: bytes, said: str, option: str, place: Path, command: Command
) -> None:
    (place / "out.jsonl").write_bytes(data)
    done = command("diagnose", "s.bin", "--output", "out.jsonl", option)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert (place / "out.jsonl").read_bytes() == data


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_foreign_line_is_left_and_one_of_a_power_cut_is_mended(suffix: str, place: Path) -> None:
    path = place / f"out.{suffix}"
    run = {"bundle": place / "bundle"}
    diagnose(place / "s.bin", path, existing=None, **run)
    expected = content(path)
    cut_off(path, 0.9)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:500], b"a note\n", *lines[500:]]))
    before = path.read_bytes()
    with pytest.raises(InputError, match="no record at byte"):
        diagnose(place / "s.bin", path, existing="resume", **run)
    assert path.read_bytes() == before
    zeros = bytes(4096) + lines[600][7:]
    path.write_bytes(b"".join([*lines[:500], zeros, *lines[600:]]))
    before = path.read_bytes()
    with pytest.raises(InputError, match="go on with it by --resume"):
        diagnose(place / "s.bin", path, existing="append", **run)
    assert path.read_bytes() == before
    diagnose(place / "s.bin", path, existing="resume", **run)
    assert content(path) == expected


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_what_a_power_cut_left_behind_a_complete_one_is_cut(suffix: str, place: Path) -> None:
    path, run = place / f"out.{suffix}", {"bundle": place / "bundle"}
    diagnose(place / "s.bin", path, existing=None, **run)
    expected = content(path)
    with path.open("ab") as file:
        file.write(bytes(4096))
    diagnose(place / "s.bin", path, existing="resume", **run)
    assert content(path) == expected


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@pytest.mark.parametrize("at", [0, 20_000])
def test_damage_in_an_earlier_segment_is_never_mended_by_cutting(
    suffix: str, at: int, place: Path
) -> None:
    """What was recorded then cannot be diagnosed again."""
    path, run = place / f"out.{suffix}", {"bundle": place / "bundle"}
    for _ in range(2):
        diagnose(place / "s.bin", path, existing="append", **run)
    cut_off(path, 0.9)
    data = bytearray(path.read_bytes())
    data[at : at + 100] = bytes(100)
    path.write_bytes(data)
    for existing in ("append", "resume"):
        with pytest.raises(InputError, match=r"is damaged at byte|does not begin with a header"):
            diagnose(place / "s.bin", path, existing=existing, **run)
        assert path.read_bytes() == data


def test_a_part_that_a_power_cut_damaged_is_diagnosed_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_module, "PART_WINDOWS", 500)
    path = place / "out.parquet"
    run = {"bundle": place / "bundle"}
    source = place / "long.bin"  # of several parts
    source.write_bytes(4 * (place / "s.bin").read_bytes())
    diagnose(source, path, existing=None, **run)
    expected = content(path)
    cut_off(path, 0.99)
    last = sorted(path.glob("part-*"))[-1]
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(InputError, match="is damaged: go on with"):
        diagnose(source, path, existing="append", **run)
    diagnose(source, path, existing="resume", **run)
    assert content(path) == expected
    cut_off(path, 0.99)
    (path / "part-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"part-00001\.parquet is damaged"):
        diagnose(source, path, existing="resume", **run)


def test_an_empty_file_is_as_none_and_so_is_a_header_that_was_cut(
    place: Path, command: Command
) -> None:
    for option, data in (
        ([], b""),
        (["--append"], b""),
        (["--resume"], b'{"type": "header", "schema'),
        (["--append"], bytes(4096)),
        (["--overwrite"], b"anything"),
    ):
        (place / "out.jsonl").write_bytes(data)
        done = command("diagnose", "s.bin", "--output", "out.jsonl", *option)
        assert done.returncode == 0, done.stderr
        assert len((place / "out.jsonl").read_text().splitlines()) == 1876


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_summary_without_its_records_is_not_complete(suffix: str, place: Path) -> None:
    path, run = place / f"out.{suffix}", {"bundle": place / "bundle"}
    diagnose(place / "s.bin", path, existing=None, **run)
    expected = content(path)
    if suffix == "parquet":
        (path / "part-00000.parquet").unlink()
    else:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:900] + lines[-1:] * (suffix == "jsonl")))
    diagnose(place / "s.bin", path, existing="resume", **run)
    assert content(path) == expected


def test_what_lies_beside_is_never_replaced(place: Path, command: Command) -> None:
    (place / "out.csv.json").write_text('{"rate": 1000}')
    for option in ([], ["--overwrite"], ["--append"]):
        done = command("diagnose", "s.bin", "--output", "out.csv", *option)
        assert done.returncode == 2
        assert "out.csv.json is there without out.csv" in done.stderr
    assert not (place / "out.csv").exists()
    assert (place / "out.csv.json").read_text() == '{"rate": 1000}'
    (place / "out.parquet").mkdir()
    for name in ("part-x", ".part-00000.parquet", "part-00000.parquet.7.part"):
        (place / "out.parquet" / name).touch()
        done = command("diagnose", "s.bin", "--output", "out.parquet", "--overwrite")
        assert f"holds {name!r}, which no diagnosis wrote" in done.stderr
        (place / "out.parquet" / name).unlink()
    (place / "out.parquet" / ".part-00000.parquet.7.part").touch()
    assert command("diagnose", "s.bin", "--output", "out.parquet").returncode == 0
    with (place / "x.jsonl").open("w") as shown:
        done = command("diagnose", "s.bin", "--output", "x.jsonl", stdout=shown)
    assert done.stderr == "error: the output x.jsonl is standard output: say --output -\n"
