"""A run without a generator as a bundle: it diagnoses, and makes no heatmaps."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.export.package.bundle import export_bundle
from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.output.bundle_report import info_lines
from dlrsd.runtime.streams.stream import StreamFormat, open_stream
from dlrsd.runtime.synthesis.synthesize import synthesize
from dlrsd.training.kinds.vibration.fit import fit


@pytest.fixture(scope="module")
def folder(hurried_settings, learning, tmp_path_factory):
    """A bundle of a run of under-sampling and weights."""
    place = tmp_path_factory.mktemp("methods")
    training = replace(hurried_settings.training, classifier=learning.classifier)
    fit(replace(hurried_settings, training=training), place / "run", method="rus-weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlrsd.export.verify.parity.WINDOWS", 200)
        export_bundle(place / "run", place / "bundle", fp16=True)
    return place / "bundle"


def test_its_manifest_is_of_the_schema_and_has_no_synthesis(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    schema = json.loads(
        (resources.files("dlrsd.runtime.bundle") / "manifest.schema.json").read_text()
    )
    jsonschema.validate(manifest, schema)
    assert manifest["synthesis"] is None
    assert set(manifest["files"]) == {"diagnoser.onnx", "diagnoser.fp16.onnx"}
    assert manifest["training"]["method"] == "rus-weights"
    assert list(manifest["parity"]) == ["windows", "fp32", "fp16"]


def test_a_stream_is_diagnosed_in_both_precisions(folder, rig_folder):
    bundle = load_bundle(folder)
    path = rig_folder / "outer" / "outer_1" / "a.npy"
    labels = {}
    for precision in ("fp32", "fp16"):
        with open_stream(str(path), StreamFormat(), default=bundle.signal) as stream:
            engine = open_engine(bundle, precision=precision)
            _, *records, _ = diagnose(stream, bundle, engine)
        labels[precision] = [record.label for record in records if record.quality == "ok"]
    assert len(labels["fp32"]) > 80  # of the 92 windows of 4 s
    assert set(labels["fp32"]) <= set(bundle.classes)
    agree = np.mean([a == b for a, b in zip(labels["fp32"], labels["fp16"], strict=True)])
    assert agree > 0.95


def test_it_says_that_it_makes_none(folder):
    bundle = load_bundle(folder)
    assert "synthesis   none" in info_lines(bundle)
    with pytest.raises(BundleError, match="has no synthesiser") as caught:
        synthesize(bundle, "outer", 1)
    assert "\n" not in str(caught.value)
