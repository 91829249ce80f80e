"""Waveforms written to the disk, and what is too old or too much deleted: work of a thread of its
own."""

from __future__ import annotations

import errno
import sqlite3
import time
from contextlib import closing
from typing import Final

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.keeping import is_worse, write_waveform
from dlrsd.runtime.service.store.retention import delete_beyond, delete_old, make_room
from dlrsd.runtime.service.store.schema import DATABASE, connect_to_read
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.waveform import Waveform

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def keep_waveform(store: Store, waveform: Waveform) -> bool:
    """Write a waveform onto the disk, and list it; takes as long as that does.

    One of the same alarm and source replaces the one before, all at once; so does the worst second
    of a day, if it is worse. Where the disk is full the oldest waveforms go, but of no open alarm.

    Returns
    -------
    bool
        Whether it is kept. Where not, an event says why.
    """
    about = waveform.about
    with store.writing.lock:
        if about.worst is not None and not is_worse(store.writing.connection, about):
            return True
    while True:
        try:
            operation = write_waveform(store.folder, waveform)
            break
        except OSError as error:
            if error.errno in _FULL and make_room(store.writing, store.folder):
                continue
            text = f"a waveform could not be kept: {error.strerror or error}"
            store.write_event(
                Event(time=time.time(), kind="disk", text=text, machine=about.machine)
            )
            return False
    return store.write(operation)


def tidy(store: Store, now: float | None) -> None:
    """Delete what is too old at ``now``, Unix time in s, or too much, in short transactions.

    None: what time it is is not sure yet, and nothing is too old.
    """
    limits = store.limits
    written = time.time() if now is None else now
    try:
        with closing(connect_to_read(store.folder / DATABASE)) as c:
            if now is not None:
                delete_old(c, store.folder, limits, now, store.write)
            count, enough = delete_beyond(c, store.folder, limits, store.write)
        with store.writing.lock:  # what was given back is the disk's only then
            store.writing.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except (sqlite3.Error, OSError, InputError) as error:
        text = f"what is too old could not be deleted: {' '.join(str(error).split())}"
        store.write_event(Event(time=written, kind="disk", text=text))
        return
    if count or not enough:
        what = f"the {count} oldest waveforms were deleted"
        what += "" if enough else "; the rest is still more, and may not go"
        text = f"the store is over its {limits.keep_gb:g} GB: {what}"
        store.write_event(Event(time=written, kind="disk", text=text))
