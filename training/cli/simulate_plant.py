"""The command ``dlrsd-train simulate-plant``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError


def simulate_plant(
    folder: Annotated[Path, typer.Argument(help="Folder to write; made if it is not there.")],
    plants: Annotated[int, typer.Option(help="Number of plants.")] = 2,
    years: Annotated[float, typer.Option(help="Length of each in years.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Number that all random choices follow from.")] = 0,
    components: Annotated[
        int, typer.Option(help="Components of each plant, of 8 channels each.")
    ] = 4,
    zones: Annotated[int, typer.Option(help="Zones of each plant, of 2 channels each.")] = 2,
    events_from: Annotated[
        Path | None,
        typer.Option(
            help="Folder of real plants whose events give durations and times of day; without it "
            "those of the challenge's sites count."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there by these names.")
    ] = False,
) -> None:
    """Write simulated plants in the layout of the PHM Society's 2015 challenge."""
    # Imported here: `--help` shall answer at once.
    from dlrsd.training.data.plants.rig import simulate_plants, write_plants

    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder} is there already: choose another folder, or say --overwrite")
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
