"""Exported bundles are sealed, and a changed one can be sealed again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from dlrsd.export.package.seal import seal_bundle
from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import SHIPPED, load_bundle
from dlrsd.runtime.bundle.seal import digest, record
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.synthesis.synthesize import synthesize


def stated(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def write(folder, values):
    (folder / "manifest.json").write_text(json.dumps(values), encoding="utf-8")


def test_an_exported_bundle_is_sealed_and_every_graph_repeats_it(tiny_bundle):
    values = stated(tiny_bundle)
    assert values["seal"] == {"sha256": digest(values)}
    graphs = sorted(tiny_bundle.glob("*.onnx"))
    assert len(graphs) == 4
    for path in graphs:
        (entry,) = onnx.load(path).metadata_props
        assert json.loads(entry.value) == record(values)


def test_classes_exchanged_are_refused_and_sealed_again_accepted(tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    values = stated(folder)
    values["classes"].reverse()
    write(folder, values)
    with pytest.raises(BundleError, match="another content than it was sealed with"):
        load_bundle(folder)
    before = {path.name: onnx.load(path).graph for path in folder.glob("*.onnx")}
    seal_bundle(folder)
    for name, graph in before.items():
        assert onnx.load(folder / name).graph == graph
    bundle = load_bundle(folder)
    assert list(bundle.classes) == values["classes"]
    windows = np.random.default_rng(0).standard_normal((3, 1, bundle.window)).astype(np.float32)
    for precision in ("fp32", "fp16", "int8"):
        was = open_engine(load_bundle(tiny_bundle), precision=precision).run(windows)
        now = open_engine(bundle, precision=precision).run(windows)
        np.testing.assert_array_equal(now.probabilities, was.probabilities)
        parity = bundle.manifest.parity.of(precision)
        assert parity.bytes == len(bundle.read(f"diagnoser.{precision}.onnx".replace(".fp32", "")))
    assert len(synthesize(bundle, values["classes"][0], 3).heatmaps) == 3


def test_sealing_again_changes_nothing(tmp_path):
    ready = SHIPPED / "cwru-6205"
    folder = shutil.copytree(ready, tmp_path / ready.name)
    seal_bundle(folder)
    for path in ready.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_an_engine_goes_on_fitting_the_graph_it_was_built_of(tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    values = stated(folder)
    values["verdict"] = {"last": 9, "hold": 9}
    values["engines"] = [
        {
            "file": "a.engine", "precision": "fp16", "package": "tensorrt", "version": "10.3",
            "targets": ["sm87"], "profile": {"min": 1, "opt": 64, "max": 4096},
            "graph_sha256": values["files"]["diagnoser.fp16.onnx"]["sha256"],
        }
    ]  # fmt: skip
    write(folder, values)
    made = seal_bundle(folder)
    assert made.engines[0].graph_sha256 == made.files["diagnoser.fp16.onnx"].sha256
    assert made.files["diagnoser.fp16.onnx"].sha256 != values["engines"][0]["graph_sha256"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 1}, "of schema 1, expected 2"),
        ({"verdict": {"last": 1, "hold": 2}}, "expected hold <= last"),
        ({"files": {}}, "is no bundle"),
    ],
)
def test_what_cannot_be_sealed_stays_as_it_is(change, said, tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    write(folder, stated(folder) | change)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BundleError, match=said):
        seal_bundle(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_the_command_seals_and_refuses_in_one_line(tmp_path):
    ready = SHIPPED / "cwru-6205"
    folder = Path(shutil.copytree(ready, tmp_path / "bundle"))
    program = [sys.executable, "-m", "dlrsd.export.package.seal"]
    done = subprocess.run([*program, folder], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert stated(folder)["seal"]["sha256"] in done.stdout
    done = subprocess.run([*program, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
