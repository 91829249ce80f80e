"""A copy of a store, made while it is written, and a store made of such a copy."""

from __future__ import annotations

import glob
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import sync_folder
from dlrsd.runtime.base.locks import own_folder
from dlrsd.runtime.service.store.keeping import waveform_path
from dlrsd.runtime.service.store.labels import label_path
from dlrsd.runtime.service.store.schema import DATABASE, check_database, connect_to_read, refused


def backup(folder: Path, to: Path) -> None:
    """Copy a store into a new folder, whether it is written meanwhile or not.

    Parameters
    ----------
    folder : Path
        Of the store.
    to : Path
        What is to be made: a folder with the database of one moment, and its waveforms and labelled
        windows. It is there whole or not at all.

    Raises
    ------
    InputError
        If there is no store, something is at ``to``, or it cannot be written.
    """
    if not (folder / DATABASE).is_file():
        raise InputError(f"there is no store in {folder}: expected {DATABASE} in it")
    with _new_folder(to) as new:
        try:
            with (
                closing(connect_to_read(folder / DATABASE)) as source,
                closing(sqlite3.connect(new / DATABASE)) as target,
            ):
                source.backup(target)
                # So that it is one file, which can be read where nothing can be written.
                target.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise refused(to / DATABASE, error) from error
        check_database(new / DATABASE)
        _copy_files(folder, new)


def restore(source: Path, folder: Path) -> None:
    """Make a store of what `backup` made.

    Parameters
    ----------
    source : Path
        What `backup` made; it may come from strangers.
    folder : Path
        Of the store that is to be made: it must not be there, or be empty.

    Raises
    ------
    InputError
        If something is in ``folder``, or ``source`` is no backup, is of a newer version, is damaged
        or names files outside it. Nothing is made then.
    """
    if (source / DATABASE).is_symlink() or not (source / DATABASE).is_file():
        raise InputError(f"there is no backup in {source}: expected {DATABASE} in it")
    with _new_folder(folder) as new:
        _copy(source / DATABASE, new / DATABASE)
        check_database(new / DATABASE)
        _copy_files(source, new)


def _copy_files(folder: Path, new: Path) -> None:
    """The files that the new database names; one that went meanwhile is left out."""
    with closing(connect_to_read(new / DATABASE)) as c:
        waveforms = [name for (name,) in c.execute("SELECT name FROM waveform")]
        labels = [name for (name,) in c.execute("SELECT name FROM label")]
    paths = [waveform_path(folder, name) for name in waveforms]
    for path in (label_path(folder, name) for name in labels):
        paths += [path, path.with_name(f"{path.name}.json")]
    for path in paths:
        with suppress(FileNotFoundError):
            _copy(path, new / path.relative_to(folder))


def _copy(path: Path, to: Path) -> None:
    try:
        fd = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    with os.fdopen(fd, "rb") as source:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise InputError(f"{path} is no regular file")
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as target:
            shutil.copyfileobj(source, target)


@contextmanager
def _new_folder(to: Path) -> Iterator[Path]:
    """A folder that is at ``to`` when all went well, and else nowhere."""
    if to.is_symlink() or (to.exists() and not (to.is_dir() and not any(to.iterdir()))):
        raise InputError(f"{to} is there already: name another folder, or move it away")
    try:
        for left in to.parent.glob(f".{glob.escape(to.name)}.*.part"):  # of one that was killed
            with suppress(InputError, OSError), own_folder(left, busy=""):
                shutil.rmtree(left)
        new = to.parent / f".{to.name}.{os.getpid()}.part"
        new.mkdir()
        try:
            with own_folder(new, busy=f"{new} is in use"):
                yield new
                if hasattr(os, "sync"):
                    os.sync()
                if to.exists():
                    to.rmdir()
                new.replace(to)
                sync_folder(to.parent)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise InputError(f"cannot make {to}: {error.strerror or error}") from error
