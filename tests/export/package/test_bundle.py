"""A bundle: what its manifest says is so, the runtime takes it, and it is written whole or not."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from importlib import resources

import jsonschema
import msgspec
import numpy as np
import pytest
import torch

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.package import windows as windows_module
from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.package.folder import replace_folder
from dlrsd.export.package.seal import write_manifest
from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.parts import Parity
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.output.bundle_report import info_lines
from dlrsd.runtime.synthesis.synthesize import synthesize
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run

FILES = {
    "anchors.npz",
    "diagnoser.onnx",
    "diagnoser.fp16.onnx",
    "diagnoser.int8.onnx",
    "synthesizer.onnx",
}
NOVELTY = {"fp32": 1e-3, "fp16": 0.2, "int8": 0.3}  # relative tolerance
RUNTIME = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]


@pytest.fixture(scope="module")
def manifest(tiny_bundle):
    return json.loads((tiny_bundle / "manifest.json").read_text(encoding="utf-8"))


def test_the_manifest_is_of_the_published_schema(manifest):
    schema = json.loads(
        (resources.files("dlrsd.runtime.bundle") / "manifest.schema.json").read_text()
    )
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert not list(validator.iter_errors(manifest))


def test_the_manifest_lists_every_file_with_its_hash(tiny_bundle, manifest):
    assert set(manifest["files"]) == FILES
    assert {path.name for path in tiny_bundle.iterdir()} == FILES | {"manifest.json"}
    for name, facts in manifest["files"].items():
        content = (tiny_bundle / name).read_bytes()
        assert facts == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_the_manifest_states_the_run(tiny_run, tiny_bundle, manifest, rig_folder):
    run = load_run(tiny_run)
    assert manifest["name"] == "tiny"
    assert manifest["classes"] == run.classes
    assert manifest["normal_class"] == "Normal"
    assert manifest["signal"] == msgspec.to_builtins(run.config.signal)
    assert manifest["calibration"] == {"temperature": run.temperature}
    assert manifest["certainty"] == msgspec.to_builtins(run.config.certainty)
    assert load_bundle(tiny_bundle).manifest.certainty == run.config.certainty
    assert manifest["metrics"]["accuracy"] == run.metrics["accuracy"]
    assert manifest["training"]["dataset"] == "small_rig"
    assert manifest["training"]["window_counts"] == run.metrics["window_counts"]
    assert str(rig_folder.parent) not in json.dumps(manifest)


def test_the_manifest_states_what_every_precision_is_worth(tiny_run, tiny_bundle, manifest):
    parity = manifest["parity"]
    assert list(parity) == ["windows", "fp32", "fp16", "int8"]
    assert parity["windows"] == 1000
    assert parity["fp32"]["label_agreement"] == parity["fp32"]["fp32_agreement"] == 1.0
    assert parity["fp16"]["fp32_agreement"] >= 0.999
    assert parity["int8"]["fp32_agreement"] >= 0.995
    right = load_run(tiny_run).metrics["accuracy"]
    assert parity["fp32"]["accuracy"] == pytest.approx(right, abs=1e-12)
    assert parity["int8"]["accuracy"] == pytest.approx(right, abs=0.01)
    for precision, name in GRAPH_FILES.items():
        assert parity[precision]["bytes"] == (tiny_bundle / name).stat().st_size
    assert parity["int8"]["bytes"] < parity["fp16"]["bytes"] < parity["fp32"]["bytes"]
    assert 0 < parity["int8"]["max_probability_difference"] < 0.3


def test_info_shows_what_every_precision_is_worth(tiny_bundle, manifest):
    lines = [line for line in info_lines(load_bundle(tiny_bundle)) if line.startswith("parity")]
    assert len(lines) == 3
    found = manifest["parity"]["int8"]
    for part in (
        "parity      int8: ",
        f"{100 * found['fp32_agreement']:.2f} % as in fp32",
        f"accuracy {found['accuracy']:.4f}",
        f"{found['bytes']} bytes",
    ):
        assert part in lines[2]


def test_a_bundle_of_before_loads_and_shows(tiny_bundle, tmp_path):
    out = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = json.loads((out / "manifest.json").read_text())
    for facts in manifest["parity"].values():
        if isinstance(facts, dict):
            for key in ("fp32_agreement", "accuracy", "bytes"):
                del facts[key]
    write_manifest(out, manifest)
    bundle = load_bundle(out)
    (line,) = [line for line in info_lines(bundle) if line.startswith("parity      fp32")]
    assert line.startswith(
        "parity      fp32: 100.00 % of the labels on 1000 windows as in training"
    )
    assert open_engine(bundle, precision="int8").run(np.ones((1, 1, 1024))).novelty.shape == (1,)
    manifest["parity"]["int8"]["accuracy"] = "good"
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"parity\.int8\.accuracy = 'good', expected a number"):
        load_bundle(out)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("fp32", 1e-4), ("fp16", 0.02), ("int8", 0.15)]
)
def test_the_runtimes_engine_says_what_the_model_says(
    tiny_run, tiny_bundle, tiny_settings, precision, tolerance
):
    run, data = load_run(tiny_run), prepare(tiny_settings)
    windows = data.cut(data.test_index())
    model = Diagnoser(run.frontend, run.classifier, run.novelty, run.temperature).eval()
    with torch.inference_mode():
        want = [out.numpy() for out in model(torch.from_numpy(windows))]
    got = open_engine(load_bundle(tiny_bundle), precision=precision, threads=1).run(windows)
    np.testing.assert_allclose(got.probabilities, want[0], atol=tolerance)
    # Novelty amplifies what is small in the embedding.
    np.testing.assert_allclose(got.novelty, want[2], rtol=NOVELTY[precision])


@pytest.mark.parametrize("label", ["Normal", "ball", "inner", "outer"])
def test_a_raw_stream_of_the_test_part_is_diagnosed(tiny_bundle, tiny_settings, tmp_path, label):
    data = prepare(tiny_settings)
    parts = [
        data.recordings[span.recording].signal[0, span.start : span.stop]
        for span in data.split.test
        if data.recordings[span.recording].label == label
    ]
    np.concatenate(parts).astype("<f4").tofile(tmp_path / "stream.bin")
    done = subprocess.run(
        [*RUNTIME, "diagnose", "stream.bin", "--bundle", tiny_bundle, "--output", "out.jsonl",
         "--dtype", "f32le", "--rate", "12000"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    header, *records, summary = map(json.loads, lines)
    assert header["bundle"]["name"] == "tiny"
    full = (24_000 - 1024) // 512 + 1
    assert [record["quality"] for record in records[full:]] == ["gap"]  # what is left at the end
    votes = Counter(record["label"] for record in records if record["quality"] == "ok")
    assert votes.total() > 0.9 * full
    assert votes.most_common(1)[0][0] == label
    assert votes[label] > 0.8 * full
    assert summary["verdicts"][0]["label"] == label
    for record in records[:3]:
        assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_the_box_makes_more_of_a_class(tiny_bundle, tiny_run):
    run = load_run(tiny_run)
    made = synthesize(load_bundle(tiny_bundle), "outer", 20, seed=0)
    assert made.heatmaps.shape == (20, 1, 32, 32)
    assert made.report["decoded"] > 10
    with torch.inference_mode():
        logits, _ = run.classifier(torch.from_numpy(made.heatmaps))
    share = (logits.argmax(dim=1) == run.classes.index("outer")).float().mean()
    assert share > 0.8


def test_without_anchors_nothing_of_the_training_windows_leaves(
    tiny_run, tiny_bundle, tmp_path, monkeypatch
):
    monkeypatch.setattr("dlrsd.export.verify.parity.WINDOWS", 200)
    shutil.copytree(tiny_bundle, tmp_path / "b")
    (tmp_path / "link").symlink_to("b")  # it is followed
    manifest = export_bundle(tiny_run, tmp_path / "link", fp16=False, anchors=False)
    assert manifest.synthesis is None
    assert {path.name: path.is_symlink() for path in tmp_path.iterdir()} == {
        "b": False, "link": True,
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"manifest.json", "diagnoser.onnx"}
    bundle = load_bundle(tmp_path / "b")
    assert open_engine(bundle).run(np.ones((1, 1, 1024))).probabilities.shape == (1, 4)
    with pytest.raises(BundleError, match="has no synthesiser"):
        synthesize(bundle, "outer", 1)


# ------------------------------------------------------------------ all or nothing


def break_synthesizer(run, folder, manifest, stated):
    (folder / "synthesizer.onnx").write_bytes(b"half of it")
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_everything_as_it_was(tiny_run, tiny_bundle, tmp_path, monkeypatch, there):
    out = tmp_path / "bundle"
    if there:
        shutil.copytree(tiny_bundle, out)
    before = {path: path.read_bytes() for path in out.glob("*")}

    # The graphs of the fixture stand in: what is tried is the end of an export.
    def copy_diagnosers(run, data, folder, **options):
        shutil.copy(tiny_bundle / "diagnoser.onnx", folder)
        return Parity()

    monkeypatch.setattr(windows_module, "write_diagnosers", copy_diagnosers)
    monkeypatch.setattr(windows_module, "write_synthesizer", break_synthesizer)
    with pytest.raises(OSError, match="No space left"):
        export_bundle(tiny_run, out, fp16=False)
    assert {path: path.read_bytes() for path in out.glob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == (["bundle"] if there else [])


@pytest.mark.parametrize("there", [True, False])
def test_a_complete_bundle_takes_the_place_of_the_old_one(tmp_path, there):
    part, out = tmp_path / ".bundle-x", tmp_path / "bundle"
    part.mkdir()
    (part / "new").touch()
    if there:
        out.mkdir()
        (out / "old").touch()
    replace_folder(part, out)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert [path.name for path in out.iterdir()] == ["new"]


@pytest.mark.parametrize("name", ["bundle", "b[1]"])
def test_an_export_killed_between_its_renames_loses_nothing(tiny_run, tiny_bundle, tmp_path, name):
    out = tmp_path / name
    aside = shutil.copytree(tiny_bundle, tmp_path / f".{name}-abc.old")
    with pytest.raises(
        BundleError, match=r"there is no bundle .*\.old, which an interrupted export"
    ):
        load_bundle(out)
    with pytest.raises(InputError, match="no finished run"):
        export_bundle(tmp_path / "nowhere", out, fp16=False)
    assert load_bundle(out).name == "tiny"
    assert not aside.exists()
    # A bundle that is there is not touched.
    shutil.copytree(tiny_bundle, aside)
    with pytest.raises(InputError, match="no finished run"):
        export_bundle(tmp_path / "nowhere", out, fp16=False)
    assert aside.exists()


def test_only_a_bundle_is_ever_replaced(tiny_run, tiny_bundle, tmp_path):
    file, empty, photos, dataset, foreign, own = (
        tmp_path / name for name in ("file", "empty", "photos", "dataset", "foreign", "own")
    )
    file.touch()
    empty.mkdir()
    photos.mkdir()
    (photos / "a.jpg").touch()
    # Data sets of bearing-datasets have a manifest.json too.
    dataset.mkdir()
    (dataset / "manifest.json").write_text('{"name": "cwru12k", "files": ["metadata.parquet"]}')
    (dataset / "metadata.parquet").touch()
    (dataset / "signals").mkdir()
    foreign.mkdir()
    (foreign / "manifest.json").write_text("[1]")
    shutil.copytree(tiny_bundle, own)
    (own / "my-notes.txt").touch()
    for out in (file, empty, photos, dataset, foreign, own):
        before = sorted(out.rglob("*"))
        with pytest.raises(InputError, match="is there and is no bundle: choose another") as caught:
            export_bundle(tiny_run, out, fp16=False)
        assert "\n" not in str(caught.value)
        assert sorted(out.rglob("*")) == before
