"""ONNX Runtime on the CPU as an engine.

A graph runs on the one thread that calls it, so that nothing spins between windows; batches of
windows are spread over one such thread per core, which also does what the front end does before the
graph. `benchmarks/speed/settings.py` compares settings; where it was run last, their time relative
to what is done here was

    batch 1     two threads in the graph                               1.40
                optimisation level "extended" in place of "all"        1.20
                no memory pattern                                      1.11
                plain `run` in place of buffers bound once             1.01
                no arena, denormals as zero                            0.99 to 1.00
    batch 64    two threads in the graph, on a core more               0.98
                optimisation level "extended" in place of "all"        1.38
                no memory pattern, no arena, denormals as zero         0.99 to 1.00

So all but the threads stays at ONNX Runtime's defaults.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import GRAPH_FILES, Engine, Output, check_windows, join
from dlrsd.runtime.engines.onnx_session import first_line, import_onnxruntime, open_session

OUTPUTS = list(Output._fields)
# Windows per call: few enough to keep the graph's intermediates in the cache of the CPU, and enough
# to share what a call costs by itself.
_BATCH, _LEAST = 64, 16


class OnnxCpuEngine:
    """A bundle's graph in ONNX Runtime on the CPU; open it with `open_engine`."""

    name = "onnxruntime"
    device = "cpu"
    batch = _BATCH

    def __init__(
        self,
        bundle: Bundle,
        *,
        precision: str,
        threads: int,
        kinematics: Kinematics | None = None,
    ) -> None:
        self.version = str(import_onnxruntime().__version__)
        self.precision = precision
        self.threads = threads
        self.kinematics = kinematics
        self._session = open_session(bundle, GRAPH_FILES[precision])
        self._input = self._session.get_inputs()[0].name
        self._shape = (bundle.channels, bundle.window)
        self._bundle = bundle
        self._prepare = bundle.front_end.prepare(bundle.manifest.signal, kinematics)
        self._pool = ThreadPoolExecutor(threads)
        check_graph(self, self._session, bundle)
        self._run_one = _bind_one(
            self._session, bundle.front_end.graph_shape(bundle.manifest.signal)
        )

    def at(self, kinematics: Kinematics) -> OnnxCpuEngine:
        """The same graph, not opened again, for another machine or speed.

        Raises
        ------
        InputError
            If the bundle's windows do not fit it.
        """
        front_end, signal = self._bundle.front_end, self._bundle.manifest.signal
        front_end.require_kinematics(kinematics, signal, self._bundle.name)
        other = copy(self)
        other.kinematics, other._prepare = kinematics, front_end.prepare(signal, kinematics)
        return other

    def run(self, windows: ArrayLike) -> Output:
        array = check_windows(windows, self._shape)
        if is_cupy_array(array):
            raise InputError(
                "got windows on a GPU for an engine on the CPU: pass `windows.get()`, or open the "
                "engine with --device cuda"
            )
        n = len(array)
        if n == 1:
            return self._run_one(self._prepare(array))
        # Parts of one size, as many for every core, so that none waits for another at the end.
        rounds = -(-n // (self.batch * self.threads))
        size = -(-n // max(1, min(rounds * self.threads, n // _LEAST)))
        parts = [array[at : at + size] for at in range(0, n, size)]
        each = map if len(parts) == 1 or self.threads == 1 else self._pool.map
        return join(list(each(self.run_part, parts)))

    def run_part(self, windows: NDArray[Any]) -> Output:
        """Windows of one call of the graph, on the thread that calls."""
        return Output(*self._session.run(OUTPUTS, {self._input: self._prepare(windows)}))


def _bind_one(session: Any, shape: Sequence[int]) -> Callable[[NDArray[Any]], Output]:
    """A function that runs one window on the CPU, by way of arrays bound once and for all."""
    window = np.zeros((1, *shape), dtype=np.float32)
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, window)
    results = []
    for name, wide in output_shapes(session, 1):
        result = np.zeros(wide, dtype=np.float32)
        binding.bind_output(name, "cpu", 0, np.float32, wide, result.ctypes.data)
        results.append(result)
    probabilities, embedding, novelty = results
    lock = threading.Lock()

    def run(array: NDArray[Any]) -> Output:
        with lock:
            window[:] = array
            session.run_with_iobinding(binding)
            return Output(probabilities.copy(), embedding.copy(), novelty.copy())

    return run


def output_shapes(session: Any, size: int) -> list[tuple[str, tuple[int, ...]]]:
    """Name and shape of every output for ``size`` windows, in the order of `Output`.

    Raises
    ------
    BundleError
        If the graph leaves a size open.
    """
    shapes = {output.name: (size, *output.shape[1:]) for output in session.get_outputs()}
    if not all(isinstance(length, int) for name in OUTPUTS for length in shapes[name]):
        raise BundleError(
            f"a graph gives outputs of the shapes {str(shapes)[:200]}, expected sizes but for the "
            "first axis: export the bundle again"
        )
    return [(name, shapes[name]) for name in OUTPUTS]


def check_graph(engine: Engine, session: Any, bundle: Bundle) -> None:
    """One run of two windows of silence: the graph must give what the manifest promises."""
    check_names("gives", session.get_outputs(), OUTPUTS, bundle)
    shape = (bundle.channels, bundle.window)
    try:
        output = engine.run(np.zeros((2, *shape), dtype=np.float32))
    except DlrsdError:
        raise
    except Exception as error:
        raise BundleError(
            f"the graph of bundle {bundle.path} does not take windows of {shape} (channels, "
            f"samples): {first_line(error)}; export the bundle again"
        ) from error
    expected = (2, len(bundle.classes))
    if output.probabilities.shape != expected or output.novelty.shape != (2,):
        raise BundleError(
            f"the graph of bundle {bundle.path} gives probabilities of shape "
            f"{output.probabilities.shape} and novelty of {output.novelty.shape} for two "
            f"windows, the manifest says {expected} and (2,): export the bundle again"
        )


def check_names(does: str, tensors: Sequence[Any], expected: Sequence[str], bundle: Bundle) -> None:
    """Raise a `BundleError` if a graph, which ``does`` give or take tensors, lacks one."""
    names = [tensor.name for tensor in tensors]
    missing = [name for name in expected if name not in names]
    if missing:
        raise BundleError(
            f"the graph of bundle {bundle.path} {does} {', '.join(names)} but no "
            f"{', '.join(missing)}: export the bundle again"
        )
