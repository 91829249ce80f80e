"""What the machine's own descriptions and the errors of a GPU are taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import DeviceLostError, DeviceMemoryError, DlrsdError
from dlrsd.runtime.base.hardware import count_gpus, device_error, has_int8_products, usable_cores

# Lines as the kernel writes them, shortened, and whether that CPU multiplies bytes natively.
CPUS = {
    "ice_lake": ("flags\t\t: fpu avx512f avx512bw avx512_vnni avx512_bitalg", True),
    "alder_lake": ("flags\t\t: fpu avx2 avx_vnni serialize", True),
    "zen_3": ("flags\t\t: fpu avx2 fma vaes\nvmx flags\t: vnmi", False),
    "cortex_a78": ("Features\t: fp asimd crc32 atomics asimddp", True),
    "cortex_a72": ("Features\t: fp asimd crc32", False),
    "unheard_of": ("model name\t: avx_vnni", False),
}
# As ONNX Runtime, CuPy and TensorRT word them.
MESSAGES = [
    (
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running "
        "Conv node. Status Message: bfc_arena.cc:376 Failed to allocate memory for requested "
        "buffer of size 4585490524",
        DeviceMemoryError,
    ),
    ("CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc(&p, size);", DeviceMemoryError),
    ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", DeviceMemoryError),
    ("cudaErrorMemoryAllocation: out of memory", DeviceMemoryError),
    ("CUDA failure 46: all CUDA-capable devices are busy or unavailable", DeviceLostError),
    ("CUDA failure 700: an illegal memory access was encountered ; GPU=0", DeviceLostError),
    ("CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ; GPU=0", DeviceLostError),
    ("cudaErrorDevicesUnavailable: all CUDA-capable devices are busy", DeviceLostError),
]  # fmt: skip


@pytest.mark.parametrize("name", CPUS)
def test_int8_products_are_read_off_the_kernels_flags(name: str, tmp_path: Path) -> None:
    lines, expected = CPUS[name]
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{lines}\n\nprocessor\t: 1\n{lines}\n")
    assert has_int8_products(path) is expected


def test_where_nothing_describes_the_cpu_there_are_none(tmp_path: Path) -> None:
    assert has_int8_products(tmp_path / "none") is False


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_an_error_of_the_gpu_is_told_by_its_words(message: str, expected: type[DlrsdError]) -> None:
    found = device_error(RuntimeError(message + "\n  second line"))
    assert type(found) is expected
    assert message[:40] in str(found)
    assert "\n" not in str(found)


def test_an_error_of_ours_stays_what_it_is() -> None:
    for error in (DeviceMemoryError("full"), DeviceLostError("gone")):
        assert device_error(error) is error
    assert device_error(ValueError("index out of range")) is None


def test_errors_of_cupy_are_known_by_their_class() -> None:
    cupy = pytest.importorskip("cupy")
    full = cupy.cuda.memory.OutOfMemoryError(1024, 512, 0)
    assert type(device_error(full)) is DeviceMemoryError
    runtime = cupy.cuda.runtime
    try:
        lost = runtime.CUDARuntimeError(runtime.errorECCNotCorrectable)
    except AttributeError:  # not among CuPy's names
        lost = runtime.CUDARuntimeError(214)
    assert type(device_error(lost)) is DeviceLostError
    assert type(device_error(runtime.CUDARuntimeError(2))) is DeviceMemoryError


def test_the_machine_has_cores() -> None:
    assert usable_cores() >= 1
    assert count_gpus() >= 0
