"""The table of a comparison: the same rows in both formats, whole or refused, one writer."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.table import SCHEMA, own_table, read_table, write_table
from dlrsd.training.fitting.schedule import CLASSIFIER, SEQUENCE
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.kinds.vibration.settings import Settings, Training

OWNER = """
import sys, time
from pathlib import Path
from dlrsd.training.compare.table import own_table
with own_table(Path(sys.argv[1])):
    print("mine", flush=True)
    time.sleep(60)
"""


def row(settings, **changes):
    simple = {pa.string(): "text", pa.float64(): 0.1, pa.int64(): 3}
    stated = msgspec.to_builtins(settings)
    return (
        {field.name: simple[field.type] for field in SCHEMA if not pa.types.is_nested(field.type)}
        | {"kind": stated.pop("kind"), "settings": stated, "classes": ["a", "b"], "notes": ["x, y"]}
        | {"train_windows": {"a": 7, "b": 1}, "test_windows": {"a": 0, "b": 3}}
        | {"counts": {"a": {"drawn": 7.0}, "b": {}}, "recall": {"a": None, "b": 1 / 3}}
        | {"confusion": [[0, 0], [1, 2]], "strata": {"rig a": {"accuracy": 0.5, "n": 2.0}}}
        | changes
        | {name: getattr(settings, name) for name in ("protocol", "seed", "classifier")}
    )


ROWS = [
    row(
        Settings("rig", balance=400.0, channels=("a", "ü"), rate=8000.0), task=None,
        macro_auroc=None, accuracy=0.1 + 0.2, macro_recall=1.0, balance=400.0, seconds=1e-17,
        notes=[], recall={'a "b", c': 1 / 3, "ü\n": None},
    ),
    row(
        SequenceSettings("plant", seed=1, years=0.5, training=replace(SEQUENCE, epochs=1)),
        balance=None, worst_class="", data="NA", task="null", accuracy=2**-60,
        counts={}, classes=[], strata={},
    ),
    row(
        Settings("", label="null", root="NA", seed=2, training=Training(views=3)),
        notes=["", "null", '"', "a\nb,c\r\n"], classes=["", "null"],
    ),
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
    assert sorted(table["accuracy"].to_pylist()) == [2**-60, 0.1, 0.1 + 0.2]
    assert table["seed"].type == pa.int64()


def test_other_readers_of_parquet_find_nested_values(tmp_path):
    write_table(tmp_path / "t.parquet", ROWS)
    table = parquet.read_table(tmp_path / "t.parquet")
    first = table.filter(pa.compute.equal(table["seed"], 0)).to_pylist(maps_as_pydicts="strict")[0]
    assert first["recall"] == ROWS[0]["recall"]
    assert first["confusion"] == [[0, 0], [1, 2]]
    assert first["settings"]["training"]["classifier"]["epochs"] == CLASSIFIER.epochs
    assert first["settings"]["channels"] == ["a", "ü"]


def test_what_a_row_does_not_state_of_its_settings_is_what_is_usual(path):
    """As a version of before wrote it, which knew fewer settings."""
    stated = {"data": "rig", "seed": 2}
    if path.suffix == ".csv":
        write_table(path, [ROWS[2] | {"settings": stated}])
    else:
        older = pa.Table.from_pylist([ROWS[2] | {"settings": stated}], SCHEMA)
        parquet.write_table(older, path)
    (found,) = read_table(path)
    usual = msgspec.to_builtins(Settings("rig", seed=2))
    assert found["settings"] == {k: v for k, v in usual.items() if k != "kind"}


def test_a_table_of_before_strata_is_read_and_gone_on_with(path):
    write_table(path, [ROWS[0]])
    if path.suffix == ".csv":
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))
        csv.write_csv(table.drop_columns("strata"), path)
    else:
        parquet.write_table(parquet.read_table(path).drop_columns("strata"), path)
    found = read_table(path)
    assert found == [ROWS[0] | {"strata": {}}]
    write_table(path, found)
    assert read_table(path) == found


@pytest.mark.parametrize("epochs", [20, 3])
def test_a_row_of_schema_1_is_read_from_both_formats(path, epochs):
    """Text where columns are nested now, methods by their former names, epochs beside settings."""
    nested = {
        "train_windows": {"a": 7, "b": 1}, "test_windows": {"a": 2, "b": 3}, "notes": ["x"],
        "counts": [{"drawn": 7, "rejected": {"near_copy": 2}}, {"drawn": 1, "rejected": {}}],
        "recall": {"a": None, "b": 0.5}, "confusion": [[2, 0], [1, 2]], "classes": ["a", "b"],
        "settings": {"data": "rig", "channels": ["DE"], "window": 512, "classifier": "vgg11",
            "seed": 2},
    }  # fmt: skip
    names = [name for name in SCHEMA.names if name not in ("kind", "strata")]
    old = {name: ROWS[2][name] for name in names} | {"method": "deep-smote", "epochs": epochs}
    old["classifier"] = "vgg11"
    old |= {name: json.dumps(value) for name, value in nested.items()}
    schema = pa.schema([(n, pa.string() if n in nested else SCHEMA.field(n).type) for n in names])
    table = pa.Table.from_pylist([old], schema)
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
    (found,) = read_table(path)
    assert (found["kind"], found["method"]) == ("window", "mansourifar-deep-smote")
    assert {n: found[n] for n in nested if n not in ("counts", "settings")} == {
        n: value for n, value in nested.items() if n not in ("counts", "settings")
    }
    assert found["counts"] == {"a": {"drawn": 7, "rejected near_copy": 2}, "b": {"drawn": 1}}
    settings = msgspec.convert({"kind": "window", **found["settings"]}, Settings)
    training = Training(classifier=replace(CLASSIFIER, epochs=epochs))
    assert settings == Settings(
        "rig", channels=("DE",), window=512, classifier="vgg11", seed=2, training=training
    )
    # Once it is written again, it is of this version and says the same.
    write_table(path, [found])
    assert read_table(path) == [found]


def test_the_order_of_the_cells_is_not_that_of_their_completion(path):
    write_table(path, ROWS)
    one = path.read_bytes()
    write_table(path, ROWS[::-1])
    assert path.read_bytes() == one


def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(path):
    write_table(path, [each | {"settings": {"data": "rig"}} for each in ROWS[:2]])
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


@pytest.mark.parametrize("name", ["notes", "classes", "settings", "train_windows", "counts"])
@pytest.mark.parametrize("cell", ["", "null", '"x"', "[" * 5000])
def test_a_damaged_cell_is_refused_in_one_line(tmp_path, name, cell):
    path = tmp_path / "t.csv"
    write_table(path, [ROWS[0]])
    table = csv.read_csv(path)
    at = table.schema.get_field_index(name)
    csv.write_csv(table.set_column(at, name, pa.array([cell])), path)
    with pytest.raises(InputError, match=r"t\.csv is damaged") as raised:
        read_table(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damage", [{"seed": 7}, {"protocol": "load"}, {"classifier": "vgg11"}])
def test_a_row_that_contradicts_its_settings_is_refused(path, damage):
    write_table(path, [ROWS[0] | damage])
    with pytest.raises(InputError, match="has settings of"):
        read_table(path)
