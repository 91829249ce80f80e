"""The command ``dlrsd-train compare``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.training.cli.options import (
    ChannelsOption,
    DataArgument,
    FrontEndOption,
    LabelOption,
    NormalWindowsOption,
    OwnHopOption,
    OwnWindowOption,
    PresetOption,
    RateOption,
    RootOption,
    TaskOption,
    TestLoadsOption,
    TrainLoadsOption,
    as_names,
    as_numbers,
    as_seeds,
    by_front_end,
    require_packages,
)
from dlrsd.training.cli.plants import compare_plant_data, is_plant_data, refuse_bearing_options


def compare(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Table to fill or go on with: .parquet or .csv")],
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    methods: Annotated[
        str,
        typer.Option(
            help="Names separated by commas; all; combinations; ablations (of dlrsd-smote)."
        ),
    ] = "all",
    balance: Annotated[str, typer.Option(help="Balance ratios: 400,100,5")] = "100",
    protocols: Annotated[
        str | None, typer.Option(help="Of block, random, load, bearing; of plants time, plant.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="0-9, or 0,3,5-7")] = "0-4",
    classifiers: Annotated[
        str | None,
        typer.Option(
            help="Of edge, simple_cnn, vgg11, vgg13, vgg16; of order maps bands; of plants "
            "lr_convlstm, deep_conv_lstm or lrcn."
        ),
    ] = None,
    train_loads: TrainLoadsOption = None,
    test_loads: TestLoadsOption = None,
    normal_windows: NormalWindowsOption = 2000,
    rate: RateOption = None,
    window: OwnWindowOption = None,
    hop: OwnHopOption = None,
    front_end: FrontEndOption = "scalogram",
    preset: PresetOption = "edge",
    jobs: Annotated[
        int | None, typer.Option(help="Processes; else one for every core that may be used.")
    ] = None,
) -> None:
    """Compare methods over balance ratios, protocols, seeds and classifiers, in one table."""
    import signal

    require_packages("filelock", "pyarrow")
    from rich.console import Console

    from dlrsd.training.base.progress import bars
    from dlrsd.training.compare.standings import standings
    from dlrsd.training.compare.vibration import Grid, method_names
    from dlrsd.training.compare.vibration import compare as fill
    from dlrsd.training.data.vibration.prepare import Settings

    # As Ctrl-C: what is done is in the table, and the processes end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with bars(errors) as progress:
        how: dict[str, Any] = {"jobs": jobs, "progress": progress, "say": errors.print}
        if is_plant_data(data):
            refuse_bearing_options(
                root=root, task=task, channels=channels, label=label, train_loads=train_loads,
                test_loads=test_loads, rate=rate,
                front_end=None if front_end == "scalogram" else front_end,
            )  # fmt: skip
            rows, failed = compare_plant_data(
                data, out, methods=as_names(methods), protocols=as_names(protocols),
                seeds=as_seeds(seeds), classifiers=as_names(classifiers), window=window, hop=hop,
                **how,
            )  # fmt: skip
        else:
            window, hop, usual = by_front_end(front_end, window, hop, None)
            settings = Settings(
                data=data,
                root=root,
                task=task,
                channels=as_names(channels),
                label=label,
                train_loads=as_numbers(train_loads),
                test_loads=as_numbers(test_loads),
                n_normal=normal_windows,
                rate=rate,
                window=window,
                hop=hop,
                preset=preset,
                front_end=front_end,
            )
            grid = Grid(
                settings,
                methods=method_names(as_names(methods) or (), order_map=settings.has_order_map),
                balances=as_numbers(balance, "balance ratios") or (),
                protocols=as_names(protocols or "block") or (),
                seeds=as_seeds(seeds),
                classifiers=as_names(classifiers or usual) or (),
            )
            rows, failed = fill(grid, out, **how)
    if rows:
        Console(width=None if sys.stdout.isatty() else 100).print(standings(rows))
        if any("simulated" in json.loads(row["notes"]) for row in rows):
            print("simulated plants: no figure says anything about a real one")
    if failed:
        others = f", the others are in {out}" if rows else ""
        raise DlrsdError(
            f"{len(failed)} of {len(rows) + len(failed)} cells failed{others}; the first: "
            f"{failed[0]}"
        )
    print(f"{len(rows)} cells: {out}")
