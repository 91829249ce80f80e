"""Commands of ``dlrsd-train`` for plants."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.errors import InputError


def add_plant_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(simulate_plant)
    app.command()(plant_table)


def show_plants(folder: str) -> None:
    """Say what a folder of plants holds: ``dlrsd-train inspect``."""
    from rich.console import Console

    from dlrsd.training.inspect_plants import inspect_plants, render

    Console(width=None if sys.stdout.isatty() else 100).print(render(inspect_plants(folder)))


def simulate_plant(
    folder: Annotated[Path, typer.Argument(help="Folder to write; made if it is not there.")],
    plants: Annotated[int, typer.Option(help="Number of plants.")] = 2,
    years: Annotated[float, typer.Option(help="Length of each.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
    components: Annotated[int, typer.Option(help="Of each plant, 8 channels each.")] = 4,
    zones: Annotated[int, typer.Option(help="Of each plant, 2 channels each.")] = 2,
    events_from: Annotated[
        Path | None, typer.Option(help="Folder whose real events give durations and times of day.")
    ] = None,
) -> None:
    """Write simulated plants in the layout of the PHM Society's 2015 challenge."""
    from dlrsd.training.plant_rig import simulate_plants, write_plants

    made = simulate_plants(
        seed=seed,
        n_plants=plants,
        years=years,
        components=components,
        zones=zones,
        events_from=events_from,
    )
    write_plants(made, folder)
    events = sum(len(plant.events) for plant in made)
    print(
        f"{folder}: {plants} simulated plants of {made[0].n_samples} samples, "
        f"{len(made[0].channels)} channels, {events} events"
    )


def plant_table(
    folder: Annotated[Path, typer.Argument(help="Folder of plants.")],
    output: Annotated[Path, typer.Argument(help="Table to write: .parquet or .csv")],
    plant: Annotated[str | None, typer.Option(help="Name, such as plant_1; else the only.")] = None,
) -> None:
    """Write a plant as one wide table, as `dlrsd-runtime diagnose` reads it."""
    from dlrsd.training.plant_table import write_table
    from dlrsd.training.plants import load_plants

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
