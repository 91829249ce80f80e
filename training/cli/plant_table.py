"""The command ``dlrsd-train plant-table``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError


def plant_table(
    folder: Annotated[Path, typer.Argument(help="Folder of plants.")],
    output: Annotated[Path, typer.Argument(help="Table to write: NAME.parquet or NAME.csv.")],
    plant: Annotated[
        str | None,
        typer.Option(help="Name of the plant, such as plant_1; not needed where there is but one."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there.")
    ] = False,
) -> None:
    """Write a plant as one wide table, as `dlrsd-runtime diagnose` reads it."""
    # Imported here: `--help` shall answer at once.
    from dlrsd.training.data.plants.plants import load_plants
    from dlrsd.training.data.plants.wide_table import check_place, write_table

    check_place(output, overwrite=overwrite)
    by_name = {one.name: one for one in load_plants(folder)}
    if plant is None and len(by_name) == 1:
        plant = next(iter(by_name))
    if plant not in by_name:
        raise InputError(
            f"got plant {plant!r}: expected one of those with samples in {folder}: "
            f"{', '.join(by_name)}; choose with --plant"
        )
    write_table(by_name[plant], output)
    print(f"{output}: {by_name[plant].n_samples} rows, {len(by_name[plant].channels)} channels")
