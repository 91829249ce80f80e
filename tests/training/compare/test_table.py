"""The table of a comparison: the same rows in both formats, whole or refused, one writer."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.runs.table import SCHEMA, own_table, read_table, write_table

OWNER = (
    "import sys, time; from pathlib import Path; from dlrsd.training.runs.table import own_table\n"
    "with own_table(Path(sys.argv[1])): print('mine', flush=True); time.sleep(60)"
)


def row(**changes):
    kinds = {pa.string(): "text", pa.float64(): 0.1, pa.int64(): 3}
    return {field.name: kinds[field.type] for field in SCHEMA} | changes


ROWS = [
    row(
        seed=0, task=None, macro_auroc=None, accuracy=0.1 + 0.2, macro_recall=1.0, balance=400.0,
        seconds=1e-17, notes="[]", recall=json.dumps({'a "b", c': 1 / 3, "ü\n": None}),
    ),
    row(seed=1, worst_class="", data="NA", task="null", classifier="3", accuracy=2**-60),
]  # fmt: skip


@pytest.fixture(params=["csv", "parquet"])
def path(request, tmp_path):
    return tmp_path / f"t.{request.param}"


def by_seed(rows):
    return sorted(rows, key=lambda row: row["seed"])


def test_both_formats_give_back_the_very_rows(path):
    write_table(path, ROWS)
    assert by_seed(read_table(path)) == ROWS
    assert list(read_table(path)[0]) == SCHEMA.names
    write_table(path, ROWS[:1])
    assert read_table(path) == ROWS[:1]
    assert list(path.parent.iterdir()) == [path]


def test_other_readers_find_numbers_as_numbers(path):
    write_table(path, ROWS)
    table = csv.read_csv(path) if path.suffix == ".csv" else parquet.read_table(path)
    assert sorted(table["accuracy"].to_pylist()) == [2**-60, 0.1 + 0.2]
    assert table["seed"].type == pa.int64()


def test_the_order_of_the_cells_is_not_that_of_their_completion(path):
    write_table(path, ROWS)
    one = path.read_bytes()
    write_table(path, ROWS[::-1])
    assert path.read_bytes() == one


def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(path):
    write_table(path, ROWS)
    whole = path.read_bytes()
    ends = {i + 1 for i, byte in enumerate(whole) if byte == ord("\n")}
    for length in range(0, len(whole), 1 if path.suffix == ".csv" else 101):
        path.write_bytes(whole[:length])
        if path.suffix == ".csv" and length in ends:
            continue  # whole lines: nothing but later cells is missing
        with pytest.raises(InputError, match=r"t\.\w+ is damaged or no table .* left as it is"):
            read_table(path)
        assert path.read_bytes() == whole[:length]


@pytest.mark.parametrize("text", ["", "hello", "a,b\n1,2\n", ",".join(SCHEMA.names) + ",more\n"])
def test_another_file_is_refused(path, text):
    if path.suffix == ".csv":
        path.write_text(text)
    else:
        parquet.write_table(pa.table({name: ["x"] for name in text.split(",")}), path)
    with pytest.raises(InputError, match=r"(no table of a comparison|is damaged)") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_words_where_numbers_belong_are_refused(tmp_path):
    write_table(tmp_path / "t.csv", ROWS)
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text.replace("0.30000000000000004", '"much"'))
    with pytest.raises(InputError, match=r"is damaged or no table of a comparison .*much"):
        read_table(tmp_path / "t.csv")


def test_what_a_killed_write_left_is_in_nobodys_way(path):
    write_table(path, ROWS[:1])
    path.with_name(f".{path.name}.part").write_bytes(b"half of a ta")
    assert read_table(path) == ROWS[:1]
    write_table(path, ROWS)
    assert by_seed(read_table(path)) == ROWS


def test_a_table_has_one_writer_and_a_killed_one_is_none(path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, path], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "mine\n"
    with pytest.raises(InputError, match=rf"{path} is being written by another"), own_table(path):
        pass
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    with own_table(path):
        pass


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("t.txt", "cannot tell the format of .*t.txt': expected a name that ends in .parquet or"),
        ("nowhere/t.csv", "there is no folder .*nowhere; make it first"),
        ("folder.csv", "it is a folder; choose another --out"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, name, said):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=said), own_table(tmp_path / name):
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_folder_without_permission():
    said = r"cannot write /proc/t\.csv: nothing can be written"
    with pytest.raises(InputError, match=said), own_table(Path("/proc/t.csv")):
        pass
