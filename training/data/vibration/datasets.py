"""Recordings of a `bearing-datasets` data set, public or private, given by name.

The package holds code, not data: a data set is built once into a folder (the root) and read from
there.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import DlrsdError, InputError, require
from dlrsd.runtime.dsp.order_map import ORDERS
from dlrsd.training.data.vibration.cwru_grades import grade_of
from dlrsd.training.data.vibration.recording import Recording, resampled
from dlrsd.training.data.vibration.tasks import TASKS, Row, Task


def find_dataset(data: str, *, root: str | Path | None) -> Any | None:
    """Open a built data set, or return None if `data` is a folder that is none.

    Parameters
    ----------
    data : name, folder of a built data set, or definition folder of a private one.
    root : folder of the data sets; None leaves it to `bearing-datasets`.

    Returns
    -------
    bearing_datasets.Dataset or None

    Raises
    ------
    InputError
        If there is nothing by that name: says what to run if it only needs to be built.
    """
    bearing_datasets = require(
        "bearing_datasets", extra="train", purpose="reading a data set by name"
    )
    path = Path(data).expanduser()
    if (path / "manifest.json").is_file():
        with _intact(path):
            return bearing_datasets.Dataset(path)
    name = data
    if (path / "dataset.yaml").is_file():
        name = str(_private_name(path))
    try:
        folder = bearing_datasets.dataset.resolve_root(root)
    except ValueError:
        folder = None
    if folder is not None and (folder / name / "manifest.json").is_file():
        with _intact(folder / name):
            return bearing_datasets.Dataset(folder / name)
    if path.is_dir() and name == data:
        return None
    raise InputError(_not_found(data, name, folder, bearing_datasets.list_datasets()))


def read_dataset(
    dataset: Any,
    *,
    task: str | None = None,
    channels: Sequence[str] | None = None,
    label: str | None = None,
) -> list[Recording]:
    """Read a data set; parameters and result as for `load_recordings`."""
    with _intact(dataset.path):
        rows: list[Row] = dataset.metadata().to_dict("records")
    known = None if task is None else _known_task(task, dataset)
    if known is not None:
        if label is not None:
            raise InputError("a task fixes the labels: give either a task or a label, not both")
        rows = [row for row in rows if known.select(row)]
        if not known.channels:
            rows = [{**row, "channel": "sensor"} for row in rows]
        channels = (known.channels or None) if channels is None else channels
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["recording_id"], []).append(row)
    kept = _common_channels(groups, channels)
    groups = {
        name: sorted(
            (row for row in group if row["channel"] in kept),
            key=lambda row: kept.index(row["channel"]),
        )
        for name, group in groups.items()
    }
    columns = [] if known is not None else _label_columns(rows[0], label)
    with _intact(dataset.path):
        signals = _read_signals(dataset, [row for group in groups.values() for row in group])
    return [
        _recording(
            name,
            group,
            label=known.label(group[0]) if known is not None else _joined(group[0], columns),
            signals=[signals.pop(row["signal_id"]) for row in group],
        )
        for name, group in groups.items()
    ]


@contextmanager
def _intact(path: Path) -> Iterator[None]:
    """Whatever the package, pandas or pyarrow say of a damaged file, said in one line."""
    try:
        yield
    except DlrsdError:
        raise
    except (OSError, ValueError, LookupError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"data set {path} cannot be read ({reason:.200}): build it anew with "
            f"`bearing-datasets build {path.name} --root {path.parent} --force`"
        ) from error


def _private_name(path: Path) -> str:
    # An optional package, asked for by `require` before.
    from bearing_datasets.build import load_spec

    try:
        return load_spec(path)["name"]
    except Exception as error:  # whatever a hand-written YAML file can do wrong
        raise InputError(
            f"{path / 'dataset.yaml'} is no usable definition of a data set: "
            f"{' '.join(str(error).split())}"
        ) from error


def _not_found(data: str, name: str, folder: Path | None, known: list[str]) -> str:
    if folder is None:
        return (
            f"no folder of data sets is known to look for {data!r} in: give --root FOLDER, or set "
            "BEARING_DATASETS_ROOT"
        )
    if name in known or name != data:
        return (
            f"data set {name!r} is not built in {folder}: run "
            f"`bearing-datasets build {data} --root {folder}`"
        )
    built = sorted(p.parent.name for p in folder.glob("*/manifest.json"))
    close = difflib.get_close_matches(name, {*known, *built, "rig"}, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    there = f"built in {folder}: {', '.join(built) or 'nothing'}"
    return (
        f"{data!r} is neither a data set nor a folder: {hint}({there}; "
        "`bearing-datasets list` shows all names; 'rig' is the simulated rig)"
    )


def _known_task(task: str, dataset: Any) -> Task:
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}: known are {', '.join(TASKS)}")
    if TASKS[task].dataset != dataset.name:
        raise InputError(
            f"task {task!r} is defined on data set {TASKS[task].dataset!r}, got {dataset.name!r}: "
            "leave the task out, or give its data set"
        )
    return TASKS[task]


def _common_channels(groups: dict[str, list[Row]], asked: Sequence[str] | None) -> list[str]:
    if not groups:
        raise InputError("the data set holds no recording of that kind: build it anew")
    count = Counter(row["channel"] for group in groups.values() for row in group)
    shared = [channel for channel, n in count.items() if n == len(groups)]
    if asked is not None:
        for channel in asked:
            if channel not in shared:
                have = f"is in {count[channel]} of {len(groups)} recordings"
                raise InputError(
                    f"channel {channel!r} {have if count[channel] else 'does not exist'}: "
                    f"the channels that all recordings have are {', '.join(shared) or 'none'}"
                )
        return list(asked)
    if not shared:
        raise InputError(
            f"no channel is in all {len(groups)} recordings (most frequent: "
            f"{count.most_common(1)[0][0]}): build a subset with `bearing-datasets build --where`"
        )
    quantity = {row["channel"]: row.get("quantity") for g in groups.values() for row in g}
    return [c for c in shared if quantity[c] == "acceleration"] or shared


def _label_columns(row: Row, label: str | None) -> list[str]:
    columns = (label or "fault_type").split("+")
    for column in columns:
        if column not in row:
            close = difflib.get_close_matches(column, row, n=3) or list(row)
            raise InputError(
                f"the data set has no column {column!r} to take labels from: try {', '.join(close)}"
            )
    return columns


def _joined(row: Row, columns: list[str]) -> str:
    """Values of the columns joined by "_"; a healthy machine is "normal" whatever else is said."""
    if row["fault_type"] == "normal" and len(columns) > 1:
        return "normal"
    return "_".join(f"{v:g}" if isinstance(v := row[c], float) else str(v) for c in columns)


def _read_signals(dataset: Any, rows: list[Row]) -> dict[str, tuple[np.ndarray, str]]:
    """Samples and unit by signal id, read in storage order so that a row group is decoded once."""
    signals = {}
    for row in sorted(rows, key=lambda r: (r["signal_file"], r["signal_row_group"])):
        unit = _readable_unit(row)
        samples = dataset.signal(
            row["signal_id"], unit="g" if unit == "g" else None, dtype=np.float32
        )
        signals[row["signal_id"]] = (np.array(samples), unit)
    return signals


def _readable_unit(row: Row) -> str:
    """The unit to read a signal in: g if it is an acceleration that can be converted."""
    # An optional package, asked for by `require` before.
    from bearing_datasets.units import convert

    stored = row.get("unit", "unknown")
    if row.get("quantity") != "acceleration":
        return stored
    try:
        convert(np.zeros(0), stored, "g", row.get("sensitivity", "none"))
    except ValueError:
        return stored
    return "g"


def _recording(
    name: str, group: list[Row], *, label: str, signals: list[tuple[np.ndarray, str]]
) -> Recording:
    units = {unit for _, unit in signals}
    if len(units) > 1:
        raise InputError(
            f"channels of recording {name} are in different units ({', '.join(sorted(units))}): "
            "choose channels of one unit"
        )
    rate = min(float(row["fs"]) for row in group)
    rows = [
        samples if row["fs"] == rate else resampled(samples[None], row["fs"], rate)[0]
        for (samples, _), row in zip(signals, group, strict=True)
    ]
    length = min(map(len, rows))
    first = group[0]
    orders = {order: _number(first.get(order)) for order in ORDERS}
    return Recording(
        signal=np.stack([samples[:length] for samples in rows]),
        rate=rate,
        unit=units.pop(),
        label=label,
        recording_id=name,
        channels=tuple(row["channel"] for row in group),
        fault=first["fault_type"],
        bearing_id=_text(first.get("bearing_id")),
        load=_number(first.get("load")),
        speed_rpm=_number(first.get("speed_rpm")),
        fault_orders={order: value for order, value in orders.items() if value},
        grade=next(filter(None, map(grade_of, group)), None),
    )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str | None:
    return None if value in (None, "none", "unknown") else str(value)
