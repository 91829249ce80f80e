"""``dlrsd-runtime watch``: machines, day and night."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError

PORT = 8765


class LogLevel(str, Enum):
    """How much is said on standard error."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


def watch(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="WATCH.toml", help="What is watched, and whom it is told."),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Watch two simulated machines, one of which develops a fault within two minutes. "
            "Needs no file and leaves none.",
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help=f"Where the page is. By default as in the file, or {PORT}."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say what is wrong with the file, one line each, and end."),
    ] = False,
    simulate_faults: Annotated[
        bool,
        typer.Option(
            "--simulate-faults",
            help="Rehearse: add a growing bearing fault to the signal of every machine. What is "
            "said is marked as a rehearsal, and kept in a store of its own.",
        ),
    ] = False,
    log: Annotated[
        LogLevel, typer.Option(help="How much is said on standard error.")
    ] = LogLevel.WARNING,
) -> None:
    """Watch machines day and night: alarm once, show why."""
    _log_at(log)
    if demo:
        if file is not None or check or simulate_faults:
            raise InputError("got --demo with something else to watch: leave one of them out")
        from dlrsd.runtime.service.watching.demo import run_demo

        run_demo(port=PORT if port is None else port, opened=_opened)
        return
    if file is None:
        raise InputError("nothing to watch: give a watch.toml, or --demo")
    from dlrsd.runtime.service.watching.from_file import check_file, watch_file

    if check:
        problems = check_file(file)
        for line in problems:
            print(line)
        if problems:
            raise typer.Exit(2)
        print(f"{file}: nothing is wrong")
        return
    watch_file(file, port=port, rehearse=simulate_faults, opened=_opened)


def _log_at(level: LogLevel) -> None:
    """Log what is said here from this level on; of libraries errors alone, for what they say in
    detail may hold a password, and they chatter of every connection that fails."""
    import logging

    own = getattr(logging, level.name)
    form = "%(levelname)s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format=form)
    logging.getLogger("dlrsd").setLevel(own)


def _opened(address: str) -> None:
    print(f"watching; the page is at {address}", file=sys.stderr, flush=True)
