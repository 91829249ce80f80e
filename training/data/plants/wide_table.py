"""A plant as one wide table: a row for each sample, a column for each channel."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import require_place, write_atomic
from dlrsd.training.data.plants.plants import Plant


def check_place(path: str | Path, *, overwrite: bool) -> Path:
    """The path, if `write_table` takes it: worth asking before the work is done."""
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise InputError(
            f"cannot tell the format of {str(path)!r}: expected a name that ends in .parquet or "
            ".csv"
        )
    require_place(path, overwrite=overwrite)
    return path


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
        If the name ends otherwise, there is no such folder, or a folder is there.
    """
    path = check_place(path, overwrite=True)
    columns = [pa.array(row, from_pandas=True) for row in plant.signal]
    table = pa.table([pa.array(plant.times), *columns], names=["time", *plant.channels])
    with write_atomic(path) as file:
        if path.suffix == ".csv":
            csv.write_csv(table, file)
        else:
            parquet.write_table(table, file)
