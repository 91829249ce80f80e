"""Networks of a bundle's shape with seeded random weights: they cost what trained ones cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import torch

from benchmarks import machine
from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.graphs.onnx_file import OUTPUTS, write_graph
from dlrsd.export.package.seal import write_manifest
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.bundle.seal import record
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.models.classifiers import make_classifier
from dlrsd.training.models.novelty import Novelty


def diagnoser(bundle: Bundle, *, channels: int, half: bool = False) -> Diagnoser:
    """The fused graph as a torch module, front end of the bundle, weights random."""
    facts = machine.scalogram_of(bundle)
    torch.manual_seed(0)
    classifier = make_classifier(
        bundle.manifest.training.classifier or "edge",
        channels=channels,
        n_classes=len(bundle.classes),
    )
    # The embedding's width, and mean and spread of every row: what a novelty is of.
    width = classifier.width + 2 * channels * facts.n_frequencies
    novelty = Novelty(
        np.eye(width, dtype=np.float32), np.zeros((len(bundle.classes), width), np.float32)
    )
    frontend = Scalogram(
        machine.scalogram_config(bundle), facts.eps, tuple(facts.mean), tuple(facts.std)
    )
    return Diagnoser(frontend, classifier, novelty, 1.0, half=half).eval()


def write_bundle(bundle: Bundle, folder: Path, *, channels: int) -> Bundle:
    """A bundle like ``bundle`` for windows of ``channels`` channels, with one fp32 graph."""
    folder.mkdir(parents=True)
    manifest = msgspec.to_builtins(bundle.manifest)
    manifest["signal"]["channels"] = channels
    manifest["quality"]["channels"] = manifest["quality"]["channels"][:1] * channels
    manifest["graph"]["inputs"][0]["shape"][1] = channels
    manifest["engines"] = []
    write_graph(
        diagnoser(bundle, channels=channels),
        {"waveform": torch.zeros(2, channels, bundle.window)},
        folder / GRAPH_FILES["fp32"],
        output_names=OUTPUTS,
        facts=record(manifest),
    )
    write_manifest(folder, manifest)
    return load_bundle(folder)
