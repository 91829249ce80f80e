"""Networks of a bundle's shape with seeded random weights: they cost what trained ones cost."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import numpy as np
import torch

from benchmarks import machine
from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.graphs.onnx_file import OUTPUTS, write_graph
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
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
    width = classifier.head.in_features
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
    path = folder / GRAPH_FILES["fp32"]
    example = {"waveform": torch.zeros(2, channels, bundle.window)}
    write_graph(diagnoser(bundle, channels=channels), example, path, output_names=OUTPUTS, facts={})
    manifest = msgspec.to_builtins(bundle.manifest)
    manifest["signal"]["channels"] = channels
    manifest["quality"]["channels"] = manifest["quality"]["channels"][:1] * channels
    manifest["graph"]["inputs"][0]["shape"][1] = channels
    manifest["engines"] = []
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest["files"] = {path.name: {"sha256": digest, "bytes": path.stat().st_size}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load_bundle(folder)
