"""The command ``dlrsd-train compare``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.training.cli.options import (
    TRAINING,
    ChannelsOption,
    DataArgument,
    FrontEndOption,
    HopOption,
    LabelOption,
    NormalWindowsOption,
    PresetOption,
    RateOption,
    RootOption,
    TaskOption,
    TestLoadsOption,
    TrainLoadsOption,
    WindowOption,
    as_names,
    as_numbers,
    as_seeds,
    by_new_name,
    require_packages,
)


def compare(
    data: DataArgument,
    out: Annotated[
        Path, typer.Option(help="Table to fill or to go on with: NAME.parquet or NAME.csv.")
    ],
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    methods: Annotated[
        str,
        typer.Option(
            help="Names of methods separated by commas, as for fit; or all. For vibration also "
            "combinations (of under-sampling, SMOTE and weights), ablations (of dlrsd-smote), and "
            "forest and logistic, which are baselines without a network."
        ),
    ] = "all",
    balance: Annotated[
        str | None,
        typer.Option(help="Balance ratios separated by commas: 400,100,5; without it 100."),
    ] = None,
    protocols: Annotated[
        str | None,
        typer.Option(
            help="Protocols separated by commas: block (the default), random, load, bearing, rig; "
            "for plants time (the default), plant."
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Seeds, with which all of it is repeated: 0-9, or 0,3,5-7.")
    ] = "0-4",
    classifiers: Annotated[
        str | None,
        typer.Option(
            help="Networks separated by commas: edge, simple_cnn, vgg11, vgg13, vgg16; bands for "
            "order maps; lr_convlstm, deep_conv_lstm, lrcn for plants."
        ),
    ] = None,
    train_loads: TrainLoadsOption = None,
    test_loads: TestLoadsOption = None,
    normal_windows: NormalWindowsOption = None,
    rate: RateOption = None,
    window: WindowOption = None,
    hop: HopOption = None,
    front_end: FrontEndOption = None,
    preset: PresetOption = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Processes to work with; without it one for every core that is free."),
    ] = None,
) -> None:
    """Compare methods over balance ratios, protocols, seeds and classifiers, in one table."""
    require_packages(*TRAINING, "filelock", "pyarrow")
    # Imported here: torch takes seconds to load, and `--help` shall answer at once.
    from rich.console import Console

    from dlrsd.training.base.progress import bars
    from dlrsd.training.compare.compare import Grid, compare_methods
    from dlrsd.training.compare.standings import standings
    from dlrsd.training.kinds.registry import kind_of, make_settings

    # As Ctrl-C: what is done is in the table, and the processes end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    kind = kind_of(data)
    settings = make_settings(
        kind,
        data,
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
        preset=preset and preset.value,
        front_end=front_end and front_end.value,
        classifier=(as_names(classifiers) or (None,))[0],
    )
    axes: dict[str, Any] = {
        "seed": as_seeds(seeds),
        "protocol": as_names(protocols),
        "balance": as_numbers(balance, "balance ratios"),
        "classifier": as_names(classifiers),
    }
    names = [by_new_name(name, kind.former_methods) for name in as_names(methods) or ()]
    grid = Grid(
        settings,
        methods=kind.named(names, settings),
        axes={name: values for name, values in axes.items() if values is not None},
    )
    with bars(errors) as progress:
        rows, failed = compare_methods(grid, out, jobs=jobs, progress=progress, say=errors.print)
    if rows:
        Console(width=None if sys.stdout.isatty() else 100).print(standings(rows))
        for note in dict.fromkeys(note for row in rows for note in kind.caveats(row)):
            print(note)
    if failed:
        others = f", the others are in {out}" if rows else ""
        raise DlrsdError(
            f"{len(failed)} of {len(rows) + len(failed)} cells failed{others}; the first: "
            f"{failed[0]}"
        )
    print(f"{len(rows)} cell{'' if len(rows) == 1 else 's'}: {out}")
