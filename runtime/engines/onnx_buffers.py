"""Buffers of an ONNX Runtime session on a device, bound once and used for every batch."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.engines.onnx_cpu import output_shapes
from dlrsd.runtime.engines.onnx_session import import_onnxruntime


class BoundBuffers:
    """Input and output of a session on a device for up to ``size`` windows, bound once."""

    def __init__(
        self, session: Any, size: int, shape: tuple[int, int], *, device: str, graph_id: int
    ) -> None:
        runtime = import_onnxruntime()
        self._session = session
        self._host = np.zeros((size, *shape), dtype=np.float32)
        self._input = runtime.OrtValue.ortvalue_from_numpy(self._host, device, 0)
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(session.get_inputs()[0].name, self._input)
        # The outputs lie in one buffer, so that one copy brings them back; each begins where a GPU
        # likes memory to begin, at a multiple of 256 bytes.
        shapes = output_shapes(session, size)
        starts = [0, *np.cumsum([-(-prod(wide) // 64) * 64 for _, wide in shapes]).tolist()]
        self._output = runtime.OrtValue.ortvalue_from_numpy(
            np.zeros(starts[-1], dtype=np.float32), device, 0
        )
        self._places = []
        for (name, wide), start in zip(shapes, starts, strict=False):
            pointer = self._output.data_ptr() + 4 * start
            self._binding.bind_output(name, device, 0, np.float32, wide, pointer)
            self._places.append((slice(start, start + prod(wide)), wide))
        self._options = runtime.RunOptions()
        self._options.add_run_config_entry("gpu_graph_id", str(graph_id))

    def run(self, windows: Any) -> Output:
        n = len(windows)
        if is_cupy_array(windows):
            cupy = require("cupy", extra="gpu", purpose="windows on a GPU")
            self._view(cupy)[:n] = windows
            cupy.cuda.get_current_stream().synchronize()  # ONNX Runtime has a stream of its own
        elif (
            windows.shape == self._host.shape
            and windows.dtype == np.float32
            and windows.flags.c_contiguous  # ONNX Runtime below 1.31 copies as if it were so
        ):
            self._input.update_inplace(windows)
        else:
            self._host[:n] = windows
            self._input.update_inplace(self._host)
        self._session.run_with_iobinding(self._binding, self._options)
        flat = self._output.numpy()
        return Output(*(flat[place].reshape(wide)[:n] for place, wide in self._places))

    def _view(self, cupy: Any) -> Any:
        """The input buffer as a CuPy array."""
        memory = cupy.cuda.UnownedMemory(self._input.data_ptr(), self._host.nbytes, self._input)
        return cupy.ndarray(self._host.shape, np.float32, cupy.cuda.MemoryPointer(memory, 0))
