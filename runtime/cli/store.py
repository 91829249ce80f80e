"""``dlrsd-runtime status``, ``backup``, ``restore`` and ``token``: around a watch."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.formats import json_text

StoreArgument = Annotated[
    Path,
    typer.Argument(
        metavar="WATCH.toml|STORE", help="The watch's file, or the folder of its store."
    ),
]


class Role(str, Enum):
    """What the holder of a token may do on the page."""

    VIEW = "view"
    OPERATE = "operate"


def status(
    watch: StoreArgument,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of lines.")
    ] = False,
) -> None:
    """Say how a watch is: exit code 0 all is normal, 1 an alarm, 3 a sensor fault, 4 no watch."""
    from dlrsd.runtime.service.alarms.texts import beside
    from dlrsd.runtime.service.watching.status import CODES, status_of

    found = status_of(_store_of(watch))
    if as_json:
        print(json_text(found), end="")
    else:
        print(found.condition)
        for alarm in found.alarms:
            print(f"{alarm.machine}: {alarm.state}: {beside(alarm.text, alarm.machine)}")
    raise typer.Exit(CODES[found.condition])


def backup(
    watch: StoreArgument,
    to: Annotated[Path, typer.Argument(help="The folder to make; it must not be there yet.")],
) -> None:
    """Copy a store, also while it is written."""
    from dlrsd.runtime.service.store.backup import backup as copy

    copy(_store_of(watch), to)
    print(f"copied to {to}")


def restore(
    copied: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `backup` made.")],
    watch: StoreArgument,
) -> None:
    """Put a copy back where there is no store."""
    from dlrsd.runtime.service.store.backup import restore as put_back

    put_back(copied, _store_of(watch))
    print(f"restored to {_store_of(watch)}")


def token(
    role: Annotated[Role, typer.Argument(help="What its holder may do on the page.")],
    name: Annotated[str, typer.Argument(help="Who holds it: stands beside what they do.")],
) -> None:
    """Make a token for the page: print it once, and the line for the file of tokens."""
    from dlrsd.runtime.service.page.tokens import new_token

    secret, line = new_token(role.value, name)
    print(f"token, shown this once: {secret}")
    print(f"line for the file that `tokens` names: {line}")


def _store_of(watch: Path) -> Path:
    """The store of a watch's file, or the folder itself."""
    if watch.suffix != ".toml":
        return watch
    from dlrsd.runtime.service.watching.watch_file import read_watch_file

    return watch.parent / read_watch_file(watch).store.folder
