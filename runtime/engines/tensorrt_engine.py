"""A bundle's graph as a TensorRT engine: CuPy buffers, and one CUDA graph per size of batch.

A batch is padded to one of a few sizes. For each size the copy from pinned host memory, the
engine's kernels and the copy back are captured once; a call then is one launch and one wait.
Windows that are on the GPU already are copied there, not by way of the host.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array
from numpy.typing import ArrayLike

from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.base.hardware import device_error
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import Output, check_windows, join
from dlrsd.runtime.engines.tensorrt_build import write_cached
from dlrsd.runtime.engines.tensorrt_cache import (
    engine_file,
    find,
    profile_of,
    rebuild,
    this_machine,
)
from dlrsd.runtime.engines.tensorrt_package import import_cupy, log_of, tensorrt_package

SIZES = (1, 64, 1024)  # of batches, and the profile's largest; a batch takes the next larger one
_ALIGNMENT = 256  # of a tensor's address, as TensorRT asks


class TensorRTEngine:
    """A bundle's graph in TensorRT or TensorRT-RTX; open it with `open_engine`.

    Parameters
    ----------
    bundle : Bundle
    precision : {"fp32", "fp16"}
    say : function
        Takes the lines that tell of an engine that did not fit and was built anew.

    Raises
    ------
    ExtraMissingError, InputError
        If CuPy, TensorRT or a GPU is missing.
    BundleError
        If TensorRT refuses the graph.
    """

    device = "cuda"
    threads = 1
    kinematics: Kinematics | None = None

    def __init__(self, bundle: Bundle, *, precision: str, say: Callable[[str], None]) -> None:
        machine = this_machine()
        self.name, self.version, self.precision = machine.package, machine.version, precision
        self._trt = tensorrt_package(machine.capability)
        self._cupy = import_cupy()
        self._shape = (bundle.channels, bundle.window)
        self._classes = len(bundle.classes)
        profile = profile_of(bundle)
        self.batch = profile.max
        inside = {size for size in SIZES if profile.min <= size < self.batch}
        self._sizes = sorted(inside | {self.batch})
        self.slots: dict[int, _Slot] = {}
        self._lock = threading.Lock()  # a slot has one set of buffers
        with self._errors():
            self._stream = self._cupy.cuda.Stream(non_blocking=True)
            self._runtime = _open_runtime(self._trt)  # must outlive the engine
            plans, why = find(bundle, precision, machine)
            engine = None
            for plan in plans:
                engine, refusal = self.deserialise(plan)
                if engine is not None:
                    break
                why = f"the engine cannot be loaded ({refusal})"
            else:
                plan = rebuild(bundle, precision, machine, why=why, say=say)
                engine, refusal = self.deserialise(plan)
                if engine is None:
                    raise BundleError(
                        f"{self.name} {self.version} cannot load the engine it has built: "
                        f"{refusal}; use --engine onnxruntime"
                    )
            self._compiled = _Compiled(engine, engine_file(bundle, precision, machine))

    def run(self, windows: ArrayLike) -> Output:
        """Diagnose windows; see `Engine.run`. CuPy arrays stay on the GPU, results leave it."""
        array = check_windows(windows, self._shape)
        starts = range(0, len(array), self.batch)
        with self._lock:
            return join([self._run(array[at : at + self.batch]) for at in starts])

    def _run(self, windows: Any) -> Output:
        size = next(size for size in self._sizes if size >= len(windows))
        with self._errors():
            if size not in self.slots:
                self.slots[size] = self._new_slot(size)
            return self.slots[size].run(windows)

    def _new_slot(self, size: int) -> _Slot:
        log = log_of(self._trt)
        log.reason = ""
        context = self._compiled.new_context(self._trt)
        if context is None:
            raise RuntimeError(f"CUDA gave TensorRT no context: {log.reason}")
        slot = _Slot(self._cupy, context, self._stream, (size, *self._shape), log)
        self._compiled.save()
        return slot

    def deserialise(self, plan: bytes) -> tuple[Any, str]:
        """The engine, or None and the reason."""
        log = log_of(self._trt)
        log.reason = ""
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            return None, log.reason or "TensorRT gives no reason"
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        if sorted(names) != sorted(("waveform", *Output._fields)):
            return None, f"its tensors are {', '.join(names)}"
        largest = tuple(engine.get_tensor_profile_shape("waveform", 0)[2])
        if largest != (self.batch, *self._shape):
            return None, f"it takes {largest} at most, expected {(self.batch, *self._shape)}"
        classes = tuple(engine.get_tensor_shape("probabilities"))[-1]
        if classes != self._classes:
            return None, f"it tells {classes} classes, expected {self._classes}"
        return engine, ""

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of the GPU as `DeviceMemoryError` and `DeviceLostError`."""
        try:
            yield
        except DlrsdError:
            raise
        except Exception as error:
            known = device_error(error)
            if known is None:
                raise
            with contextlib.suppress(Exception):  # on a GPU that is gone
                self._cupy.get_default_memory_pool().free_all_blocks()
            raise known from error


class _Compiled:
    """Contexts of an engine; TensorRT-RTX compiles kernels for them, kept in the user's cache."""

    def __init__(self, engine: Any, file: Path) -> None:
        self._engine = engine
        self._file = file.with_suffix(".kernels")
        self._config = self._cache = None
        self._stored = b""

    def new_context(self, trt: Any) -> Any:
        user_managed = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        if trt.__name__ != "tensorrt_rtx":
            return self._engine.create_execution_context(user_managed)
        if self._config is None:
            config = self._engine.create_runtime_config()
            config.set_execution_context_allocation_strategy(user_managed)
            # Sizes are few and captured at once: each gets its own kernels before that.
            eager = trt.DynamicShapesKernelSpecializationStrategy.EAGER
            config.dynamic_shapes_kernel_specialization_strategy = eager
            cache = config.create_runtime_cache()
            with contextlib.suppress(OSError):
                self._stored = self._file.read_bytes()
                cache.deserialize(self._stored)  # what is damaged or of another GPU it refuses
            config.set_runtime_cache(cache)
            self._config, self._cache = config, cache
        return self._engine.create_execution_context(self._config)

    def save(self) -> None:
        content = bytes(self._cache.serialize() or b"") if self._cache is not None else b""
        if content not in (b"", self._stored):
            with contextlib.suppress(OSError):  # it only saves time
                write_cached(self._file, content)
                self._stored = content


class _Slot:
    """Context, buffers and CUDA graphs for batches of one size, all on one stream."""

    def __init__(
        self, cupy: Any, context: Any, stream: Any, shape: tuple[int, ...], log: Any
    ) -> None:
        self._cupy, self._context, self._stream, self._log = cupy, context, stream, log
        if not context.set_input_shape("waveform", shape):
            raise RuntimeError(f"CUDA takes no batch of shape {shape} of TensorRT: {log.reason}")
        with stream:
            scratch = context.update_device_memory_size_for_shapes()
            self._scratch = cupy.empty(max(1, scratch), dtype=np.uint8)
            context.set_device_memory(self._scratch.data.ptr, scratch)
            self._input = cupy.zeros(shape, dtype=np.float32)
            shapes = {name: tuple(context.get_tensor_shape(name)) for name in Output._fields}
            offsets, total = offsets_of(list(shapes.values()))
            self._output = cupy.empty(total, dtype=np.uint8)
        self._pinned = [cupy.cuda.alloc_pinned_memory(n) for n in (self._input.nbytes, total)]
        host_input, host_output = (
            np.frombuffer(memory, dtype=np.float32, count=n // 4)
            for memory, n in zip(self._pinned, (self._input.nbytes, total), strict=True)
        )
        self._host_input = host_input.reshape(shape)
        self._host_input[:] = 0
        self._host_output = host_output
        self._results = [
            host_output[at // 4 : at // 4 + prod(each)].reshape(each)
            for at, each in zip(offsets, shapes.values(), strict=True)
        ]
        context.set_tensor_address("waveform", self._input.data.ptr)
        for name, at in zip(shapes, offsets, strict=True):
            context.set_tensor_address(name, self._output.data.ptr + at)
        # The first call compiles and settles what a capture must not meet.
        self._enqueue(from_host=True)
        stream.synchronize()
        self.graphs = {from_host: self._capture(from_host) for from_host in (True, False)}

    def run(self, windows: Any) -> Output:
        """Windows (n, channels, length), n at most the slot's size, of NumPy or CuPy."""
        n = len(windows)
        from_host = not is_cupy_array(windows)
        if from_host:
            np.copyto(self._host_input[:n], windows, casting="unsafe")
        else:
            self._stream.wait_event(self._cupy.cuda.get_current_stream().record())
            with self._stream:
                self._input[:n] = windows
        graph = self.graphs[from_host]
        if graph is None:
            self._enqueue(from_host)
        else:
            graph.launch(self._stream)
        self._stream.synchronize()
        return Output(*(result[:n].copy() for result in self._results))

    def _enqueue(self, from_host: bool) -> None:
        runtime, stream = self._cupy.cuda.runtime, self._stream.ptr
        if from_host:
            source, to = self._host_input, self._input
            runtime.memcpyAsync(
                to.data.ptr, source.ctypes.data, to.nbytes, runtime.memcpyHostToDevice, stream
            )
        self._log.reason = ""
        if not self._context.execute_async_v3(stream):
            raise RuntimeError(f"CUDA did not run a batch of TensorRT: {self._log.reason}")
        source, to = self._output, self._host_output
        runtime.memcpyAsync(
            to.ctypes.data, source.data.ptr, source.nbytes, runtime.memcpyDeviceToHost, stream
        )

    def _capture(self, from_host: bool) -> Any:
        """The calls as one CUDA graph, or None where this engine cannot be captured."""
        capturable = getattr(self._context, "is_stream_capturable", None)  # TensorRT-RTX
        if capturable is not None and not capturable(self._stream.ptr):
            return None
        try:
            self._stream.begin_capture()
            try:
                self._enqueue(from_host)
            finally:
                graph = self._stream.end_capture()
        except RuntimeError:  # a GPU that is gone says so again at the next call
            return None
        return graph


def _open_runtime(trt: Any) -> Any:
    log = log_of(trt)
    log.reason = ""
    try:
        return trt.Runtime(log)
    except TypeError as error:  # what the binding makes of a null pointer
        raise InputError(
            f"{trt.__name__} {trt.__version__} cannot start on this GPU ({log.reason or error}): "
            "expected a driver that is new enough for it; see `nvidia-smi`, or use --engine "
            "onnxruntime"
        ) from error


def offsets_of(shapes: list[tuple[int, ...]]) -> tuple[list[int], int]:
    """Aligned byte offsets of float32 tensors in one buffer, and its size, a multiple of 4."""
    offsets, end = [], 0
    for shape in shapes:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        offsets.append(start)
        end = start + 4 * prod(shape)
    return offsets, end
