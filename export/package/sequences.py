"""From a run on plant data to a bundle: one step of the network as a graph, its state in and out.

What the box does is checked as a whole: the graph goes through the test part window by window and
carries its own state, as the trained network does in one go.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import torch
from msgspec import structs
from numpy.typing import NDArray
from torch import Tensor, nn

from dlrsd.export.graphs.fused import distance
from dlrsd.export.graphs.onnx_file import OUTPUTS, require_weights, write_graph
from dlrsd.export.package.manifest import manifest, part_of_run, tensor
from dlrsd.export.verify.parity import compare, require_parity
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.parts import Parity
from dlrsd.runtime.bundle.seal import record
from dlrsd.runtime.bundle.sequence import SequenceManifest, SlowSignal
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.plants.sequences import SequenceData
from dlrsd.training.fitting.sequence import run_segments
from dlrsd.training.kinds.plants import line
from dlrsd.training.kinds.plants.run import PlantRun
from dlrsd.training.models.lr_convlstm import SequenceClassifier
from dlrsd.training.models.novelty import Novelty

VERDICT = {"last": 3, "hold": 2}  # steps
WINDOWS = 10_000
_SIZE = 2  # of the example batch; one would be frozen into the graph


class Step(nn.Module):
    """One window of each of n streams; ``half`` casts the network, not the standardisation.

    Shapes
    ------
    waveform (n, channels, window) float32, NaN where nothing was measured for long, and the state
    (n, width) each -> probabilities (n, classes), embedding (n, width), novelty (n,), and the next
    state; all float32
    """

    def __init__(
        self, model: SequenceClassifier, novelty: Novelty, temperature: float, *, half: bool = False
    ):
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", model.mean.clone())
        self.register_buffer("std", model.std.clone())
        self.model = model.half() if half else model
        self.dtype = torch.float16 if half else torch.float32
        self.temperature = temperature
        self.whiten: Tensor
        self.centres: Tensor
        self.register_buffer("whiten", torch.from_numpy(novelty.whiten))
        self.register_buffer("centres", torch.from_numpy(novelty.centres))

    def forward(self, waveform: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        x = (waveform - self.mean[:, None]) / self.std[:, None]
        x = torch.where(torch.isnan(x), torch.zeros(()), x).to(self.dtype)
        before = tuple(part.to(self.dtype) for part in state)
        embedding, after = self.model.embed(x, x.shape[0], 1, before or None)
        logits = self.model.head(embedding[:, 0]).float()
        embedding = embedding[:, 0].float()
        novelty = distance(embedding, self.whiten, self.centres)
        probabilities = torch.softmax(logits / self.temperature, dim=1)
        return (probabilities, embedding, novelty, *(part.float() for part in after))


def state_widths(model: SequenceClassifier) -> dict[str, int]:
    """Names and widths of the graph's state inputs; each output is ``next_`` and the name."""
    return {f"state_{i}": width for i, width in enumerate(model.state_widths)}


def refuse_for_sequence(asked: str, run: PlantRun) -> None:
    """Refuse int8 and TensorRT, which no sequence has.

    Raises
    ------
    InputError
    """
    raise InputError(
        f"got --{asked} for a run on plant data: expected --fp16 or nothing; its steps are small "
        "and minutes apart, so leave it out"
    )


def write_sequence_bundle(
    run: PlantRun, folder: Path, precisions: Sequence[str], *, anchors: bool, progress: Progress
) -> SequenceManifest:
    """Write a run's network in every precision and compare each with the trained one.

    Parameters
    ----------
    run : PlantRun
        Its plants must still be where they were.
    folder : Path
        Of the bundle.
    precisions : "fp32", then perhaps "fp16"
    anchors : bool
        Of no effect: a sequence has no synthesiser.
    progress : function
        As in :func:`dlrsd.training.kinds.fit.fit`.

    Returns
    -------
    SequenceManifest
        Without ``files``. Its ``parity`` is measured on the first ``WINDOWS`` windows
        of the test part, about, plant by plant with the state carried; ``accuracy`` is theirs.

    Raises
    ------
    ParityError
        If a graph does not say what the trained network says.
    """
    made = _manifest(run)
    data = line.prepare(run.settings)
    _require_same(run, data)
    tested = data.parts["test"]
    each = -(-WINDOWS // len(tested))
    streams = [data.windows(segment)[:each] for segment in tested]
    label = np.concatenate([segment.label[:each] for segment in tested])
    log_p = np.concatenate([said[:each] for said, _ in run_segments(run.model, data, tested)])
    trained = torch.softmax(torch.from_numpy(log_p) / run.temperature, dim=1).numpy()
    said: dict[str, NDArray[np.float32]] = {}
    parity = Parity(windows=len(label))
    for precision in precisions:
        path = folder / GRAPH_FILES[precision]
        written = progress(f"write {precision}", 1)
        _write(run, path, precision=precision, facts=record(msgspec.to_builtins(made)))
        written(1)
        bar = progress(f"check {precision}", len(label))
        said[precision] = _run_graph(path, run.model, streams, on_window=bar)
        found = compare(
            said[precision],
            trained=trained,
            fp32=said["fp32"],
            accuracy=float((said[precision].argmax(axis=1) == label).mean()),
            size=path.stat().st_size,
        )
        require_parity(precision, found, len(label))
        parity = structs.replace(parity, **{precision: found})
    return structs.replace(made, parity=parity)


def _require_same(run: PlantRun, data: SequenceData) -> None:
    counts = {part: data.counts(part).tolist() for part in run.config.window_counts}
    stated = {part: list(own.values()) for part, own in run.config.window_counts.items()}
    if counts != stated or list(data.channels) != run.config.channels:
        raise InputError(
            f"the plants in {run.settings.data} are others than {run.folder} was trained on: "
            "expected the same files; bring them back, or train again"
        )


def _manifest(run: PlantRun) -> SequenceManifest:
    states = state_widths(run.model)
    return manifest(
        SequenceManifest,
        run.folder,
        run.config,
        run.metrics,
        signal=part_of_run(msgspec.to_builtins(run.config.signal), SlowSignal, run.folder),
        front_end=SequenceManifest.front_end,
        embedding=run.model.head.in_features,
        verdict=VERDICT,
        graph={"states": [tensor(name, width) for name, width in states.items()]},
    )


def _write(run: PlantRun, path: Path, *, precision: str, facts: dict[str, Any]) -> None:
    signal = run.config.signal
    example = {"waveform": torch.zeros(_SIZE, signal.channels, signal.window)}
    states = {name: torch.zeros(_SIZE, width) for name, width in state_widths(run.model).items()}
    # A copy: casting to half precision would change the run's own network.
    model, novelty = copy.deepcopy((run.model, run.novelty))
    step = Step(model, novelty, run.temperature, half=precision == "fp16")
    outputs = [*OUTPUTS, *(f"next_{name}" for name in states)]
    write_graph(step, example, path, output_names=outputs, facts=facts, states=states)
    if precision == "fp16":
        weights = sum(p.numel() for p in run.model.parameters() if p.dim() > 1)
        require_weights(path, precision=precision, expected=weights)


def _run_graph(
    path: Path,
    model: SequenceClassifier,
    streams: Sequence[NDArray[np.float32]],
    *,
    on_window: Callable[[int], None],
) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    widths = state_widths(model)
    outputs = ["probabilities", *(f"next_{name}" for name in widths)]
    said, done = [], 0
    for windows in streams:
        state = {name: np.zeros((1, width), np.float32) for name, width in widths.items()}
        for window in windows:
            probabilities, *after = session.run(outputs, {"waveform": window[None], **state})
            state = dict(zip(widths, after, strict=True))
            said.append(probabilities)
            done += 1
            if not done % 100:
                on_window(done)
    on_window(done)
    return np.concatenate(said)
