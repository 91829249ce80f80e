"""A plant as one wide table: a row for each sample, a column for each channel."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import Plant


def write_table(plant: Plant, path: str | Path) -> None:
    """Write what `dlrsd-runtime diagnose` reads.

    Parameters
    ----------
    plant : column ``time`` (without a zone) comes first, then its channels in their order;
        missing samples are null.
    path : ends in ``.parquet`` or ``.csv``.

    Raises
    ------
    InputError
        If the name ends otherwise, or there is no such folder.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise InputError(
            f"cannot tell the format of {str(path)!r}: expected a name that ends in .parquet or "
            ".csv"
        )
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    columns = [pa.array(row, from_pandas=True) for row in plant.signal]
    table = pa.table([pa.array(plant.times), *columns], names=["time", *plant.channels])
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
