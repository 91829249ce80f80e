"""Opening an ONNX file of a bundle in ONNX Runtime, which nobody has to trust.

`Bundle.graph` has looked at what the file holds. What it makes of two windows is tried first, in a
session that changes nothing and whose memory has an end. Constants are not computed ahead, which no
limit would hold for: export has done that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import BundleError, require
from dlrsd.runtime.bundle.bundle import Bundle

CPU = "CPUExecutionProvider"
_MOST_BYTES = 1 << 29  # of all that two windows become
_MOST_SECONDS = 10.0  # for opening a graph, and for two windows


def import_onnxruntime(*, extra: str = "cpu") -> Any:
    """ONNX Runtime, with its own warnings off standard error; where it is missing, of ``extra``."""
    runtime = require("onnxruntime", extra=extra, purpose="running a bundle's graph")
    runtime.set_default_logger_severity(3)
    return runtime


def open_session(bundle: Bundle, file: str, *, providers: Sequence[Any] = (CPU,)) -> Any:
    """A verified ONNX file of the bundle as a single-threaded `onnxruntime.InferenceSession`.

    Raises
    ------
    BundleError
        If the file is missing, damaged, holds what no graph of a bundle needs, takes more than
        512 MiB or 10 s for two windows, or is none that this ONNX Runtime can load.
    """
    runtime = import_onnxruntime()
    content = bundle.graph(file)
    options = session_options(runtime)
    where = bundle.path / file
    try:
        _try_out(runtime, content, bundle.manifest.graph.input_sizes)
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {runtime.__version__} cannot run {where} on two windows within "
            f"{_MOST_BYTES >> 20} MiB and {_MOST_SECONDS:g} s: {first_line(error)}; export the "
            "bundle again or upgrade onnxruntime"
        ) from error
    try:
        with _within(_MOST_SECONDS, getattr(options, "set_load_cancellation_flag", _ignore)):
            return runtime.InferenceSession(
                content,
                options,
                providers=list(providers),
                enable_fallback=0,
                disabled_optimizers=["ConstantFolding"],
            )
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {runtime.__version__} cannot load {where}: {first_line(error)}; export "
            "the bundle again or upgrade onnxruntime"
        ) from error


def session_options(runtime: Any) -> Any:
    """Of a session that runs on the thread that calls it."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def first_line(error: Exception) -> str:
    """What an error says, in one line that is short enough to read."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _try_out(runtime: Any, content: bytes, sizes: Mapping[str, Sequence[int]]) -> None:
    """Run a graph once on two windows of silence; ``sizes`` are for axes that it leaves free."""
    _limit_memory(runtime)
    options = session_options(runtime)
    options.log_severity_level = 4  # what fails is said by the error
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = runtime.InferenceSession(content, options, providers=[CPU], enable_fallback=0)
    run = runtime.RunOptions()
    run.log_severity_level = 4
    run.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    fed = {}
    for tensor in session.get_inputs():
        free = dict(enumerate(sizes.get(tensor.name, ())))
        axes = enumerate(tensor.shape[1:])
        shape = (2, *(size if isinstance(size, int) else free.get(at, 2) for at, size in axes))
        if 4 * prod(shape) > _MOST_BYTES:
            raise MemoryError(f"it takes {tensor.name} of shape {shape}")
        fed[tensor.name] = np.zeros(shape, np.float32)
    with _within(_MOST_SECONDS, lambda stop: setattr(run, "terminate", stop)):
        made = session.run(None, fed, run)
    if not all(np.isfinite(each).all() for each in made):
        raise ValueError("of silence it makes numbers that are none")


@cache
def _limit_memory(runtime: Any) -> None:
    """Sessions that ask for the environment's memory share this much of it; no other does."""
    kind, place = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, runtime.OrtMemType.DEFAULT
    memory = runtime.OrtMemoryInfo("Cpu", kind, 0, place)
    runtime.create_and_register_allocator(memory, runtime.OrtArenaCfg({"max_mem": _MOST_BYTES}))


@contextmanager
def _within(seconds: float, stop: Callable[[bool], object]) -> Iterator[None]:
    """Ask what is inside to stop after so long."""
    timer = threading.Timer(seconds, stop, (True,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _ignore(stop: bool) -> None:
    """Of ONNX Runtime before 1.21, which cannot be asked."""
