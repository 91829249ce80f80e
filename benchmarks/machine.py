"""What benchmarks share: facts of the machine, one thread, alternating timings, the result file.

Results are small JSON files in ``benchmarks/results/``; ``benchmarks.table`` renders them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import oaconvolve

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.hardware import has_int8_products, usable_cores
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.front_ends import Scalogram
from dlrsd.runtime.dsp.quality.cells import BANDS, CELL
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

RESULTS = Path(__file__).parent / "results"
#: Where commands are called, and sub-processes run: benchmarks are modules of this folder.
ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = (
    "numpy", "onnxruntime", "onnxruntime-gpu", "torch", "PyWavelets", "ssqueezepy", "cupy-cuda12x",
    "cupy-cuda13x", "tensorrt", "tensorrt_rtx_cu13",
)  # fmt: skip


def options(about: str | None, *, bundle: str | None = None) -> argparse.ArgumentParser:
    """A parser with ``--quick`` and ``--out``, and ``--bundle`` where there is one by default."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    if bundle:
        parser.add_argument("--bundle", default=bundle)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    return parser


def study(about: str | None, *, seeds: str) -> argparse.ArgumentParser:
    """A parser for what is trained on a data set over seeds: ``--root``, ``--seeds``, ``--jobs``
    and ``--out``."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", required=True, help="folder of the data sets")
    parser.add_argument("--seeds", default=seeds, help="first-last")
    parser.add_argument("--jobs", type=int, default=usable_cores())
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    return parser


def seed_range(text: str) -> list[int]:
    """``first-last`` or one seed.

    Raises
    ------
    InputError
        If it is neither.
    """
    first, _, last = text.partition("-")
    try:
        seeds = list(range(int(first), int(last or first) + 1))
    except ValueError:
        seeds = []
    if not seeds:
        raise InputError(f"got seeds {text!r}: expected such as 0-9")
    return seeds


def run_cells(
    function: Callable[[Any], Any], groups: Sequence[Sequence[Any]], *, jobs: int
) -> Iterator[tuple[Any, Any]]:
    """Every cell with its outcome, over ``jobs`` processes; the first that fails ends it.

    Raises
    ------
    DlrsdError
        What the cell failed with; cells have a ``seed``.
    """
    from dlrsd.training.compare.workers import run_groups

    for cell, outcome in run_groups(function, groups, jobs=jobs):
        if isinstance(outcome, DlrsdError):
            raise DlrsdError(f"seed {cell.seed}: {outcome}")
        yield cell, outcome


def run(main: Callable[[], None]) -> None:
    """Call a benchmark's ``main``; a user's mistake is one line, and exit 2."""
    try:
        main()
    except DlrsdError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def facts() -> dict[str, Any]:
    """The machine and its software, ready for JSON.

    Returns
    -------
    dict
        ``cpu``, ``cores`` (that this process may use), ``vnni`` (8-bit dot products, or Arm's),
        ``sgemm_gmac_per_s`` (float32 matrix products on one thread, measured now), ``blas``,
        ``python``, ``system``, ``load`` (of the last minute: a busy machine is slow), ``packages``.
        The rate and ``blas`` are None without threadpoolctl.
    """
    return {
        "cpu": _cpu(),
        "cores": usable_cores(),
        "vnni": has_int8_products(),
        **_blas(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "packages": {name: found for name in _PACKAGES if (found := version(name))},
    }


def save(name: str, result: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``result``, the command that made it and the machine's facts to ``NAME.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {"command": _command(), **result, "machine": facts()}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS, OpenMP and torch on one thread."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)


def alternate(
    ways: Mapping[str, Callable[[], object]], *, rounds: int, turn_s: float = 0.05
) -> dict[str, list[float]]:
    """Seconds of a call, by way and round; the ways take turns, so a slow moment hits all of them.

    Parameters
    ----------
    ways : {name: function without arguments}
        Each is called once before the first round.
    rounds : int > 0
    turn_s : float >= 0
        A turn repeats its call for at least this long; what counts is the mean time of a call.
    """
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began, calls = time.perf_counter(), 0
            while calls == 0 or time.perf_counter() - began < turn_s:
                way()
                calls += 1
            seconds[name].append((time.perf_counter() - began) / calls)
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """Spread of slow / fast, round by round."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def sgemm_rate(size: int = 768, rounds: int = 7) -> float:
    """Multiply-adds a second of a float32 matrix product on one thread: the best of some rounds."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, size, size), dtype=np.float32)
    with one_thread():
        best = min(alternate({"sgemm": lambda: a @ b}, rounds=rounds)["sgemm"])
    return size**3 / best


def scalogram_of(bundle: Bundle) -> Scalogram:
    """The front end of a bundle that has a scalogram."""
    if not isinstance(bundle.front_end, Scalogram):
        raise InputError(f"bundle {bundle.name} has no scalogram: choose one that has")
    return bundle.front_end


def scalogram_config(bundle: Bundle) -> ScalogramConfig:
    """The scalogram of a bundle, from its manifest."""
    return scalogram_of(bundle).config(bundle.manifest.signal)


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)


def _command() -> str:
    """What was typed to start this process."""
    spec = sys.modules["__main__"].__spec__
    called = f"-m {spec.name.removesuffix('.__main__')}" if spec else Path(sys.argv[0]).name
    return " ".join(["python", called, *sys.argv[1:]])


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _blas() -> dict[str, Any]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:  # a box that measures its GPU may do without
        return {"sgemm_gmac_per_s": None, "blas": None}
    found = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')})"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return {"sgemm_gmac_per_s": round(sgemm_rate() / 1e9, 1), "blas": ", ".join(sorted(found))}


def fit_noise(bundle: Bundle, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that a bundle takes for fit: its spectrum is that of the first trained class, its RMS
    between the levels; white where the bundle states no spectra. float32, shape (samples,)."""
    white = rng.standard_normal(samples)
    own = bundle.quality.of(0)
    level = np.sqrt(bundle.quality.level_low * bundle.quality.level_high)
    if own.spectrum_low:
        shares = np.exp((np.array(own.spectrum_low[0]) + own.spectrum_high[0]) / 2)
        frequency = np.arange(129) / 4  # in coefficients of a cell's cosine transform, 0 to 32
        band = np.clip(np.searchsorted(BANDS, frequency, side="right") - 1, 0, None)
        power = np.where(frequency < 1, 0.1, 1) * (shares / np.diff([*BANDS, CELL]))[band]
        taps = np.roll(np.fft.irfft(np.sqrt(power)), 128) * np.hanning(256)
        white = oaconvolve(white, taps, mode="same")
    return (level / white.std() * white).astype(np.float32)
