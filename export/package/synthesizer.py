"""The synthesiser of a bundle, with its anchors."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import nn

from dlrsd.export.graphs.fused import Synthesizer
from dlrsd.export.graphs.onnx_file import write_graph
from dlrsd.export.package.manifest import facts_inside
from dlrsd.runtime.bundle import parts
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.training.runs.run import TrainedRun

STATEMENT = "The anchors derive from the training data: {} of drawn training windows."


def synthesizer_of(run: TrainedRun) -> dict[str, str] | None:
    """What the manifest says of a run's synthesiser; None where it has none."""
    if not run.anchors:
        return None
    return {
        "method": run.config["method"],
        "file": "synthesizer.onnx",
        "anchors": "anchors.npz",
        "statement": STATEMENT.format("latents and textures" if run.generator else "heatmaps"),
    }


def write_synthesizer(
    run: TrainedRun, folder: Path, made: WindowManifest, stated: parts.Synthesizer
) -> None:
    """Write the graph and the anchors into the folder of the bundle that the manifest is of."""
    heatmaps = torch.zeros(2, len(run.config["channels"]), *run.frontend.size)
    if run.generator:
        module: nn.Module = Synthesizer(run.generator)
        example = {"latent": torch.zeros(2, *run.generator.latent_shape), "texture": heatmaps}
        output_names: tuple[str, ...] = ("heatmap", "class_probabilities")
    else:
        assert run.regressor is not None
        # Two tensors: the exporter would take one for both inputs.
        module, example = run.regressor, {"first": heatmaps, "second": heatmaps.clone()}
        output_names = ("heatmap",)
    facts = facts_inside(made)
    write_graph(
        module,
        example,
        folder / stated.file,
        output_names=output_names,
        facts={key: facts[key] for key in ("name", "classes", "front_end", "synthesis")},
    )
    shutil.copyfile(run.folder / "anchors.npz", folder / stated.anchors)
