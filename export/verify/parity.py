"""Does an exported graph say what the trained model says? Measured on real windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.runtime.base.errors import ParityError
from dlrsd.runtime.bundle.parts import Agreement, Parity
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.windows import WindowIndex, in_batches, part_of
from dlrsd.training.frontends.front_end import FrontEnd

WINDOWS = 10_000
_MOST_SAMPLES = 1 << 27  # of all windows, half a gigabyte: of long ones fewer are compared
AGREEMENT = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.995}
DIFFERENCE = {"fp32": 1e-3, "fp16": 0.05, "int8": 0.3}  # of probabilities, at most
_BATCH = 256


def parity_index(data: Prepared) -> WindowIndex:
    """At least ``WINDOWS`` overlapping windows of a run's test part, spread over all of it.

    Fewer only where the test part has no more, or they are long.
    """
    hop = data.window // 2
    wanted = min(WINDOWS, max(1, _MOST_SAMPLES // (data.window * len(data.channels))))
    while len(index := data.test_index(hop=hop)) < wanted and hop > 1:
        hop //= 2
    keep = np.linspace(0, len(index) - 1, min(len(index), wanted)).astype(np.int64)
    return part_of(index, keep)


def graph_inputs(frontend: FrontEnd, data: Prepared, index: WindowIndex) -> NDArray[np.float32]:
    """What a graph takes of windows: themselves, or what the box makes of them."""
    return np.concatenate(
        [
            frontend.graph_input(data.cut(part), frontend.machines(data, part))
            for part in in_batches(index)
        ]
    )


@torch.inference_mode()
def reference(model: Diagnoser, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (n, classes) of the PyTorch model in float32."""
    parts = torch.split(torch.from_numpy(windows), _BATCH)
    return torch.cat([model(part)[0] for part in parts]).numpy()


def run_graph(
    path: Path,
    windows: NDArray[np.float32],
    *,
    on_window: Callable[[int], None] = lambda done: None,
) -> NDArray[np.float32]:
    """Probabilities (n, classes) of a graph in ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name, said = session.get_inputs()[0].name, []
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        said += session.run(["probabilities"], {name: batch})
        on_window(start + len(batch))
    return np.concatenate(said)


def compare(
    said: NDArray[np.float32],
    *,
    trained: NDArray[np.float32],
    fp32: NDArray[np.float32],
    accuracy: float | None = None,
    size: int | None = None,
) -> Agreement:
    """What a graph says beside the trained model and the exported fp32 graph.

    Parameters
    ----------
    said, trained, fp32 : array, shape (n, classes), float32
        Probabilities of the same windows.
    accuracy : float from 0 to 1, optional
        Of the graph on its standard windows, where it was measured.
    size : int >= 0, optional
        Bytes of its file.
    """
    return Agreement(
        label_agreement=_same_label(said, trained),
        fp32_agreement=_same_label(said, fp32),
        max_probability_difference=float(np.abs(said - trained).max()),  # NaN stays NaN
        accuracy=accuracy,
        bytes=size,
    )


def require_parity(precision: str, found: Agreement, n: int) -> None:
    """Raise unless the labels agree.

    Raises
    ------
    ParityError
        With the figures, if fewer labels agree than ``AGREEMENT`` asks of this precision, or a
        probability is further off than ``DIFFERENCE`` or no number.
    """
    as_fp32 = 1.0 if found.fp32_agreement is None else found.fp32_agreement
    agree = min(found.label_agreement, as_fp32) >= AGREEMENT[precision]
    if not (agree and found.max_probability_difference <= DIFFERENCE[precision]):
        without = "" if precision == "fp32" else f"; export without --{precision}"
        raise ParityError(
            f"the {precision} graph gives the trained model's label on "
            f"{found.label_agreement:.4%} and the fp32 graph's on {as_fp32:.4%} "
            f"of {n} test windows (largest probability difference "
            f"{found.max_probability_difference:.2g}): expected at least "
            f"{AGREEMENT[precision]:.2%} and at most {DIFFERENCE[precision]:g}; no bundle was "
            f"written{without}"
        )


def parity_table(parity: Parity) -> list[str]:
    """Every precision beside the trained model and the fp32 graph, as lines of text."""
    found = {name: parity.of(name) for name in parity.precisions}
    return [
        f"labels on {parity.windows} test windows as the trained model's and the fp32 graph's:",
        "precision  as trained    as fp32   accuracy       size",
        *(
            f"{name:<9}  {of.label_agreement:10.3%} {of.fp32_agreement:10.3%} "
            f"{of.accuracy:10.2%} {(of.bytes or 0) / 1e6:7.3f} MB"
            for name, of in found.items()
            if of
        ),
    ]


def _same_label(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float((a.argmax(axis=1) == b.argmax(axis=1)).mean())
