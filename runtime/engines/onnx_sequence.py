"""ONNX Runtime on the CPU as the engine of a sequence bundle: a state goes from window to window.

A step is one call of the graph with one window, for each needs the state that the one before it
left. Steps come minutes apart and are small: one thread.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.sequence import StatefulGraph
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import GRAPH_FILES, Output, State, check_windows, join
from dlrsd.runtime.engines.onnx_cpu import OUTPUTS, check_graph, check_names
from dlrsd.runtime.engines.onnx_session import import_onnxruntime, open_session


class OnnxSequenceEngine:
    """A sequence bundle's graph in ONNX Runtime on the CPU; open it with `open_engine`."""

    name = "onnxruntime"
    device = "cpu"
    threads = batch = 1
    kinematics: Kinematics | None = None

    def __init__(self, bundle: Bundle, *, precision: str) -> None:
        self.version = str(import_onnxruntime().__version__)
        self.precision = precision
        self._session = open_session(bundle, GRAPH_FILES[precision])
        self._window_shape = (bundle.channels, bundle.window)
        states = cast(StatefulGraph, bundle.manifest.graph).states
        self._states: dict[str, tuple[int, ...]] = {
            state.name: (1, *state.sizes) for state in states
        }
        self._outputs = [*OUTPUTS, *(f"next_{name}" for name in self._states)]
        check_names("takes", self._session.get_inputs(), ["waveform", *self._states], bundle)
        check_names("gives", self._session.get_outputs(), self._outputs, bundle)
        self._check_states(bundle)
        check_graph(self, self._session, bundle)

    def _check_states(self, bundle: Bundle) -> None:
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        for tensor in tensors:
            expected = self._states.get(tensor.name.removeprefix("next_"))
            if expected and tuple(tensor.shape[1:]) != expected[1:]:
                raise BundleError(
                    f"the graph of bundle {bundle.path} has {tensor.name} of shape {tensor.shape}, "
                    f"the manifest says ['batch', {', '.join(map(str, expected[1:]))}]: export "
                    "the bundle again"
                )

    def zero_state(self) -> State:
        return tuple(np.zeros(shape, np.float32) for shape in self._states.values())

    def advance(self, windows: ArrayLike, state: State) -> tuple[Output, State]:
        outputs = []
        for window in check_windows(windows, self._window_shape):
            fed = dict(zip(self._states, state, strict=True))
            fed["waveform"] = np.asarray(window, np.float32)[None]
            results = self._session.run(self._outputs, fed)
            outputs.append(Output(*results[: len(OUTPUTS)]))
            if all(np.isfinite(result).all() for result in results):
                state = tuple(results[len(OUTPUTS) :])
        return join(outputs), state

    def run(self, windows: ArrayLike) -> Output:
        """Diagnose the windows of a whole stream, from its beginning; as `Engine.run`."""
        return self.advance(windows, self.zero_state())[0]
