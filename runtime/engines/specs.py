"""The engines there are, each with what it can do; a new one is a file of its own and an entry.

Implementations are imported in functions, when one is opened: what the others import would delay
the first diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.hardware import count_gpus, usable_cores
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import Engine


class Request(Struct, frozen=True):
    """What an engine is opened with; ``precision`` is chosen, ``threads`` None is one per core."""

    bundle: Bundle
    precision: str
    threads: int | None
    kinematics: Kinematics | None
    say: Callable[[str], None]


class EngineSpec(Struct, frozen=True):
    """An engine that `open_engine` may choose.

    Parameters
    ----------
    name : str
        As a user asks for it.
    device : {"cpu", "cuda"}
    precisions : tuple of str
        Of the graphs it runs.
    open : function of a Request
        Returns the open engine.
    is_at_hand : function of a bundle and a precision
        Whether it is worth trying where the user did not ask for it.
    is_stateful : bool
        Whether it carries a state from window to window.
    makes_inputs : bool
        Whether it makes graph inputs of windows on the host, as some front ends need.
    """

    name: str
    device: str
    precisions: tuple[str, ...]
    open: Callable[[Request], Engine]
    is_at_hand: Callable[[Bundle, str], bool] = lambda bundle, precision: True
    is_stateful: bool = False
    makes_inputs: bool = False

    def serves(self, bundle: Bundle) -> bool:
        """Whether it can run the bundle's graph at all."""
        can_feed = self.makes_inputs or not bundle.front_end.is_on_host
        return self.is_stateful == bundle.manifest.is_stateful and can_feed

    def precisions_of(self, bundle: Bundle) -> list[str]:
        """Those of its precisions in which there are graphs of such bundles."""
        return [name for name in self.precisions if name in bundle.manifest.precisions]


def _open_onnx_cpu(request: Request) -> Engine:
    from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine

    return OnnxCpuEngine(
        request.bundle,
        precision=request.precision,
        threads=request.threads or usable_cores(),
        kinematics=request.kinematics,
    )


def _open_onnx_sequence(request: Request) -> Engine:
    from dlrsd.runtime.engines.onnx_sequence import OnnxSequenceEngine

    return OnnxSequenceEngine(request.bundle, precision=request.precision)


def _open_onnx_cuda(request: Request) -> Engine:
    _require_gpu()
    from dlrsd.runtime.engines.onnx_cuda import OnnxCudaEngine, offers_cuda

    if not offers_cuda():
        raise InputError(
            "the onnxruntime installed here has no CUDA, expected onnxruntime-gpu: run `pip "
            "uninstall onnxruntime` and `pip install 'dlrsd[gpu]'`, or use --engine tensorrt"
        )
    return OnnxCudaEngine(request.bundle, precision=request.precision)


def _open_tensorrt(request: Request) -> Engine:
    _require_gpu()
    from dlrsd.runtime.engines.tensorrt_engine import TensorRTEngine

    return TensorRTEngine(request.bundle, precision=request.precision, say=request.say)


def _is_onnx_cuda_at_hand(bundle: Bundle, precision: str) -> bool:
    return precision != "int8" and count_gpus() > 0  # an int8 graph is quantised for CPUs


def _is_tensorrt_at_hand(bundle: Bundle, precision: str) -> bool:
    if not count_gpus():
        return False
    from dlrsd.runtime.engines.tensorrt_cache import has_engine

    return has_engine(bundle, precision)


def _require_gpu() -> None:
    if not count_gpus():
        raise InputError(
            "there is no GPU that the NVIDIA driver offers, expected one for --device cuda or "
            "TensorRT: check `nvidia-smi`, or use --device cpu with --engine onnxruntime"
        )


# The one that is tried first comes first.
SPECS = (
    EngineSpec("tensorrt", "cuda", ("fp32", "fp16"), _open_tensorrt, _is_tensorrt_at_hand),
    EngineSpec(
        "onnxruntime", "cuda", ("fp32", "fp16", "int8"), _open_onnx_cuda, _is_onnx_cuda_at_hand
    ),
    EngineSpec("onnxruntime", "cpu", ("fp32", "fp16", "int8"), _open_onnx_cpu, makes_inputs=True),
    EngineSpec("onnxruntime", "cpu", ("fp32", "fp16"), _open_onnx_sequence, is_stateful=True),
)


def specs_of(bundle: Bundle) -> list[EngineSpec]:
    """Engines that can run a bundle's graph, wherever they may be installed."""
    return [spec for spec in SPECS if spec.serves(bundle)]
