"""What this machine computes with, found without any package, and what errors of its GPU mean."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

from dlrsd.runtime.base.errors import DeviceLostError, DeviceMemoryError, DlrsdError

# What the x86-64 and the 64-bit Arm kernel call the products of 8-bit integers that make int8
# graphs faster than float ones.
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "asimddp"}
_DRIVERS = {"Windows": "nvcuda.dll"}
# As ONNX Runtime, CuPy and the CUDA libraries word it.
_NO_MEMORY = ("out of memory", "outofmemory", "failed to allocate", "alloc_failed")
_OF_A_GPU = ("cuda", "cudnn", "cublas", "cufft", "gpu")


def usable_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_int8_products(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU multiplies 8-bit integers natively (VNNI, or dot products on Arm).

    Parameters
    ----------
    cpuinfo : Path
        The kernel's description of the CPU; where there is none the answer is no.
    """
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2] for line in lines if line.lower().startswith(("flags", "feat")))
    return any(_INT8_FLAGS & set(words.split()) for words in flags)


def count_gpus() -> int:
    """CUDA devices that the NVIDIA driver offers this process."""
    try:
        driver = ctypes.CDLL(_DRIVERS.get(platform.system(), "libcuda.so.1"))
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def device_error(error: Exception) -> DlrsdError | None:
    """What an error that came out of a computation on a GPU says of the GPU.

    Parameters
    ----------
    error : Exception
        From ONNX Runtime, CuPy or TensorRT, which agree on no class for it but name CUDA in its
        text.

    Returns
    -------
    DeviceMemoryError, DeviceLostError or None
        Lost for every error of CUDA but that of memory: most of them stay with the process, so
        that no later call on the GPU can be trusted. None where the error is not of a GPU.
    """
    if isinstance(error, (DeviceMemoryError, DeviceLostError)):
        return error
    text = " ".join(str(error).split())
    lower = text.lower()
    if isinstance(error, MemoryError) or any(words in lower for words in _NO_MEMORY):
        return DeviceMemoryError(f"the GPU has no memory left: {text[:200]}")
    if type(error).__module__.startswith("cupy") or any(word in lower for word in _OF_A_GPU):
        return DeviceLostError(f"the GPU stopped answering: {text[:200]}")
    return None
