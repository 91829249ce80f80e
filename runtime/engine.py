"""An engine runs a bundle's graph: raw windows in; probabilities, embedding and novelty out.

A sequence bundle's engine is an `OnnxSequenceEngine`, which also takes and returns its state. That
of a bundle whose graph takes order maps is an `OrderMapEngine`, which makes them of the windows.

`open_engine` chooses where a graph runs and in which precision. What it opens on a GPU survives
the GPU: a batch that finds no memory there is halved, and when the GPU stops answering the CPU goes
on with the very windows that failed. Both are said in one line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from array_api_compat import is_cupy_array
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.bundle import Bundle
from dlrsd.runtime.errors import DeviceLostError, DeviceMemoryError, DlrsdError, InputError
from dlrsd.runtime.hardware import count_gpus, usable_cores
from dlrsd.runtime.order_map import Kinematics, OrderMapConfig

ENGINES = ("auto", "onnxruntime", "tensorrt")
DEVICES = ("auto", "cpu", "cuda")
GRAPH_FILES = {
    "fp32": "diagnoser.onnx",
    "fp16": "diagnoser.fp16.onnx",
    "int8": "diagnoser.int8.onnx",
}
PRECISIONS = ("auto", *GRAPH_FILES)
_AGREEMENT = 0.995  # of the labels with fp32: less, and "auto" leaves a precision alone


class Output(NamedTuple):
    """What a graph says of n windows, float32: (n, K), (n, E) and (n,)."""

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    novelty: NDArray[np.float32]


class Engine(Protocol):
    """An open graph.

    ``name``, ``version``, ``device`` ("cpu" or "cuda") and ``precision`` go into the header record;
    ``threads`` are those of the CPU, ``batch`` is the number of windows per call of the graph.
    """

    name: str
    version: str
    device: str
    precision: str
    threads: int
    batch: int

    def run(self, windows: ArrayLike) -> Output:
        """Diagnose windows.

        Parameters
        ----------
        windows : array, shape (n > 0, channels, length)
            Real numbers of any dtype and layout, read-only ones too. On an engine on CUDA also a
            CuPy array, which stays on the GPU.

        Returns
        -------
        Output

        Raises
        ------
        InputError
            If there are none, or they have another shape.
        """
        ...


def print_to_stderr(line: str) -> None:
    """Say a line where it cannot mix with records on standard output."""
    print(line, file=sys.stderr, flush=True)


def open_engine(
    bundle: Bundle,
    *,
    engine: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    kinematics: Kinematics | None = None,
    say: Callable[[str], None] = print_to_stderr,
) -> Engine:
    """Open a bundle's graph.

    Parameters
    ----------
    bundle : Bundle
    engine : {"auto", "onnxruntime", "tensorrt"}
        "auto" takes TensorRT where the bundle has an engine or one was built here before, and a
        GPU with the packages for it is there; else ONNX Runtime.
    precision : {"auto", "fp32", "fp16", "int8"}
        "auto" takes fp16 on a GPU if by the manifest it agrees with fp32 on 99.5 % of the labels,
        else fp32: no CPU is known on which the other two are faster.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where one can be used.
    threads : int > 0, optional
        CPU threads; by default one per core this process may use. A sequence takes one.
    kinematics : Kinematics, optional
        The machine whose windows are diagnosed; a bundle with an order map needs it, as
        `stream_kinematics` or `trained_kinematics` gives it, and no other bundle takes it.
    say : callable
        Gets a line of text for what a user should know: a GPU that cannot be used or is lost, a
        batch halved, an engine built.

    Raises
    ------
    InputError
        If a choice is unknown or impossible here, ``threads`` is below 1, ``kinematics`` is
        missing or of no use, or the shaft turns too slowly or too fast for the bundle's windows.
    BundleError
        If the bundle lacks the graph, or the graph is not what the manifest says.
    ExtraMissingError
        If the engine's package is not installed.
    """
    for option, value, known in (
        ("engine", engine, ENGINES),
        ("precision", precision, PRECISIONS),
        ("device", device, DEVICES),
    ):
        if value not in known:
            raise InputError(f"got {option} {value!r}, expected one of {', '.join(known)}")
    if threads is not None and threads < 1:
        raise InputError(f"got {threads} threads, expected 1 or more")

    if kinematics is not None and bundle.order_map is None:
        raise InputError(f"bundle {bundle.name} has no use for a shaft's speed: leave it out")
    if bundle.is_sequence:
        _refuse_gpu(bundle, "sequence", engine, precision, device)
        return _open_sequence(bundle, precision)
    if bundle.order_map is not None:
        _refuse_gpu(bundle, "order map", engine, precision, device)
        return _open_order_map(bundle, bundle.order_map, kinematics, precision, threads)

    def open_on_cpu() -> Engine:
        from dlrsd.runtime.onnx_engine import OnnxCpuEngine

        chosen = _choose_precision(bundle, precision, device="cpu")
        return OnnxCpuEngine(bundle, precision=chosen, threads=threads or usable_cores())

    if engine == "tensorrt":
        if device == "cpu":
            raise InputError("TensorRT runs on a GPU only: use --device cuda or another --engine")
        device = "cuda"
    # An int8 graph is quantised for CPUs.
    if device == "auto" and (precision == "int8" or not count_gpus()):
        device = "cpu"
    if device == "cpu":
        return open_on_cpu()
    try:
        on_gpu = _open_on_gpu(bundle, engine, precision, say)
    except DlrsdError as error:
        if device == "cuda":
            raise
        say(f"the GPU is not used: {error}")
        return open_on_cpu()
    return ResilientEngine(on_gpu, open_on_cpu, say)


def _refuse_gpu(bundle: Bundle, what: str, engine: str, precision: str, device: str) -> None:
    if engine == "tensorrt" or device == "cuda" or precision == "int8":
        raise InputError(
            f"got engine {engine}, device {device} and precision {precision}: the {what} of bundle "
            f"{bundle.name} runs in ONNX Runtime on the CPU, in fp32 or fp16; omit them"
        )


def _open_sequence(bundle: Bundle, precision: str) -> Engine:
    from dlrsd.runtime.onnx_sequence import OnnxSequenceEngine

    return OnnxSequenceEngine(bundle, precision=_choose_precision(bundle, precision, device="cpu"))


def _open_order_map(
    bundle: Bundle,
    config: OrderMapConfig,
    kinematics: Kinematics | None,
    precision: str,
    threads: int | None,
) -> Engine:
    if kinematics is None:
        raise InputError(
            f"bundle {bundle.name} looks for the orders of bearing faults and needs the shaft's "
            "speed: give --speed RPM, or speed_rpm in the sidecar"
        )
    from dlrsd.runtime.order_map_engine import OrderMapEngine

    chosen = _choose_precision(bundle, precision, device="cpu")
    return OrderMapEngine(
        bundle, config, kinematics, precision=chosen, threads=threads or usable_cores()
    )


def check_windows(windows: ArrayLike, shape: tuple[int, int]) -> Any:
    """The windows as an array, which is not copied if it is one.

    Parameters
    ----------
    windows : array, shape (n > 0, channels, length)
    shape : tuple
        Channels and length they must have.

    Raises
    ------
    InputError
        If there are no windows, or they have another shape or are not real numbers.
    """
    array: Any = windows if hasattr(windows, "dtype") else np.asarray(windows)
    if array.ndim != 3 or array.shape[1:] != shape or not len(array):
        raise InputError(
            f"got windows of shape {tuple(array.shape)}, expected (n, {shape[0]}, {shape[1]}) with "
            "n of 1 or more: cut windows of the bundle's channels and length"
        )
    if array.dtype.kind not in "fiub":
        raise InputError(f"got windows of {array.dtype}, expected real numbers: convert them")
    return array


def join(outputs: list[Output]) -> Output:
    """Outputs of consecutive windows as one."""
    if len(outputs) == 1:
        return outputs[0]
    return Output(*map(np.concatenate, zip(*outputs, strict=True)))


class ResilientEngine:
    """An engine on a GPU that halves its batch for want of memory and goes on without the GPU.

    Parameters
    ----------
    engine : Engine
        On a GPU; raises `DeviceMemoryError` and `DeviceLostError`.
    open_fallback : callable
        Opens the engine that goes on when the GPU is lost.
    say : callable
        Gets one line for each such event.
    """

    batch: int

    def __init__(
        self, engine: Engine, open_fallback: Callable[[], Engine], say: Callable[[str], None]
    ) -> None:
        self._open_fallback = open_fallback
        self._say = say
        self._use(engine)

    def run(self, windows: ArrayLike) -> Output:
        array: Any = windows if hasattr(windows, "dtype") else np.asarray(windows)
        if array.ndim != 3 or not len(array):
            return self._engine.run(array)  # says what is wrong with it
        outputs: list[Output] = []
        done = 0
        while done < len(array):
            if self.device == "cpu" and is_cupy_array(array):
                array = _to_host(array)
            some = array[done : done + self.batch] if self.device == "cuda" else array[done:]
            try:
                outputs.append(self._engine.run(some))
                done += len(some)
            except DeviceMemoryError as error:
                if len(some) == 1:
                    self._go_on_without(error)
                else:
                    self.batch = len(some) // 2
                    self._say(f"{error}: the batch of {len(some)} windows is halved")
            except DeviceLostError as error:
                self._go_on_without(error)
        return join(outputs)

    def _go_on_without(self, error: DlrsdError) -> None:
        # Freeing what lies on a GPU that is gone may end the process.
        self._lost = self._engine
        try:
            fallback = self._open_fallback()
        except DlrsdError as reason:
            raise DeviceLostError(f"{error}, and the CPU cannot go on: {reason}") from reason
        self._say(f"{error}: goes on with ONNX Runtime on the CPU, no window is lost")
        self._use(fallback)

    def _use(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.version = engine.name, engine.version
        self.device, self.precision = engine.device, engine.precision
        self.threads, self.batch = engine.threads, engine.batch


def _open_on_gpu(bundle: Bundle, engine: str, precision: str, say: Callable[[str], None]) -> Engine:
    chosen = _choose_precision(bundle, precision, device="cuda")
    if not count_gpus():
        raise InputError(
            "there is no GPU that the NVIDIA driver offers, expected one for --device cuda or "
            "TensorRT: check `nvidia-smi`, or use --device cpu with --engine onnxruntime"
        )
    from dlrsd.runtime.tensorrt_cache import has_engine

    if engine == "tensorrt" or (engine == "auto" and has_engine(bundle, chosen)):
        from dlrsd.runtime.tensorrt_engine import TensorRTEngine

        return TensorRTEngine(bundle, precision=chosen, say=say)
    from dlrsd.runtime.onnx_cuda import OnnxCudaEngine, offers_cuda

    if not offers_cuda():
        raise InputError(
            "the onnxruntime installed here has no CUDA, expected onnxruntime-gpu: run `pip "
            "uninstall onnxruntime` and `pip install 'dlrsd[gpu]'`, or use --engine tensorrt"
        )
    return OnnxCudaEngine(bundle, precision=chosen)


def _choose_precision(bundle: Bundle, precision: str, *, device: str) -> str:
    if precision != "auto":
        return precision
    fast = "fp16" if device == "cuda" else "fp32"
    if bundle.has(GRAPH_FILES[fast]) and _agreement(bundle, fast) >= _AGREEMENT:
        return fast
    present = [name for name, file in GRAPH_FILES.items() if bundle.has(file)]
    return present[0] if present else "fp32"


def _agreement(bundle: Bundle, precision: str) -> float:
    """Share of labels as in fp32; older bundles state it against the trained model only."""
    facts = bundle.manifest["parity"].get(precision, {})
    return float(facts.get("fp32_agreement", facts.get("label_agreement", 0.0)))


def _to_host(array: Any) -> NDArray[Any]:
    try:
        return np.asarray(array.get())
    except Exception as error:
        raise DeviceLostError(
            "the GPU is gone, and with it windows that were nowhere else: pass NumPy arrays to "
            "lose none"
        ) from error
