"""A watch by its file: checked, run, and read again when asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from msgspec import structs

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.service.watching.serving import run_watch
from dlrsd.runtime.service.watching.setup import Setup, set_up
from dlrsd.runtime.service.watching.watch_file import WatchFile, read_watch_file


def check_file(path: Path) -> list[str]:
    """What is wrong with a ``watch.toml`` and all that it names, one line each."""
    try:
        file = read_watch_file(path)
    except DlrsdError as error:
        return [str(error)]
    _, problems = set_up(file, path.parent)
    parts: list[tuple[str, Callable[[], None]]] = [
        (f"machine {entry.machine}: source {at}", source.check)
        for entry in file.machines
        for at, source in enumerate(entry.sources, 1)
    ]
    parts += [(f"sink {sink.name}", partial(sink.check, path.parent)) for sink in file.sinks]
    return problems + [why for what, check in parts if (why := _wrong(what, check))]


def watch_file(
    path: Path, *, port: int | None, rehearse: bool, opened: Callable[[str], None]
) -> None:
    """Watch what a file says.

    Machines in which something is wrong are said and left out; the others are watched.

    Raises
    ------
    InputError
        If the file cannot be read, no machine can be watched, the store cannot be opened, or the
        page cannot listen.
    """
    file = read_watch_file(path)
    setups, problems = _set_up(file, path, rehearse)
    page = file.page.at(path.parent)
    page = page if port is None else structs.replace(page, port=port)

    def reload() -> tuple[Sequence[Setup], Sequence[str], Collection[str]]:
        file = read_watch_file(path)
        setups, problems = _set_up(file, path, rehearse)
        sound = {each.entry.machine for each in setups if each.entry}
        return setups, problems, {each.machine for each in file.machines} - sound

    folder = path.parent / file.store.folder
    if rehearse:
        folder = folder.with_name(f"{folder.name}-rehearsal")
    run_watch(
        setups,
        problems=problems,
        home=path.parent,
        folder=folder,
        limits=file.store,
        sinks=file.sinks,
        page=page,
        opened=opened,
        reload=reload,
    )


def _set_up(file: WatchFile, path: Path, rehearse: bool) -> tuple[list[Setup], list[str]]:
    setups, problems = set_up(file, path.parent)
    if not setups:
        raise InputError(f"no machine of {path} can be watched: {problems[0]}")
    return [structs.replace(each, rehearse=rehearse) for each in setups], problems


def _wrong(what: str, check: Callable[[], None]) -> str | None:
    try:
        check()
    except DlrsdError as error:
        return f"{what}: {error}"
    return None
