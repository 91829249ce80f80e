"""An engine runs a bundle's graph: raw windows in; probabilities, embedding and novelty out.

ONNX Runtime is the one engine of this version, on the CPU or, where the GPU package is installed
and finds a device, on CUDA. Its threads do not spin: a box that diagnoses a stream in a thousandth
of the time must not spend the rest of it burning a core.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.bundle import Bundle
from dlrsd.runtime.errors import BundleError, InputError, require

ENGINES = ("auto", "onnxruntime")
GRAPH_FILES = {
    "fp32": "diagnoser.onnx",
    "fp16": "diagnoser.fp16.onnx",
    "int8": "diagnoser.int8.onnx",
}
PRECISIONS = ("auto", *GRAPH_FILES)
# Windows per call: few enough to keep the graph's intermediates in a CPU's cache.
_BATCH = {"cpu": 64, "cuda": 4096}


class Output(NamedTuple):
    """What a graph says of n windows, float32: (n, K), (n, E) and (n,)."""

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    novelty: NDArray[np.float32]


class Engine(Protocol):
    """An open graph. ``name``, ``version``, ``device`` and ``precision`` go into the header."""

    name: str
    version: str
    device: str
    precision: str

    def run(self, windows: ArrayLike) -> Output:
        """Diagnose n > 0 windows (n, channels, length), real, of any dtype and layout."""
        ...


def open_engine(
    bundle: Bundle, *, engine: str = "auto", precision: str = "auto", threads: int | None = None
) -> Engine:
    """Open a bundle's graph.

    Parameters
    ----------
    bundle : Bundle
    engine : {"auto", "onnxruntime"}
    precision : {"auto", "fp32", "fp16", "int8"}
        "auto" takes fp32 on a CPU, where half precision is slower, and fp16 on a GPU.
    threads : int > 0, optional
        CPU threads; by default one per core this process may use.

    Raises
    ------
    InputError
        If the engine or the precision is unknown, or ``threads`` is below 1.
    BundleError
        If the bundle lacks the graph, or the graph is not what the manifest says.
    ExtraMissingError
        If ONNX Runtime is not installed.
    """
    if engine not in ENGINES:
        raise InputError(
            f"got engine {engine!r}, but this version has only onnxruntime: use --engine auto or "
            "--engine onnxruntime"
        )
    if precision not in PRECISIONS:
        raise InputError(f"got precision {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if threads is not None and threads < 1:
        raise InputError(f"got {threads} threads, expected 1 or more")
    return OnnxRuntimeEngine(bundle, precision=precision, threads=threads or _usable_cores())


class OnnxRuntimeEngine:
    """A bundle's graph in ONNX Runtime; open it with `open_engine`."""

    name = "onnxruntime"

    def __init__(self, bundle: Bundle, *, precision: str, threads: int) -> None:
        runtime = import_onnxruntime()
        on_gpu = "CUDAExecutionProvider" in runtime.get_available_providers()
        self.precision = _choose_precision(bundle, precision, on_gpu=on_gpu)
        self.version = str(runtime.__version__)
        self._session = open_session(bundle, GRAPH_FILES[self.precision], on_gpu=on_gpu)
        self.device = "cuda" if self._session.get_providers()[0].startswith("CUDA") else "cpu"
        # Threads take batches of their own: threads within one small graph mostly wait.
        self._pool = ThreadPoolExecutor(threads if self.device == "cpu" else 1)
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(Output._fields)
        self._shape = (bundle.channels, bundle.window)
        self._check(bundle)

    def run(self, windows: ArrayLike) -> Output:
        array = np.ascontiguousarray(windows, dtype=np.float32)
        if array.ndim != 3 or array.shape[1:] != self._shape:
            channels, length = self._shape
            raise InputError(
                f"got windows of shape {array.shape}, expected (n, {channels}, {length}): cut "
                "windows of the bundle's channels and length"
            )
        size = _BATCH[self.device]
        if len(array) <= size:
            return self._run(array)
        parts = [array[at : at + size] for at in range(0, len(array), size)]
        outputs = list(self._pool.map(self._run, parts))
        return Output(*map(np.concatenate, zip(*outputs, strict=True)))

    def _run(self, windows: NDArray[np.float32]) -> Output:
        return Output(*self._session.run(self._outputs, {self._input: windows}))

    def _check(self, bundle: Bundle) -> None:
        """One run of two windows of silence: the graph must give what the manifest promises."""
        names = [output.name for output in self._session.get_outputs()]
        missing = [name for name in self._outputs if name not in names]
        if missing:
            raise BundleError(
                f"the graph of bundle {bundle.path} gives {', '.join(names)} but no "
                f"{', '.join(missing)}: export the bundle again"
            )
        try:
            output = self.run(np.zeros((2, *self._shape), dtype=np.float32))
        except InputError:
            raise
        except Exception as error:
            raise BundleError(
                f"the graph of bundle {bundle.path} does not take windows of {self._shape} "
                f"(channels, samples): {_first_line(error)}; export the bundle again"
            ) from error
        expected = (2, len(bundle.classes))
        if output.probabilities.shape != expected or output.novelty.shape != (2,):
            raise BundleError(
                f"the graph of bundle {bundle.path} gives probabilities of shape "
                f"{output.probabilities.shape} and novelty of {output.novelty.shape} for two "
                f"windows, the manifest says {expected} and (2,): export the bundle again"
            )


def import_onnxruntime() -> Any:
    """ONNX Runtime, with its own warnings off standard error."""
    runtime = require("onnxruntime", extra="cpu", purpose="running a bundle's graph")
    runtime.set_default_logger_severity(3)
    return runtime


def open_session(bundle: Bundle, file: str, *, on_gpu: bool = False) -> Any:
    """A verified ONNX file of the bundle as a single-threaded `onnxruntime.InferenceSession`.

    Raises
    ------
    BundleError
        If the file is missing, damaged, or no graph that this ONNX Runtime can load.
    """
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    providers = (["CUDAExecutionProvider"] if on_gpu else []) + ["CPUExecutionProvider"]
    path = bundle.file(file)
    try:
        return runtime.InferenceSession(path.read_bytes(), options, providers=providers)
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {runtime.__version__} cannot load {path}: {_first_line(error)}; export "
            "the bundle again or upgrade onnxruntime"
        ) from error


def _choose_precision(bundle: Bundle, precision: str, *, on_gpu: bool) -> str:
    if precision != "auto":
        return precision
    preferred = ("fp16", "fp32") if on_gpu else ("fp32", "fp16")
    for candidate in preferred:
        if bundle.has(GRAPH_FILES[candidate]):
            return candidate
    return preferred[0]


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
