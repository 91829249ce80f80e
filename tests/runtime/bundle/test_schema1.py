"""Bundles of schema 1 go on loading and diagnosing: one of each kind, kept as it was written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.diagnosis.records import Header, Summary
from dlrsd.runtime.dsp.order_map import Kinematics
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

OLD = Path(__file__).with_name("schema1")
NAMES = ("window", "order_map", "sequence")


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Bundle]:
    """Load an old bundle whose manifest was changed."""

    def load(name: str, change: Callable[[dict[str, Any]], None]) -> Bundle:
        folder = Path(shutil.copytree(OLD / name, tmp_path / name))
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return load_bundle(folder)

    return load


@pytest.mark.parametrize(
    ("name", "kind", "front_end"),
    [
        ("window", "window", "Scalogram"),
        ("order_map", "window", "OrderMap"),
        ("sequence", "sequence", "FrontEnd"),
    ],
)
def test_it_says_what_it_said(name: str, kind: str, front_end: str) -> None:
    old = json.loads((OLD / name / "manifest.json").read_text())
    assert old["schema_version"] == 1
    bundle = load_bundle(OLD / name)
    manifest = bundle.manifest
    assert (manifest.schema_version, manifest.kind) == (2, kind)
    assert type(bundle.front_end).__name__ == front_end
    assert bundle.name == old["name"]
    assert list(bundle.classes) == old["classes"]
    assert (bundle.channels, bundle.window, bundle.hop, bundle.rate_hz, bundle.unit) == tuple(
        old["signal"][key] for key in ("channels", "window", "hop", "rate_hz", "unit")
    )
    assert manifest.verdict.hold == old["verdict"]["hold"]
    assert manifest.training.window_counts == old["training"]["window_counts"]
    assert manifest.files["diagnoser.onnx"].sha256 == old["files"]["diagnoser.onnx"]["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_it_diagnoses(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    bundle = load_bundle(OLD / name)
    samples = np.random.default_rng(0).standard_normal((4 * bundle.window, bundle.channels))
    samples.astype("<f4").tofile(tmp_path / "s.bin")
    speed = 1750.0 if bundle.front_end.is_on_host else None
    form = StreamFormat(speed_rpm=speed)
    with open_stream(tmp_path / "s.bin", form, default=bundle.signal) as stream:
        engine = open_engine(bundle, device="cpu", kinematics=bundle.kinematics_of(stream))
        header, *windows, summary = diagnose(stream, bundle, engine)
    assert isinstance(header, Header)
    assert isinstance(summary, Summary)
    assert header.bundle.name == bundle.name
    assert header.kinematics == (None if speed is None else Kinematics(1750.0, **ORDERS))
    assert summary.quality["ok"] >= 4
    assert {type(record).__name__ for record in windows} == {"WindowRecord"}


ORDERS = {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}


def test_what_it_has_besides_is_let_stand(changed: Callable[..., Bundle]) -> None:
    def add(manifest: dict[str, Any]) -> None:
        manifest["remark"] = "made on a Monday"
        for part in ("signal", "training", "metrics", "graph"):
            manifest[part]["remark"] = 1

    for name in NAMES:
        assert changed(name, add).name == f"old-{name}"


def test_a_synthesis_without_a_method_is_the_first_there_was(changed: Callable[..., Bundle]) -> None:
    stated = {"file": "a.onnx", "anchors": "b.npz", "statement": "of training windows"}
    bundle = changed("window", lambda manifest: manifest.update(synthesis=stated))
    assert bundle.manifest.synthesis is not None
    assert bundle.manifest.synthesis.method == "dlrsd-smote"


MAP = {"n_bands": 4, "f_min_hz": 2e-5, "f_max_hz": 4e-4, "machines": []}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("window", {"scalogram": None}, "has front_end = 'None', expected one of scalogram"),
        ("window", {"signal": None}, "has signal = 'None', expected object"),
        ("window", {"kind": "series"}, "has kind = 'series', expected one of window, sequence"),
        ("window", {"kind": ["window"]}, "has kind = "),
        ("window", {"synthesis": {"file": "a"}}, "has no synthesis.anchors"),
        ("order_map", {"scalogram": {}}, "expected scalogram null, for order maps"),
        ("order_map", {"order_map": MAP}, "has front_end.machines = '..', expected array"),
        ("order_map", {"order_map": []}, "has front_end = '..', expected one of scalogram"),
        ("sequence", {"order_map": MAP}, "a sequence has a front end or a synthesis"),
        ("sequence", {"synthesis": {}}, "a sequence has a front end or a synthesis"),
    ],
)
def test_what_is_wrong_is_said(
    name: str, change: dict[str, Any], said: str, changed: Callable[..., Bundle]
) -> None:
    with pytest.raises(BundleError, match=rf"manifest\.json has .*{said}|{said}") as caught:
        changed(name, lambda manifest: manifest.update(change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "former", "today"),
    [
        ("window", "deep-smote", "mansourifar-deep-smote"),
        ("window", "deepsmote", "dablain-deepsmote"),
        ("window", "rus-smote", "rus-smote"),
        ("sequence", "rus-smote", "light-rus-smote"),
    ],
)
def test_methods_have_the_names_of_today(
    changed: Callable[..., Bundle], name: str, former: str, today: str
) -> None:
    bundle = changed(name, lambda manifest: manifest["training"].update(method=former))
    assert bundle.manifest.training.method == today
