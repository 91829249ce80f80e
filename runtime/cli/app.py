"""The command line ``dlrsd-runtime``: diagnose a stream, look at a bundle or at this machine."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.cli.benchmark import benchmark
from dlrsd.runtime.cli.commission import commission
from dlrsd.runtime.cli.diagnose import diagnose
from dlrsd.runtime.cli.doctor import doctor
from dlrsd.runtime.cli.evidence import evidence
from dlrsd.runtime.cli.info import info
from dlrsd.runtime.cli.store import backup, restore, status, token
from dlrsd.runtime.cli.synthesize import synthesize
from dlrsd.runtime.cli.watch import watch

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tell from vibration which fault a rotating machine has, with a bundle that dlrsd-export "
    "wrote.",
)
COMMANDS = (
    diagnose, evidence, commission, watch, status, backup, restore, token,
    info, benchmark, doctor, synthesize,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def main() -> NoReturn:
    """Entry point of the command."""
    run_app(app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version of dlrsd and end.")
    ] = False,
) -> None:
    if version:
        print(f"dlrsd {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
