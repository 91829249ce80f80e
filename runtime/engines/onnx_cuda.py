"""ONNX Runtime on CUDA as an engine: buffers that stay on the GPU, and captured CUDA graphs."""

from __future__ import annotations

import threading
from contextlib import redirect_stdout, suppress
from io import StringIO
from itertools import count
from typing import Any

from numpy.typing import ArrayLike

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.base.hardware import device_error
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import GRAPH_FILES, Output, check_windows, join
from dlrsd.runtime.engines.onnx_buffers import BoundBuffers
from dlrsd.runtime.engines.onnx_cpu import check_graph
from dlrsd.runtime.engines.onnx_session import CPU, import_onnxruntime, open_session

_CUDA = "CUDAExecutionProvider"
_LARGEST = 4096  # windows per call where the bundle's profile does not say


class OnnxCudaEngine:
    """A bundle's graph in ONNX Runtime on CUDA; open it with `open_engine`.

    A batch is filled up to the next power of two, and each of these sizes has buffers on the GPU
    and a captured CUDA graph of its own, made when the size first comes up.
    """

    name = "onnxruntime"
    device = "cuda"
    threads = 1
    kinematics: Kinematics | None = None

    def __init__(self, bundle: Bundle, *, precision: str) -> None:
        self.version = str(import_onnxruntime().__version__)
        self.precision = precision
        profile = bundle.manifest.graph.profile
        self.batch = profile.max if profile else _LARGEST
        self._session, self._captures = open_cuda_session(bundle, GRAPH_FILES[precision])
        self._shape = (bundle.channels, bundle.window)
        self._buffers: dict[int, BoundBuffers] = {}
        self._graph_ids = count(1)
        self._lock = threading.Lock()  # ONNX Runtime replays a captured graph for one at a time
        check_graph(self, self._session, bundle)

    def run(self, windows: ArrayLike) -> Output:
        array = check_windows(windows, self._shape)
        with self._lock:
            return join(
                [self._run(array[at : at + self.batch]) for at in range(0, len(array), self.batch)]
            )

    def _run(self, windows: Any) -> Output:
        size = 1 << (len(windows) - 1).bit_length()
        try:
            if size not in self._buffers:
                # A graph captured with buffers that failed must never be replayed with new ones.
                graph_id = next(self._graph_ids) if self._captures else -1
                self._buffers[size] = BoundBuffers(
                    self._session, size, self._shape, device="cuda", graph_id=graph_id
                )
            return self._buffers[size].run(windows)
        except Exception as error:
            self._buffers.pop(size, None)
            known = device_error(error)
            if known is None:
                raise
            raise known from error


def offers_cuda() -> bool:
    """Whether the ONNX Runtime installed here is one with CUDA."""
    return _CUDA in import_onnxruntime(extra="gpu").get_available_providers()


def open_cuda_session(bundle: Bundle, file: str, *, capture: bool = True) -> tuple[Any, bool]:
    """The session, and whether it captures CUDA graphs: it cannot if it needs the CPU as well."""
    runtime = import_onnxruntime()
    if hasattr(runtime, "preload_dlls"):
        # Finds the CUDA libraries that pip installed. What it cannot find it prints on standard
        # output, where the records go.
        with redirect_stdout(StringIO()):
            runtime.preload_dlls()
    # TF32 would round float32 products to 10 bits: fp32 has to mean the same on every device. An
    # exhaustive search for convolutions would come again with every size of batch.
    options = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    capturing = options | {"enable_cuda_graph": "1"}
    session = None
    if capture:
        with suppress(BundleError):
            session = open_session(bundle, file, providers=[(_CUDA, capturing), CPU])
    captures = session is not None
    session = session or _open_without_capture(bundle, file, options)
    if session.get_providers()[0] != _CUDA:
        raise InputError(
            f"onnxruntime-gpu {runtime.__version__} is installed but cannot start CUDA, "
            "its own line above says why: run `pip install 'onnxruntime-gpu[cuda,cudnn]'` for the "
            "libraries it needs"
        )
    return session, captures


def _open_without_capture(bundle: Bundle, file: str, options: dict[str, str]) -> Any:
    try:
        return open_session(bundle, file, providers=[(_CUDA, options), CPU])
    except BundleError as error:
        # ONNX Runtime's own error: too old a driver is no fault of the bundle.
        cause = error.__cause__
        known = device_error(cause) if isinstance(cause, Exception) else None
        if known is None:
            raise
        raise known from cause
