"""The command line ``dlrsd-train``: look at data, train on it, simulate where there is none."""

from __future__ import annotations

from typing import NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.training.base.scratch import leave_no_fonts
from dlrsd.training.cli.compare import compare
from dlrsd.training.cli.fit import fit
from dlrsd.training.cli.inspect import inspect
from dlrsd.training.cli.plant_table import plant_table
from dlrsd.training.cli.simulate import simulate
from dlrsd.training.cli.simulate_plant import simulate_plant

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train a diagnosis from imbalanced vibration recordings, or from plant data.",
)
for command in (fit, inspect, simulate, compare, simulate_plant, plant_table):
    app.command()(command)


def main() -> NoReturn:
    """Entry point of the command."""
    leave_no_fonts()
    run_app(app)
