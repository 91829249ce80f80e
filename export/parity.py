"""Does the exported graph say what the trained model says? Measured on real windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from dlrsd.export.fused import Diagnoser
from dlrsd.runtime.errors import ParityError
from dlrsd.training.prepare import Prepared

WINDOWS = 10_000
AGREEMENT = {"fp32": 0.9999, "fp16": 0.999}
DIFFERENCE = {"fp32": 1e-3, "fp16": 0.05}  # of probabilities, at most
_BATCH = 256


def parity_windows(data: Prepared) -> NDArray[np.float32]:
    """At least ``WINDOWS`` overlapping windows of a run's test part, spread over all of it.

    Fewer only where the test part has no more: (n, channels, window).
    """
    hop = data.settings.window // 2
    while len(index := data.test_index(hop=hop)) < WINDOWS and hop > 1:
        hop //= 2
    keep = np.linspace(0, len(index) - 1, min(len(index), WINDOWS)).astype(np.int64)
    chosen = type(index)(index.recording[keep], index.start[keep], index.label[keep])
    return data.cut(chosen)


@torch.inference_mode()
def reference(model: Diagnoser, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (n, classes) of the PyTorch model in float32."""
    parts = torch.from_numpy(windows).split(_BATCH)
    return torch.cat([model(part)[0] for part in parts]).numpy()


def measure(
    path: Path,
    windows: NDArray[np.float32],
    expected: NDArray[np.float32],
    *,
    on_window: Callable[[int], None] = lambda done: None,
) -> dict[str, float]:
    """Run a graph with ONNX Runtime and compare it with the trained model.

    Parameters
    ----------
    path : Path
    windows : array [shape=(n, channels, window)], float32
    expected : array [shape=(n, classes)]
        The PyTorch model's probabilities.

    Returns
    -------
    dict
        ``label_agreement``, 0 to 1, and ``max_probability_difference``.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    agree, worst = 0, 0.0
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        (got,) = session.run(["probabilities"], {"waveform": batch})
        want = expected[start : start + _BATCH]
        agree += int((got.argmax(1) == want.argmax(1)).sum())
        worst = float(np.maximum(worst, np.abs(got - want).max()))  # NaN stays NaN
        on_window(start + len(batch))
    return {"label_agreement": agree / len(windows), "max_probability_difference": worst}


def require_parity(precision: str, found: dict[str, float], n: int) -> None:
    """Raise unless the labels agree.

    Raises
    ------
    ParityError
        With the figures, if fewer labels agree than ``AGREEMENT`` asks of this precision, or a
        probability is no number.
    """
    agree = found["label_agreement"] >= AGREEMENT[precision]
    if not (agree and found["max_probability_difference"] <= DIFFERENCE[precision]):
        raise ParityError(
            f"the {precision} graph gives the trained model's label on "
            f"{found['label_agreement']:.4%} of {n} test windows (largest probability difference "
            f"{found['max_probability_difference']:.2g}): expected at least "
            f"{AGREEMENT[precision]:.2%} and at most {DIFFERENCE[precision]:g}; no bundle was "
            "written"
        )
