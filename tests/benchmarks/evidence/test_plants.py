"""What the page says of a comparison on plants: seeds are paired, and unlike rows are refused."""

from __future__ import annotations

import json
import sys

import pytest
from msgspec.structs import replace

from benchmarks.evidence import plants as page_of_plants
from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.compare import Grid, compare_methods
from dlrsd.training.compare.table import read_table


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Make the page's files of a table beside it."""

    def page(table):
        monkeypatch.setattr(sys, "argv", ["plants.py", str(table), "--out", str(tmp_path)])
        page_of_plants.main()
        return [
            json.loads((tmp_path / f"{name}.json").read_text())
            for name in ("plants", "plants-minus")
        ]

    return page


def test_seeds_are_paired(plant_settings, page, tmp_path):
    out = tmp_path / "table.parquet"
    grid = Grid(plant_settings, ("none", "rus-weights"), {"seed": (0, 1)})
    compare_methods(grid, out, jobs=1)
    means, minus = page(out)
    assert "SIMULATED" in means["note"]
    assert "SIMULATED" in minus["note"]
    rows = {(row["method"], row["seed"]): row for row in read_table(out)}
    line = next(line for line in minus["rows"] if line[0] == "macro F1")
    expected = sum(
        rows["rus-weights", seed]["macro_f1"] - rows["none", seed]["macro_f1"] for seed in (0, 1)
    )
    assert float(line[4].split()[0]) == pytest.approx(expected / 2, abs=6e-4)
    assert line[1:4] == ["lr_convlstm", "none", 2]


def test_rows_that_are_not_comparable_are_refused(plant_settings, page, tmp_path):
    out = tmp_path / "table.parquet"
    for epochs in (1, 2):
        training = replace(plant_settings.training, epochs=epochs)
        compare_methods(Grid(replace(plant_settings, training=training), ("none",)), out, jobs=1)
    with pytest.raises(InputError, match="rows of 2 different settings"):
        page(out)
