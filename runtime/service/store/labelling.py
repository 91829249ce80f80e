"""Windows that a person confirmed or corrected, into a folder that `dlrsd-train fit` reads."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.service.store.deciding import keep_action
from dlrsd.runtime.service.store.labels import LABELLED, keep_only_listed, require_class
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.waveform import Waveform

_ONE_AT_A_TIME = Lock()  # or one would take the files of another for what a kill left


def label_windows(
    store: Store,
    waveform: Waveform,
    sensor: str,
    label: str,
    *,
    by: str,
    time: float,
    window_s: float,
    speed_rpm: float | None = None,
) -> int:
    """Keep the windows of a sensor as an example of a class.

    What was said before of any of its signal is replaced. A stretch between two gaps is a file.

    Parameters
    ----------
    waveform : Waveform
        In g or m/s2.
    label : str
        Name of the class: letters, digits, blanks and ``_ . ( ) + -``, at most 64.
    by : str
        The person who says so.
    time : float
        When, Unix time in s.
    window_s : float > 0
        Length of a window that is trained on; what is shorter between two gaps is left out.
    speed_rpm : float > 0, optional
        Of the shaft, which the order map needs.

    Returns
    -------
    int
        How many windows there are, without overlap.

    Raises
    ------
    InputError
        If the class cannot be called so, there is no such sensor or no window, the unit is another
        one, or the disk takes nothing. What was said before stays then.
    """
    require_class(label)
    about = waveform.about
    if sensor not in about.sensors:
        raise InputError(f"no sensor {sensor[:60]!r}: expected one of {', '.join(about.sensors)}")
    if about.unit not in ("g", "m/s2"):
        raise InputError(f"the signal is in {about.unit}: expected g or m/s2 to train on")
    row = about.sensors.index(sensor)
    window = max(1, round(window_s * about.rate_hz))
    parts = [part for part in _parts(waveform, row) if len(part[1]) >= window]
    if not parts:
        raise InputError(
            f"there are {waveform.seconds:.2f} s of signal, with gaps: expected {window_s:.2f} s "
            "at least without one"
        )
    facts = {"rate": about.rate_hz, "unit": about.unit, "scale": about.scale[row]}
    facts |= {} if speed_rpm is None else {"speed_rpm": speed_rpm}
    with _ONE_AT_A_TIME:
        rows = []
        for first, samples in parts:
            start = about.start + first / about.rate_hz
            name = _name(about.machine, sensor, label, start, len(samples))
            _write(store.folder / LABELLED / name, samples, {**facts, "start": _iso(start)})
            seconds = len(samples) / about.rate_hz
            rows.append((start, seconds, label, by, time, name, len(samples) // window))
        span = (about.start, about.start + waveform.seconds)
        if store.write(lambda c: _replace(c, about.machine, sensor, span, rows)):
            with store.writing.lock:
                keep_only_listed(store.folder, store.writing.connection)
    return sum(len(samples) // window for _, samples in parts)


def _parts(waveform: Waveform, row: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """The stretches without a gap, and where they begin."""
    first, samples = 0, waveform.samples[row]
    for gap, count in [*sorted(waveform.gaps), (len(samples), 0)]:
        if gap > first:
            yield first, samples[first:gap]
        first = max(first, gap + count)


def _name(machine: str, sensor: str, label: str, start: float, count: int) -> str:
    at = datetime.fromtimestamp(start, timezone.utc).strftime("%Y%m%dT%H%M%S")
    words = (f"{_word(machine)}-{_hash(machine)}", f"{_word(sensor)}-{at}-")
    return f"{label}/{words[0]}/{words[1]}{_hash(machine, sensor, label, start, count)}.npy"


def _word(name: str) -> str:
    return re.sub(r"[^\w]+", "-", name, flags=re.ASCII)[:40] or "-"


def _hash(*what: object) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).isoformat()


def _write(path: Path, samples: NDArray[Any], facts: dict[str, Any]) -> None:
    file = BytesIO()
    np.save(file, samples, allow_pickle=False)
    sidecar = path.with_name(f"{path.name}.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for each, content in ((sidecar, json_text(facts).encode()), (path, file.getvalue())):
            with write_atomic(each, durable=True) as out:
                out.write(content)
    except OSError as error:
        raise InputError(
            f"cannot write {error.filename}: {error.strerror}; what was said before stays"
        ) from error


def _replace(
    c: sqlite3.Connection,
    machine: str,
    sensor: str,
    span: tuple[float, float],
    rows: list[tuple[float, float, str, str, float, str, int]],
) -> None:
    c.execute(
        "DELETE FROM label WHERE machine = ? AND sensor = ? AND start < ? AND start + seconds > ?",
        (machine, sensor, span[1], span[0]),
    )
    c.executemany(
        "INSERT INTO label (machine, sensor, start, seconds, class, person, time, name, windows) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(machine, sensor, *row) for row in rows],
    )
    _, _, label, by, time, _, _ = rows[0]
    keep_action(c, time, by, "label", machine, None, f"{sensor} from {span[0]!r}: {label}")
