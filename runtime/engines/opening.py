"""Opening a bundle's graph: where it runs and in which precision.

What is opened on a GPU survives the GPU (`resilient`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.hardware import count_gpus, usable_cores
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig
from dlrsd.runtime.engines.engine import DEVICES, ENGINES, GRAPH_FILES, PRECISIONS, Engine
from dlrsd.runtime.engines.resilient import ResilientEngine

_AGREEMENT = 0.995  # of the labels with fp32: less, and "auto" leaves a precision alone


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
        from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine

        chosen = choose_precision(bundle, precision, device="cpu")
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
    from dlrsd.runtime.engines.onnx_sequence import OnnxSequenceEngine

    return OnnxSequenceEngine(bundle, precision=choose_precision(bundle, precision, device="cpu"))


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
    from dlrsd.runtime.engines.order_map import OrderMapEngine

    chosen = choose_precision(bundle, precision, device="cpu")
    return OrderMapEngine(
        bundle, config, kinematics, precision=chosen, threads=threads or usable_cores()
    )


def _open_on_gpu(bundle: Bundle, engine: str, precision: str, say: Callable[[str], None]) -> Engine:
    chosen = choose_precision(bundle, precision, device="cuda")
    if not count_gpus():
        raise InputError(
            "there is no GPU that the NVIDIA driver offers, expected one for --device cuda or "
            "TensorRT: check `nvidia-smi`, or use --device cpu with --engine onnxruntime"
        )
    from dlrsd.runtime.engines.tensorrt_cache import has_engine

    if engine == "tensorrt" or (engine == "auto" and has_engine(bundle, chosen)):
        from dlrsd.runtime.engines.tensorrt_engine import TensorRTEngine

        return TensorRTEngine(bundle, precision=chosen, say=say)
    from dlrsd.runtime.engines.onnx_cuda import OnnxCudaEngine, offers_cuda

    if not offers_cuda():
        raise InputError(
            "the onnxruntime installed here has no CUDA, expected onnxruntime-gpu: run `pip "
            "uninstall onnxruntime` and `pip install 'dlrsd[gpu]'`, or use --engine tensorrt"
        )
    return OnnxCudaEngine(bundle, precision=chosen)


def choose_precision(bundle: Bundle, precision: str, *, device: str) -> str:
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
