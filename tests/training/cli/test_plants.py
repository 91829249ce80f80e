"""The commands for plants as a user runs them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.registry import open_file
from dlrsd.training.data.plants.plants import load_plants
from dlrsd.training.data.plants.rig import simulate_plants
from dlrsd.training.data.plants.wide_table import write_table
from dlrsd.training.data.plants.windows import window_labels
from dlrsd.training.inspect.plants import inspect_plants


@pytest.fixture(scope="module")
def folder(command, tmp_path_factory):
    base = tmp_path_factory.mktemp("plants")
    folder, size = base / "two", ("--years", "0.1", "--components", "2", "--zones", "1")
    done = command(base, "simulate-plant", folder, *size)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{folder}: 2 simulated plants of 3506 samples, 18 channels, ")
    return folder


def test_inspect_says_what_is_there_within_100_columns(command, folder):
    (folder / "plant_3c.csv").write_text("2010-01-01 00:00:00,\\N,5\n")
    done = command(folder, "inspect", folder)
    facts = inspect_plants(folder)
    (folder / "plant_3c.csv").unlink()
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert done.stdout.startswith("3 plants, 3 of them simulated\n")  # the folder says it of all
    plant = load_plants(folder)[0]
    windows = np.bincount(window_labels(plant), minlength=7).tolist()
    assert list(facts["plant_1"]["windows"].values()) == windows
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["plant_1", *map(str, windows)] in lines
    share = f"{100 * np.isnan(plant.signal).mean():.2f}"
    assert ["plant_1", "2010-01-01", "00:00:00", "36.5", "3,506", "18", share, "%"] in lines
    assert ["plant_3", "no", "samples"] in lines
    assert ["plant_3", "0", "0", "0", "0", "1", "0"] in lines
    assert ["plant_3", "1", "events", "without", "end"] in lines


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_plant_as_a_table_is_what_the_runtime_reads(command, folder, tmp_path, suffix):
    path = tmp_path / f"p.{suffix}"
    done = command(tmp_path, "plant-table", folder, path, "--plant", "plant_2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: 3506 rows, 18 channels\n"
    plant = load_plants(folder)[1]
    table = csv.read_csv(path) if suffix == "csv" else parquet.read_table(path)
    assert table.column_names == ["time", *plant.channels]
    assert pa.types.is_timestamp(table["time"].type)
    np.testing.assert_array_equal(table["time"].to_numpy(), plant.times)
    assert table["m1.S1"].null_count == np.isnan(plant.signal[0]).sum() > 0
    source = open_file(path)
    assert (source.channel_names, source.rate_hz) == (plant.channels, pytest.approx(1 / 900))
    samples = np.concatenate([chunk.samples for chunk in source.chunks], axis=1)
    np.testing.assert_array_equal(samples.astype(np.float32), plant.signal)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate-plant", "{}/new", "--years", "0"), "got years = 0: expected a day"),
        (
            ("simulate-plant", "{}/new", "--plants", "1000000"),
            "got plants of 1.26e+12 values in all, exp",
        ),
        (
            ("simulate-plant", "{}"),
            "{} is there already: choose another folder, or say --overwrite",
        ),
        (("plant-table", "{}", "{}/plant_1a.csv"), "{}/plant_1a.csv is there already: choose"),
        (("plant-table", "{}", "{}/t.csv"), "got plant None: expected one of those with samples"),
        (("plant-table", "{}", "{}/t.csv", "--plant", "x"), "got plant 'x': expected one of"),
    ],
)
def test_a_users_mistake_is_one_line(command, folder, tmp_path, arguments, said):
    done = command(tmp_path, *(argument.format(folder) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said.format(folder)}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "said"), [("t.xlsx", "ends in .parquet"), ("no/t.csv", "no fol")])
def test_tables_that_cannot_be_written(tmp_path, name, said):
    (plant,) = simulate_plants(seed=0, n_plants=1, years=0.01, components=1, zones=1)
    with pytest.raises(InputError, match=said):
        write_table(plant, tmp_path / name)
