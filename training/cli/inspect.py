"""The command ``dlrsd-train inspect``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dlrsd.training.cli.options import (
    ChannelsOption,
    DataArgument,
    HopOption,
    LabelOption,
    RootOption,
    TaskOption,
    WindowOption,
    as_names,
    require_packages,
)


def inspect(
    data: DataArgument,
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    window: WindowOption = None,
    hop: HopOption = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Number that the split into parts and the simulated rig follow from; without it 0."
        ),
    ] = None,
) -> None:
    """Say what is in the data, what each protocol leaves of it, and whether that is enough."""
    require_packages("scipy")
    # Imported here: `--help` shall answer at once.
    from rich.console import Console

    from dlrsd.training.inspect.registry import look

    report = look(
        data,
        root=root,
        task=task,
        channels=as_names(channels),
        label=label,
        window=window,
        hop=hop,
        seed=seed,
    )
    Console(width=None if sys.stdout.isatty() else 100).print(report)
