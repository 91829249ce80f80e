"""The TensorRT package of this machine: which one, for which GPUs, and what it says went wrong.

Two packages share one Python interface. ``tensorrt_rtx`` (TensorRT-RTX, for x86 machines with a
GeForce or RTX GPU) needs no GPU to build: one engine serves several compute capabilities, its last
step is compiled on the box. ``tensorrt`` (majors 10 and 11: JetPack's own, data-centre GPUs) times
kernels on the GPU it builds for, and only for that one.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from dlrsd.runtime.base.caches import keep_kernels_here
from dlrsd.runtime.base.errors import ExtraMissingError, InputError

# What a TensorRT-RTX engine serves unless told otherwise: A100, RTX 30, RTX 40 and RTX 50. One more
# target adds a few bytes and no time, for the kernels are compiled on the box.
PORTABLE = (80, 86, 89, 120)
_MAJORS = {"tensorrt": ("10", "11"), "tensorrt_rtx": ("1",)}


def tensorrt_package(capability: int | None = None) -> ModuleType:
    """Import ``tensorrt_rtx``, else ``tensorrt``.

    Parameters
    ----------
    capability : int, optional
        Compute capability of the GPU it must serve, such as 86; ``tensorrt_rtx`` serves few.

    Raises
    ------
    ExtraMissingError
        If neither can be imported or serves the GPU; says what to install on which machine.
    """
    found = []
    for name in ("tensorrt_rtx", "tensorrt"):
        try:
            trt = importlib.import_module(name)
        except (ImportError, OSError) as error:
            found.append(f"{name}: {error}")
            continue
        if trt.__version__.split(".")[0] not in _MAJORS[name]:
            found.append(f"{name} {trt.__version__} is not of major {' or '.join(_MAJORS[name])}")
        elif name == "tensorrt_rtx" and capability and capability not in _capabilities(trt):
            found.append(f"{name} {trt.__version__} does not serve sm{capability}")
        else:
            return trt
    raise ExtraMissingError(
        f"TensorRT engines need the package 'tensorrt_rtx' or 'tensorrt' ({'; '.join(found)}): on "
        "x86 with a GeForce or RTX GPU, or to build with no GPU, run `pip install 'dlrsd[rtx]'`; "
        "with a data-centre GPU (H100, H200) run `pip install 'dlrsd[tensorrt]'`; on a "
        "Jetson use JetPack's own (`apt install tensorrt`, then a virtual environment with "
        "--system-site-packages)"
    )


def import_cupy() -> Any:
    """CuPy, whose arrays, streams and CUDA graphs TensorRT is used with.

    Raises
    ------
    ExtraMissingError
        If it is not installed.
    """
    keep_kernels_here()
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise ExtraMissingError(
            f"TensorRT on this machine's GPU needs the package 'cupy' ({error}): run `pip install "
            "cupy-cuda13x`, or cupy-cuda12x where CUDA is 12, as in JetPack 6"
        ) from error


def device_capability() -> int:
    """Compute capability of the current GPU, such as 86.

    Raises
    ------
    ExtraMissingError
        If CuPy is not installed.
    InputError
        If there is no GPU.
    """
    cupy = import_cupy()
    try:
        return int(cupy.cuda.Device().compute_capability)
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise InputError(
            f"no CUDA GPU answers here ({error}), which TensorRT needs: see that `nvidia-smi` "
            "lists one, or use ONNX Runtime with --engine onnxruntime"
        ) from error


def check_targets(trt: ModuleType, targets: Sequence[int]) -> tuple[int, ...]:
    """The compute capabilities to build for: those asked for, or `PORTABLE`.

    Returns
    -------
    tuple of int
        Empty for ``tensorrt``, which builds for the GPU it runs on.

    Raises
    ------
    InputError
        If the package cannot build for one of them.
    """
    if trt.__name__ == "tensorrt":
        if targets:
            raise InputError(
                f"got --sm {targets[0]}, but the package 'tensorrt' builds for the GPU it runs on: "
                "leave --sm out, or run `pip install 'dlrsd[rtx]'` to build for other GPUs"
            )
        return ()
    known = _capabilities(trt)
    for target in targets:
        if target not in known:
            raise InputError(
                f"got --sm {target}, but TensorRT-RTX {trt.__version__} builds for "
                f"{', '.join(map(str, known))}: choose among these, or leave it out, and a box "
                "with another GPU (a Jetson Orin is 87, an H100 90) builds its own engine with "
                "the package 'tensorrt'"
            )
        if target < 80:
            raise InputError(
                f"got --sm {target}, but TensorRT-RTX has no float32 matrix product for that GPU "
                "and the front end computes in float32: expected 80 or above; use ONNX Runtime "
                "there"
            )
    return tuple(sorted(set(targets or PORTABLE)))


@functools.cache
def log_of(trt: ModuleType) -> Any:
    """The package's one logger: silent, its ``reason`` holds the first error since it was cleared.

    TensorRT keeps the first logger it was given for the life of the process.
    """
    base: Any = trt.ILogger

    class Log(base):  # type: ignore[misc]
        def __init__(self) -> None:
            base.__init__(self)
            self.reason = ""

        def log(self, severity: Any, message: str) -> None:
            if severity in (base.ERROR, base.INTERNAL_ERROR) and not self.reason:
                self.reason = " ".join(message.split())

    return Log()


def _capabilities(trt: ModuleType) -> list[int]:
    names = trt.ComputeCapability.__members__
    return sorted(int(name[2:]) for name in names if name.startswith("SM"))
