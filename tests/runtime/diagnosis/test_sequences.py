"""Sequence diagnoses of tables with holes against the tiny graph's arithmetic in a NumPy loop."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.diagnosis.records import Record
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

pytest.importorskip("onnxruntime")
pytest.importorskip("pyarrow")
Command = Callable[..., subprocess.CompletedProcess[str]]
CLASSES = ["Quiet", "Rough", "Loud"]
WINDOW, HOLD = 8, 3
NO_DIAGNOSIS = dict.fromkeys(("label", "probability", "probabilities", "novelty"))
START = np.datetime64("2010-10-28T22:15:00", "s")


def plant(samples: int, *, missing: float = 0.2) -> np.ndarray:
    """S1 and R1 of a plant that drifts, with a share of its samples missing."""
    rng = np.random.default_rng(0)
    signal = 0.3 * rng.standard_normal((2, samples)).cumsum(axis=1)
    signal[rng.random(signal.shape) < missing] = np.nan
    return signal


def by_hand(
    signal: np.ndarray, *, hop: int = WINDOW, hold: int = HOLD, new_at: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Records of a signal (2, samples); the state begins anew at the windows ``new_at``."""
    filled = signal.astype(np.float32).astype(float)
    for channel, at in np.argwhere(np.isnan(signal)):
        recent = signal[channel, max(0, at - hold) : at]
        if np.isfinite(recent).any():
            filled[channel, at] = recent[np.isfinite(recent)][-1]
    level, means, records = 0.0, np.zeros(2), []
    for index, start in enumerate(range(0, signal.shape[1], hop)):
        measured = np.isfinite(signal[:, start : start + WINDOW])
        record = {"window": index, "missing": 1 - measured.sum() / (2 * WINDOW)}
        if index in new_at:
            level, means = 0.0, np.zeros(2)
        if start + WINDOW <= signal.shape[1]:
            window = filled[:, start : start + WINDOW]
            mean = np.where(np.isnan(window), [[0.5], [-1.0]], window).mean(axis=1)
            level, means = level / 2 + mean[0] - mean[1] / 2, means / 4 + mean
            scores = [
                0.5 - 0.3 * means[0] + 0.4 * means[1],
                level + 0.2 * means[0],
                -level + 0.1 * means[0] - 0.4 * means[1],
            ]
            weights = np.exp(np.array(scores) - max(scores))
            if measured.any():
                record |= {"probabilities": weights / weights.sum(), "novelty": abs(level) / 8}
        records.append(record)
        if start + WINDOW >= signal.shape[1]:
            return records
    return records


def write_csv(
    path: Path,
    signal: np.ndarray,
    *,
    header: str | None = "time,S1,R1",
    null: Sequence[str] = ("",),
    times: np.ndarray | None = None,
    order: Sequence[int] = (0, 1),
    more: Sequence[str] = (),
) -> Path:
    """Rows of time, the channels in ``order``, and ``more`` values that are the same in each."""
    if times is None:
        times = START + 900 * np.arange(signal.shape[1])
    lines = [] if header is None else [header]
    for row, (time, values) in enumerate(zip(times, signal[list(order)].T, strict=True)):
        cells = [null[row % len(null)] if np.isnan(v) else repr(float(v)) for v in values]
        lines.append(",".join([str(time).replace("T", " "), *cells, *more]))
    path.write_text("\n".join(lines) + "\n")
    return path


def run(folder: Path, source: Path, **stated: Any) -> list[dict[str, Any]]:
    bundle = load_bundle(folder)
    with open_stream(source, StreamFormat(**stated), default=bundle.signal) as stream:
        return lines(diagnose(stream, bundle, open_engine(bundle)))


def lines(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as a JSONL file has them."""
    return [json.loads(json_text(record)) for record in records]


def assert_same(records: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> None:
    assert [record["window"] for record in records] == [each["window"] for each in expected]
    for record, each in zip(records, expected, strict=True):
        assert record["missing"] == pytest.approx(each["missing"], abs=1e-6)
        if "probabilities" not in each:
            assert record["quality"] == "gap"
            assert record | NO_DIAGNOSIS == record
            continue
        assert record["quality"] == "ok"
        got = list(record["probabilities"].values())
        np.testing.assert_allclose(got, each["probabilities"], atol=2e-5)
        assert record["novelty"] == pytest.approx(each["novelty"], abs=2e-5)
        assert record["label"] == CLASSES[each["probabilities"].argmax()]


@pytest.mark.parametrize("hop", [8, 3, 1, 11])
def test_every_step_goes_on_from_the_state_before(
    hop: int, make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(700)
    source = write_csv(tmp_path / "plant.csv", signal, null=("", r"\N", "NaN", "NULL", r" \N"))
    header, *steps, summary = run(make_sequence(hop=hop), source)
    expected = by_hand(signal, hop=hop)
    assert_same(steps, expected)
    assert len({each["probabilities"].argmax() for each in expected[:-1]}) == 3
    assert header["kind"] == "sequence"
    assert header["stream"]["warnings"] == []
    assert summary["missing_samples"] == np.isnan(signal).sum()
    assert summary["samples"] == signal.size
    assert summary["windows"] == len(expected)
    assert summary["signal_s"] == 700 * 900
    assert [step["time_s"] for step in steps] == [900.0 * hop * i for i in range(len(steps))]
    assert steps[1]["time"] == f"{START + 900 * hop}.000000"


@pytest.mark.parametrize("size", [1, 5, 64])
def test_raw_samples_in_pieces_are_as_the_whole(
    size: int, make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(210, missing=0.5)
    source = tmp_path / "plant.bin"
    np.ascontiguousarray(signal.T).astype("<f4").tofile(source)
    bundle = load_bundle(make_sequence(hop=2))
    with open_stream(source, default=bundle.signal) as stream:
        whole = next(stream.chunks)
        stream.chunks = (
            type(whole)(whole.samples[:, at : at + size]) for at in range(0, 210, size)
        )
        _, *steps, _ = lines(diagnose(stream, bundle, open_engine(bundle)))
    assert_same(steps, by_hand(signal, hop=2))


def test_what_the_clock_lost_is_missing_like_any_other_sample(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(300)
    kept = np.ones(300, bool)
    for begin, end in [(20, 22), (90, 130), (200, 205)]:
        kept[begin:end] = False
    signal[:, ~kept] = np.nan
    jitter = np.random.default_rng(1).integers(-150, 150, 300)
    times = START + 900 * np.arange(300) + jitter
    source = write_csv(tmp_path / "plant.csv", signal[:, kept], times=times[kept])
    _, *steps, summary = run(make_sequence(hop=5), source)
    expected = by_hand(signal, hop=5)
    assert_same(steps, expected)
    assert sum("novelty" not in each for each in expected) > 2
    assert summary["missing_samples"] == np.isnan(signal).sum()
    assert summary["skipped_windows"] == 0


@pytest.mark.parametrize("hold", [0, 3, 20])
def test_a_gap_longer_than_is_filled_begins_the_state_anew(
    hold: int, make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    begin, end = 101, 101 + 64 * WINDOW + 50
    signal = plant(end + 60)
    signal[:, begin:end] = np.nan
    signal[:, begin - 1] = 5, -5  # is held beyond the gap's beginning
    kept = np.r_[:begin, end : signal.shape[1]]
    times = START + 900 * kept
    source = write_csv(tmp_path / "plant.csv", signal[:, kept], times=times)
    _, *steps, summary = run(make_sequence(hop=4, hold=hold), source)
    starts = range(0, signal.shape[1], 4)
    is_skipped = [begin + hold <= start and start + WINDOW <= end for start in starts]
    first = is_skipped.index(False, is_skipped.index(True))
    expected = by_hand(signal, hop=4, hold=hold, new_at=[first])
    assert_same(steps, [each for each in expected if not is_skipped[each["window"]]])
    assert summary["skipped_windows"] == sum(is_skipped) > 100
    assert summary["missing_samples"] == np.isnan(signal).sum()
    # Where the state goes on instead, another diagnosis follows.
    goes_on = by_hand(signal, hop=4, hold=hold)[first]["probabilities"]
    assert abs(goes_on - expected[first]["probabilities"]).max() > 1e-3


def test_a_gap_just_short_enough_to_fill_keeps_the_state(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    begin, end = 101, 101 + 64 * WINDOW + HOLD
    signal = plant(end + 60)
    signal[:, begin:end] = np.nan
    kept = np.r_[:begin, end : signal.shape[1]]
    source = write_csv(tmp_path / "plant.csv", signal[:, kept], times=START + 900 * kept)
    _, *steps, summary = run(make_sequence(), source)
    assert_same(steps, by_hand(signal))
    assert summary["skipped_windows"] == 0


def test_only_a_window_without_any_sample_is_unfit(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(200)
    signal[:, 34:60] = np.nan  # and what is held of it is no sample either
    signal[0, 80:140] = np.nan  # a dead sensor
    signal[1, 160:] = 0.0  # a control reference, constant by nature
    signal[1, 150] = np.inf
    _, *steps, summary = run(make_sequence(), write_csv(tmp_path / "plant.csv", signal))
    signal[1, 150] = np.nan
    assert_same(steps, by_hand(signal))
    assert [step["window"] for step in steps if step["quality"] == "gap"] == [5, 6]
    assert summary["quality"]["ok"] == 23
    assert summary["verdicts"][0]["unfit_share"] == pytest.approx(2 / 25)


def test_a_step_that_overflows_is_no_diagnosis_and_no_state(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(80, missing=0)
    huge = signal.copy()
    huge[0, 16:24] = 3e38  # their sum is infinite
    _, *steps, _ = run(make_sequence(), write_csv(tmp_path / "plant.csv", huge))
    assert steps[2]["quality"] == "non_finite"
    assert steps[2] | NO_DIAGNOSIS == steps[2]
    without = np.delete(signal, np.s_[16:24], axis=1)
    assert_same(
        [step | {"window": i} for i, step in enumerate(steps[:2] + steps[3:])], by_hand(without)
    )


def test_columns_are_taken_by_name(make_sequence: Callable[..., Path], tmp_path: Path) -> None:
    signal = plant(64)
    folder, expected = make_sequence(), by_hand(signal)
    path = tmp_path / "plant.csv"
    write_csv(path, signal, header="time,R1,S1,zone,E1", order=(1, 0), more=("north wing", "3"))
    header, *steps, summary = run(folder, path)
    assert_same(steps, expected)
    assert header["stream"]["channel_names"] == header["channel_names"] == ["S1", "R1"]
    assert re.search("left aside: zone, E1$", *summary["warnings"])
    write_csv(path, signal, header="time,a,b,c", more=("7",))
    with pytest.raises(InputError, match=r"lacks S1, R1 of the bundle's 2 columns.*time, a, b, c"):
        run(folder, path)
    assert_same(run(folder, path, variable="a,b")[1:-1], expected)
    write_csv(path, signal, header="time,S1,R2")
    with pytest.raises(InputError, match="lacks R1 of the"):
        run(folder, path)
    with pytest.raises(InputError, match=r"has 1 channels.*expected S1, R1"):
        run(folder, path, variable="S1")


@pytest.mark.parametrize("first", ["", r"\N", "NULL"])
def test_columns_without_names_are_the_bundles(
    first: str, make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(64)
    signal[:, 0] = np.nan
    folder, path = make_sequence(), tmp_path / "plant.csv"
    write_csv(path, signal, header=None, null=[first])
    _, *steps, summary = run(folder, path)
    assert_same(steps, by_hand(signal))
    assert summary["warnings"] == []
    write_csv(path, signal, header=None, more=("7",))
    with pytest.raises(InputError, match=r"has 3 channels without.*expected S1, R1, in this order"):
        run(folder, path)


def test_a_parquet_file_is_as_a_csv(make_sequence: Callable[..., Path], tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    signal = plant(100)
    times = (START + 900 * np.arange(100)).astype("datetime64[ms]")
    columns = {"when": times, "R1": signal[1], "note": ["x"] * 100}
    columns["S1"] = arrow.array(signal[0], mask=np.isnan(signal[0]))
    parquet.write_table(arrow.table(columns), tmp_path / "plant.parquet")
    header, *steps, summary = run(make_sequence(), tmp_path / "plant.parquet")
    assert_same(steps, by_hand(signal))
    assert header["start"] == "2010-10-28T22:15:00"
    assert re.search("left aside: note$", *summary["warnings"])


def test_another_interval_is_refused_and_nearly_the_same_keeps_its_time(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    signal = plant(64)
    folder, path = make_sequence(), tmp_path / "plant.csv"
    for seconds in (600, 960):
        write_csv(path, signal, times=START + seconds * np.arange(64))
        with pytest.raises(InputError, match=f"a sample every {seconds} s: expected one .* 900 s"):
            run(folder, path)
    write_csv(path, signal, times=START + 921 * np.arange(64))
    _, *steps, summary = run(folder, path)
    assert_same(steps, by_hand(signal))
    assert steps[2]["time_s"] == pytest.approx(921 * 16, rel=1e-6)
    assert summary["signal_s"] == pytest.approx(921 * 64, rel=1e-6)


def test_the_hop_is_the_bundles(make_sequence: Callable[..., Path], tmp_path: Path) -> None:
    bundle = load_bundle(make_sequence())
    source = write_csv(tmp_path / "plant.csv", plant(64))
    with (
        open_stream(source, default=bundle.signal) as stream,
        pytest.raises(InputError, match=r"hop of 4 samples.*by 8 samples a step"),
    ):
        list(diagnose(stream, bundle, open_engine(bundle), hop=4))


def test_a_risk_is_refused_for_slow_signals(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    bundle = load_bundle(make_sequence())
    source = write_csv(tmp_path / "plant.csv", plant(64))
    with (
        open_stream(source, default=bundle.signal) as stream,
        pytest.raises(
            InputError, match=r"^bundles of slow signals state no risk: leave --risk out"
        ),
    ):
        list(diagnose(stream, bundle, open_engine(bundle), risk=0.01))


def test_every_output_says_what_is_missing(
    make_sequence: Callable[..., Path], tmp_path: Path, command: Command
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    make_sequence()
    signal = plant(100)
    signal[:, 40:60] = np.nan
    write_csv(tmp_path / "plant.csv", signal)
    for name in ("x.jsonl", "x.csv", "x.parquet"):
        done = command("diagnose", "plant.csv", "--output", name)
        assert done.returncode == 0, done.stderr
    written = (tmp_path / "x.jsonl").read_text().splitlines()
    header, *steps, summary = map(json.loads, written)
    assert (header["kind"], header["hold"]) == ("sequence", 3)
    assert_same(steps, by_hand(signal))
    assert list(steps[0])[-2:] == ["quality", "missing"]
    with (tmp_path / "x.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert [float(row["missing"]) for row in rows] == [step["missing"] for step in steps]
    np.testing.assert_allclose(
        [row["missing"] for row in table], [s["missing"] for s in steps], atol=1e-6
    )
    assert [row["quality"] for row in rows] == [row["quality"] for row in table]
    assert f"{summary['missing_samples']} of 200 samples" in done.stdout
    assert "1 day, 1:00:00 of signal" in done.stdout
    assert "2 channels every 0:15:00, a step every 2:00:00" in done.stdout


def test_a_closed_pipe_ends_a_diagnosis_quietly(
    make_sequence: Callable[..., Path], tmp_path: Path
) -> None:
    make_sequence(hop=1)
    write_csv(tmp_path / "plant.csv", plant(20_000))
    program = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]
    with subprocess.Popen(
        [*program, "diagnose", "plant.csv", "--output", "-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "header"
        process.stdout.close()
        assert process.wait(30) == 1
        assert b"Traceback" not in process.stderr.read()
