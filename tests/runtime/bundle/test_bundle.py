"""Bundles: what loads, and that every way to be broken is said in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dlrsd.runtime.bundle import bundle as bundle_module
from dlrsd.runtime.bundle.bundle import load_bundle, shipped_bundles
from dlrsd.runtime.base.errors import BundleError

SCHEMA = Path(bundle_module.__file__).with_name("manifest.schema.json")


def test_a_bundle_gives_what_its_manifest_says(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    bundle = load_bundle(folder)
    assert bundle.name == "tiny"
    assert bundle.classes == ("Quiet", "Rough", "Loud")
    assert (bundle.channels, bundle.window, bundle.hop) == (1, 64, 32)
    assert (bundle.signal.rate_hz, bundle.signal.unit, bundle.signal.channels) == (1000.0, "g", 1)
    assert bundle.quality.level_high == 20.0
    assert bundle.read("diagnoser.onnx") == (folder / "diagnoser.onnx").read_bytes()


def test_a_missing_bundle_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bundle: Callable[..., Path]
) -> None:
    make_bundle("shipped")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setattr(bundle_module, "SHIPPED", tmp_path)
    with pytest.raises(BundleError, match=r"no bundle 'bundle'.*`--bundle shipped`"):
        load_bundle("bundle")
    assert load_bundle("shipped").path == tmp_path / "shipped"
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        load_bundle(tmp_path / "empty")


def test_a_folder_goes_before_a_ready_bundle_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bundle: Callable[..., Path]
) -> None:
    make_bundle("ready")
    monkeypatch.setattr(bundle_module, "SHIPPED", tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "ready").symlink_to(tmp_path / "ready")
    monkeypatch.chdir(tmp_path / "here")
    assert load_bundle("ready").path == Path("ready")


def test_a_newer_schema_asks_for_an_upgrade(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle(change=lambda manifest: manifest.update(schema_version=3))
    with pytest.raises(BundleError, match=r"schema 3.*newer.*pip install --upgrade dlrsd"):
        load_bundle(folder)


def test_a_damaged_missing_or_unlisted_file_is_refused(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    bundle = load_bundle(folder)
    with pytest.raises(BundleError, match=r"has no diagnoser\.int8\.onnx, only anchors\.npz"):
        bundle.read("diagnoser.int8.onnx")
    graph = folder / "diagnoser.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(BundleError, match="is damaged"):
        bundle.read("diagnoser.onnx")
    graph.unlink()
    with pytest.raises(BundleError, match=r"lacks diagnoser\.onnx"):
        bundle.read("diagnoser.onnx")


def test_a_link_out_of_the_bundle_is_refused(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle()
    (folder / "diagnoser.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "diagnoser.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match="leads out of the bundle"):
        load_bundle(folder).read("diagnoser.onnx")


@pytest.mark.parametrize("name", shipped_bundles())
def test_a_shipped_bundle_is_whole_small_and_fits_the_schema(name: str) -> None:
    bundle = load_bundle(name)
    files = sorted(path.name for path in bundle.path.iterdir())
    assert files == sorted([*bundle.manifest.files, "manifest.json"])
    for file in bundle.manifest.files:
        assert re.fullmatch(r"[\w.-]+", file)
        assert bundle.read(file)
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= 2 * 2**20
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(msgspec.to_builtins(bundle.manifest), json.loads(SCHEMA.read_text()))


def test_a_manifest_that_leads_out_of_the_bundle_is_refused(make_bundle, tmp_path):
    folder = make_bundle()
    (folder / "manifest.json").replace(tmp_path / "elsewhere.json")
    (folder / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BundleError, match="leads out of the bundle"):
        load_bundle(folder)
