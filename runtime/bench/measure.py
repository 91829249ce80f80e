"""How fast every engine and precision diagnoses here, and whether it says what fp32 says.

Each row of the benchmark first diagnoses the same windows as fp32 does. Where fewer than 99.5 % of
the labels agree the row is wrong and gets no speed: what is fast and wrong is of no use.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import ExtraMissingError, InputError
from dlrsd.runtime.base.hardware import has_int8_products
from dlrsd.runtime.bench.windows import synthetic_windows, window_count
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.engines.engine import GRAPH_FILES, Engine
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.engines.specs import EngineSpec, specs_of

AGREEMENT = 0.995  # of the labels with fp32: below it a row is wrong
_MIN_CALLS = 10
_SLOWER = 1.05  # a smaller difference is none


def benchmark(
    bundle: Bundle,
    windows: NDArray[np.float32] | None = None,
    *,
    engine: str = "auto",
    device: str = "auto",
    precisions: Sequence[str] = (),
    batches: Sequence[int] = (),
    threads: int = 1,
    seconds: float = 1.0,
    on_row: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Check and time a bundle's graphs on this machine.

    The order maps of a bundle that takes them are part of each call. They are made for the first
    machine it was trained on, whatever machine ``windows`` are of.

    Parameters
    ----------
    bundle : Bundle
    windows : array, shape (n > 0, channels, window), float32, optional
        What is diagnosed, in the bundle's unit; repeated where a batch is larger. By default
        synthetic ones, the quarter of many that fp32 is surest of: it is as sure of most real ones,
        and what lies between two classes is no measure of another precision.
    engine, device : str
        As in `open_engine`; "auto" takes all that work here.
    precisions : sequence of str
        By default all that the bundle holds.
    batches : sequence of int > 0
        Windows per call; by default 1, 64 and 1024, without the last for order maps. A sequence
        takes one.
    threads : int > 0
        CPU threads.
    seconds : float > 0
        Time for each row; at least 10 calls are made.
    on_row : function of (rows done, rows in all)

    Returns
    -------
    list of dict
        One for each engine, precision and batch, ready for JSON: ``engine``, ``version``,
        ``device``, ``precision``, ``batch``, ``threads``, ``p50_us``, ``p95_us``, ``p99_us`` (of a
        call), ``windows_per_s``, ``times_real_time`` (of one channel), ``peak_memory_mb`` (of this
        process during the row; None where the system does not tell), ``bytes`` of the graph,
        ``agreement`` (share of the windows with fp32's label), ``accuracy`` (that the manifest
        states), ``kinematics`` (what order maps are made for; else None), ``calls``, and
        ``note``. A wrong row has None for all times.

    Raises
    ------
    InputError
        If a batch is below 1, or above it for a sequence, or nothing that was asked for works here.
    BundleError
        If the bundle lacks a graph, or one is damaged.
    ExtraMissingError
        If no engine is installed.
    """
    batches = batches or bundle.manifest.batches
    _check(bundle, batches, seconds)
    chosen = tuple(precisions) or tuple(p for p in GRAPH_FILES if bundle.has(GRAPH_FILES[p]))
    places = _places(bundle, engine, device, threads)
    reference = _reference(bundle, places)
    if windows is None:
        count = window_count(bundle)
        windows = synthetic_windows(bundle, 4 * count)
        sure = reference.run(windows).probabilities.max(axis=1)
        windows = windows[np.sort(np.argsort(-sure)[:count])]
    # The labels of a sequence are those of one stream, whose state goes through all windows.
    is_one_stream = bundle.manifest.is_stateful
    expected = _labels(reference, windows, len(windows) if is_one_stream else reference.batch)
    # What an engine cannot run is left out, unless it was asked for, which gives the reason.
    graphs = [
        (spec, precision)
        for spec, precision in product(places, chosen)
        if precisions or precision in spec.precisions
    ]
    rows: list[dict[str, Any]] = []
    for spec, precision in graphs:
        opened = (
            places[spec] if precision == "fp32" else _open(bundle, spec, precision, threads=threads)
        )
        for batch in batches:
            rows.append(_row(bundle, opened, windows, expected, batch, seconds))
            on_row(len(rows), len(graphs) * len(batches))
    kinematics = bundle.trained_kinematics()
    for row in rows:
        row["kinematics"] = asdict(kinematics) if kinematics else None
        row["note"] = _note(row, rows)
    return rows


def is_wrong(row: Mapping[str, Any]) -> bool:
    return bool(row["agreement"] < AGREEMENT)


def _check(bundle: Bundle, batches: Sequence[int], seconds: float) -> None:
    if bundle.manifest.is_stateful and set(batches) != {1}:
        raise InputError(
            f"got batches of {', '.join(map(str, batches))} windows, but a step of the sequence of "
            f"bundle {bundle.name} takes one: omit --batch"
        )
    for batch in batches:
        if batch < 1:
            raise InputError(f"got a batch of {batch} windows, expected 1 or more")
    if not seconds > 0:
        raise InputError(f"got {seconds:g} seconds for a row, expected more than 0")


def _open(bundle: Bundle, spec: EngineSpec, precision: str, *, threads: int | None) -> Engine:
    return open_engine(
        bundle,
        engine=spec.name,
        device=spec.device,
        precision=precision,
        threads=threads,
        kinematics=bundle.trained_kinematics(),
    )


def _places(bundle: Bundle, engine: str, device: str, threads: int) -> dict[EngineSpec, Engine]:
    """The fp32 engine of every place that was asked for and works here, the plainest first."""
    specs = specs_of(bundle)[::-1]
    asked = [s for s in specs if engine in ("auto", s.name) and device in ("auto", s.device)]
    if not asked:
        places = " or ".join(f"{spec.name} on {spec.device}" for spec in specs)
        raise InputError(f"got engine {engine!r} on device {device!r}, expected {places}")
    opened, missing = {}, []
    for spec in asked:
        try:
            opened[spec] = _open(bundle, spec, "fp32", threads=threads)
        except (ExtraMissingError, InputError) as error:  # noqa: PERF203
            missing.append(error)
    if not opened:
        raise missing[0]
    return opened


def _reference(bundle: Bundle, places: dict[EngineSpec, Engine]) -> Engine:
    """The engine on the CPU in fp32 where it is installed, whatever is measured."""
    plainest = specs_of(bundle)[-1]
    if plainest in places:
        return places[plainest]
    try:
        return _open(bundle, plainest, "fp32", threads=None)
    except ExtraMissingError:
        return next(iter(places.values()))


def _row(
    bundle: Bundle,
    engine: Engine,
    windows: NDArray[np.float32],
    expected: NDArray[np.int64],
    batch: int,
    seconds: float,
) -> dict[str, Any]:
    _reset_peak()
    labels = _labels(engine, windows, len(windows) if bundle.manifest.is_stateful else batch)
    agreement = float(np.mean(labels == expected))
    is_right = agreement >= AGREEMENT
    took = _time(engine, list(_calls(windows, batch)), seconds) if is_right else []
    row = {  # of the engine that went on to the end: a GPU may have been lost on the way
        "engine": engine.name,
        "version": engine.version,
        "device": engine.device,
        "precision": engine.precision,
        "batch": batch,
        "threads": engine.threads,
        **dict.fromkeys(("p50_us", "p95_us", "p99_us", "windows_per_s", "times_real_time")),
        "peak_memory_mb": None,
        "bytes": bundle.manifest.files[GRAPH_FILES[engine.precision]].bytes,
        "agreement": agreement,
        "accuracy": _accuracy(bundle, engine.precision),
        "calls": len(took),
    }
    if not took:
        return row
    p50, p95, p99 = np.quantile(took, (0.5, 0.95, 0.99)) * 1e6
    rate = batch * len(took) / sum(took)
    return {
        **row,
        "p50_us": float(p50),
        "p95_us": float(p95),
        "p99_us": float(p99),
        "windows_per_s": rate,
        "times_real_time": rate * bundle.hop / bundle.rate_hz,
        "peak_memory_mb": _peak_mb(),
    }


def _labels(engine: Engine, windows: NDArray[np.float32], batch: int) -> NDArray[np.int64]:
    """Labels of all windows, in calls of ``batch``; -1 where a probability is no number."""
    said = np.concatenate([engine.run(call).probabilities for call in _calls(windows, batch)])
    labels = np.where(np.isfinite(said).all(axis=1), said.argmax(axis=1), -1)
    return labels[: len(windows)]


def _calls(windows: NDArray[np.float32], batch: int) -> Iterator[NDArray[np.float32]]:
    """The windows in parts of exactly ``batch``; the last part goes on with the first windows."""
    n = len(windows)
    for start in range(0, n, batch):
        if start + batch <= n:
            yield windows[start : start + batch]
        else:
            yield np.take(windows, np.arange(start, start + batch), axis=0, mode="wrap")


def _time(engine: Engine, calls: list[NDArray[np.float32]], seconds: float) -> list[float]:
    took: list[float] = []
    began = time.perf_counter()
    now = began
    while now - began < seconds or len(took) < _MIN_CALLS:
        engine.run(calls[len(took) % len(calls)])
        before, now = now, time.perf_counter()
        took.append(now - before)
    return took


def _accuracy(bundle: Bundle, precision: str) -> float | None:
    """Measured at export: of this precision, or of the trained model, which fp32 equals."""
    found = bundle.manifest.parity.of(precision)
    stated = found.accuracy if found else None
    return stated if stated or precision != "fp32" else bundle.manifest.metrics.accuracy


def _note(row: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    if is_wrong(row):
        return f"wrong: {100 * row['agreement']:.2f} % of the labels as fp32; no speed is shown"
    like = ("engine", "device", "batch")
    plain = [r for r in rows if r["precision"] == "fp32" and all(r[k] == row[k] for k in like)]
    if row["device"] != "cpu" or not plain or row["p50_us"] <= _SLOWER * plain[0]["p50_us"]:
        return None
    if row["precision"] == "fp16":
        return "slower than fp32: a CPU converts half precision to float32 and back"
    if not has_int8_products():
        return "slower than fp32: this CPU has no 8-bit dot products (VNNI)"
    return "slower than fp32 on this machine: use fp32"


def _reset_peak() -> None:
    """Let the system forget this process's peak memory, where it can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float | None:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1e6 if found else None
