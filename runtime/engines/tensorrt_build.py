"""TensorRT engines from the bundle's ONNX graphs, ahead of time or on the box.

Networks are strongly typed: the precision is the graph's, there is no flag to get wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError, ParityError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.bundle.parts import Profile
from dlrsd.runtime.engines.tensorrt_package import log_of

# Windows per call that an engine is built for, where the manifest does not say.
PROFILE = Profile(min=1, opt=64, max=4096)


def build(
    trt: ModuleType,
    onnx: bytes,
    *,
    name: str,
    precision: str,
    shape: Sequence[int],
    profile: Profile,
    targets: Sequence[int] = (),
    timing_cache: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> bytes:
    """Build an engine from an ONNX graph.

    Parameters
    ----------
    trt : module
        Of `tensorrt_package`.
    onnx : bytes
        Content of its file; one input, batch first.
    name : str
        Of the file, for messages.
    precision : {"fp32", "fp16"}
        What the graph must turn out to be.
    shape : (int, int)
        Channels and samples of a window.
    profile : Profile
        Windows per call: the limits, and what kernels are chosen for.
    targets : ints
        Compute capabilities, of `check_targets`; none with ``tensorrt``.
    timing_cache : Path, optional
        Read and written with ``tensorrt``: kernels timed once are not timed again. TensorRT-RTX
        times nothing and has none; it keeps what it compiles on the box (`TensorRTEngine`).
    progress : function
        Takes the share done, 0 to 1, never less than before.

    Returns
    -------
    bytes
        The serialised engine.

    Raises
    ------
    BundleError
        If TensorRT refuses the graph; with TensorRT's reason.
    ParityError
        If its layers are not of ``precision``.
    """
    log = log_of(trt)
    log.reason = ""
    try:
        builder = trt.Builder(log)
    except TypeError as error:  # what the binding makes of a null pointer
        raise InputError(
            f"{trt.__name__} {trt.__version__} cannot build here ({log.reason or error}): expected "
            "the GPU to build for and its driver; see `nvidia-smi`"
        ) from error
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, log)
    if not parser.parse(onnx):
        raise _refused(trt, name, parser.get_error(0).desc() if parser.num_errors else log.reason)
    _require_precision(trt, network, precision, name)

    config = builder.create_builder_config()
    # A ten-bit mantissa may drown a weak band of the front end beside a strong one.
    config.clear_flag(trt.BuilderFlag.TF32)
    if hasattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
        config.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)  # or no CUDA graph in RTX
    optimization = builder.create_optimization_profile()
    sizes = [(size, *shape) for size in (profile.min, profile.opt, profile.max)]
    optimization.set_shape(network.get_input(0).name, *sizes)
    config.add_optimization_profile(optimization)
    if targets:
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{target}"), index)
    monitor = _monitor(trt, progress)
    config.progress_monitor = monitor
    if trt.__name__ == "tensorrt_rtx":
        timing_cache = None
    if timing_cache:
        _read_timing_cache(config, timing_cache)
    log.reason = ""
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _refused(trt, name, log.reason)
    if timing_cache:
        with contextlib.suppress(OSError):  # it only saves time
            write_cached(timing_cache, bytes(config.get_timing_cache().serialize()))
    progress(1.0)
    return bytes(plan)


def write_cached(path: Path, content: bytes) -> None:
    """Write a file of the user's cache, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomic(path) as file:
        file.write(content)


def _refused(trt: ModuleType, name: str, reason: str) -> DlrsdError:
    return BundleError(
        f"{trt.__name__} {trt.__version__} builds no engine from {name}: "
        f"{reason or 'it gives no reason'}; export the bundle again, or use ONNX Runtime"
    )


def _require_precision(trt: ModuleType, network: Any, precision: str, name: str) -> None:
    products = (trt.LayerType.CONVOLUTION, trt.LayerType.MATRIX_MULTIPLY)
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    types = [layer.get_output(0).dtype for layer in layers if layer.type in products]
    half = types.count(trt.float16)
    if (half > 0) != (precision == "fp16"):
        raise ParityError(
            f"{name} has {half} half-precision layers among {len(types)} convolutions and "
            f"matrix products, which is no {precision} network: export the bundle again"
        )


def _read_timing_cache(config: Any, path: Path) -> None:
    stored = b""
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
    cache = config.create_timing_cache(stored)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):  # damaged
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def _monitor(trt: ModuleType, progress: Callable[[float], None]) -> Any:
    """TensorRT's nested phases as one share: a phase fills the step that its parent is at."""
    base: Any = trt.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]
        def __init__(self) -> None:
            base.__init__(self)
            self._phases: dict[str, tuple[float, float, int]] = {}  # start, width, steps
            self._at: dict[str, float] = {}
            self._share = 0.0

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            start, width = 0.0, 1.0
            if parent in self._phases:
                start, (_, whole, parts) = self._at[parent], self._phases[parent]
                width = whole / parts
            self._phases[name] = (start, width, max(1, steps))
            self._at[name] = start

        def step_complete(self, name: str, step: int) -> bool:
            if name in self._phases:
                start, width, steps = self._phases[name]
                self._move(name, start + width * min(1.0, (step + 1) / steps))
            return True

        def phase_finish(self, name: str) -> None:
            if name in self._phases:
                start, width, _ = self._phases.pop(name)
                self._move(name, start + width)

        def _move(self, name: str, share: float) -> None:
            self._at[name] = share
            if share > self._share:
                self._share = share
                progress(share)

    return Monitor()
