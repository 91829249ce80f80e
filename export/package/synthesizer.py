"""The synthesiser of a bundle, with its anchors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn

from dlrsd.export.graphs.fused import Synthesizer
from dlrsd.export.graphs.onnx_file import write_graph
from dlrsd.runtime.bundle import parts
from dlrsd.runtime.bundle.seal import record
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.training.balance.mansourifar_deep_smote import PairRegressor
from dlrsd.training.kinds.vibration.run import TrainedRun
from dlrsd.training.models.generator import Generator

STATEMENT = "The anchors derive from the training data: {} of drawn training windows."


class _Form(NamedTuple):
    """How a network that makes more of a class becomes a graph.

    ``graph`` takes the network and an example heatmap (2, channels, F, T), and gives the module
    and examples of its inputs; ``anchors`` is what its anchors are.
    """

    graph: Callable[..., tuple[nn.Module, dict[str, Tensor]]]
    outputs: tuple[str, ...]
    anchors: str


def _decoder(network: Generator, heatmap: Tensor) -> tuple[nn.Module, dict[str, Tensor]]:
    latent = torch.zeros(2, *network.latent_shape)
    return Synthesizer(network), {"latent": latent, "texture": heatmap}


def _pairs(network: PairRegressor, heatmap: Tensor) -> tuple[nn.Module, dict[str, Tensor]]:
    # Two tensors: the exporter would take one for both inputs.
    return network, {"first": heatmap, "second": heatmap.clone()}


_FORMS = {
    "dlrsd-smote": _Form(_decoder, ("heatmap", "class_probabilities"), "latents and textures"),
    "mansourifar-deep-smote": _Form(_pairs, ("heatmap",), "heatmaps"),
}


def synthesizer_of(run: TrainedRun) -> dict[str, str] | None:
    """What the manifest says of a run's synthesiser; None where it has none."""
    if not run.kept:
        return None
    return {
        "method": run.config.method,
        "file": "synthesizer.onnx",
        "anchors": "anchors.npz",
        "statement": STATEMENT.format(_FORMS[run.config.method].anchors),
    }


def write_synthesizer(
    run: TrainedRun, folder: Path, made: WindowManifest, stated: parts.Synthesizer
) -> None:
    """Write the graph and the anchors into the folder of the bundle that the manifest is of."""
    assert run.kept is not None  # noqa: S101 - for type checkers
    form = _FORMS[stated.method]
    heatmap = torch.zeros(2, len(run.config.channels), *run.frontend.size)
    module, example = form.graph(run.kept.network, heatmap)
    write_graph(
        module,
        example,
        folder / stated.file,
        output_names=form.outputs,
        facts=record(msgspec.to_builtins(made)),
    )
    shutil.copyfile(run.folder / "anchors.npz", folder / stated.anchors)
