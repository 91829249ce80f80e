"""Commands of ``dlrsd-train`` for plants."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlrsd.runtime.base.errors import InputError

if TYPE_CHECKING:
    from dlrsd.training.data.plants.sequences import SequenceSettings


def add_plant_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(simulate_plant)
    app.command()(plant_table)


def is_plant_data(data: str) -> bool:
    """Whether this is a folder of plants, or the simulated ones."""
    from dlrsd.training.data.plants.plants import SIMULATION, is_plant_folder

    return is_plant_folder(data) or (data == SIMULATION and not Path(data).exists())


def refuse_bearing_options(**options: object) -> None:
    """Options that mean nothing for plants must not be given."""
    for name, value in options.items():
        if value is not None:
            raise InputError(
                f"got --{name.replace('_', '-')} for plant data: expected it for vibration only; "
                "plants are taken as they are, so leave it out"
            )


def fit_plant_data(
    data: str,
    out: Path | None,
    *,
    protocol: str | None,
    classifier: str | None,
    method: str | None,
    **settings: Any,
) -> None:
    """Train on plants and say what came out: ``dlrsd-train fit``."""
    from rich.console import Console

    from dlrsd.training.base.progress import bars
    from dlrsd.training.kinds.plants.fit import METHOD, fit_plants

    stated = _settings(data, protocol=protocol, classifier=classifier, **settings)
    method = method or METHOD
    name = f"{Path(data).name}-{stated.protocol}-{stated.classifier}-seed{stated.seed}"
    out = out or Path("runs") / (name if method == METHOD else f"{name}-{method}")
    with bars(Console(stderr=True)) as progress:
        metrics = fit_plants(stated, out, method=method, progress=progress)
    simulated = ", simulated plants" if metrics["simulated"] else ""
    print(f"{out}: protocol {stated.protocol}, {metrics['n']} test windows{simulated}")
    for name, figures in metrics["per_class"].items():
        counts = [metrics["window_counts"][part][name] for part in ("train", "test")]
        if figures["recall"] is None:
            print(f"{name:<8} {counts[0]:>7} windows in training, none in test")
            continue
        print(
            f"{name:<8} {counts[0]:>7} windows in training, {counts[1]:>6} in test: recall "
            f"{figures['recall']:.3f}, precision {figures['precision']:.3f}, F1 {figures['f1']:.3f}"
        )
    print(
        f"macro F1 {metrics['macro_f1']:.4f}, macro recall {metrics['macro_recall']:.4f}, accuracy "
        f"{metrics['accuracy']:.4f}\nreport: {out / 'report.html'}"
    )


def compare_plant_data(
    data: str,
    out: Path,
    *,
    methods: Sequence[str] | None,
    protocols: Sequence[str] | None,
    seeds: Sequence[int],
    classifiers: Sequence[str] | None,
    window: int | None,
    hop: int | None,
    **how: Any,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Fill a table with a grid on plants: ``dlrsd-train compare``."""
    from dlrsd.training.balance.sequences import SEQUENCE_METHODS
    from dlrsd.training.compare.plants import PlantGrid, compare_plants

    groups = {"all": list(SEQUENCE_METHODS)}
    grid = PlantGrid(
        _settings(data, window=window, hop=hop),
        methods=[name for each in methods or () for name in groups.get(each, [each])],
        seeds=seeds,
        protocols=protocols or ("time",),
        classifiers=classifiers or ("lr_convlstm",),
    )
    return compare_plants(grid, out, **how)


def _settings(data: str, **stated: Any) -> SequenceSettings:
    """Settings of what was stated; the rest are the defaults."""
    from dlrsd.training.data.plants.plants import SIMULATION
    from dlrsd.training.data.plants.sequences import SequenceSettings

    if data != SIMULATION:
        data = str(Path(data).resolve())  # export reads it again, maybe from another folder
    return SequenceSettings(
        data, **{name: value for name, value in stated.items() if value is not None}
    )


def show_plants(folder: str) -> None:
    """Say what a folder of plants holds: ``dlrsd-train inspect``."""
    from rich.console import Console

    from dlrsd.training.data.plants.plants import SIMULATION
    from dlrsd.training.inspect.plants import inspect_plants, render

    if folder == SIMULATION:
        raise InputError(
            f"got {folder!r}: expected a folder; write simulated plants with `dlrsd-train "
            "simulate-plant FOLDER` and inspect that"
        )
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
    from dlrsd.training.data.plants.rig import simulate_plants, write_plants

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
    from dlrsd.training.data.plants.plants import load_plants
    from dlrsd.training.data.plants.wide_table import write_table

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
