"""Which engine a machine loads: decided and built here without a GPU."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.caches import cache_folder
from dlrsd.runtime.base.errors import BundleError, DlrsdError
from dlrsd.runtime.base.formats import checked
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.bundle.parts import BuiltEngine
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.runtime.engines.tensorrt_cache import (
    Machine,
    engine_file,
    find,
    has_engine,
    misfit,
    profile_of,
    rebuild,
    this_machine,
)

HERE = Machine("tensorrt_rtx", "1.7.1.116", 86)
GRAPH = "a" * 64
ENTRY = {
    "file": "diagnoser.fp32.engine",
    "precision": "fp32",
    "package": "tensorrt_rtx",
    "version": "1.7.1.116",
    "targets": ["sm80", "sm86"],
    "profile": {"min": 1, "opt": 64, "max": 4096},
    "graph_sha256": GRAPH,
}


@pytest.mark.parametrize(
    ("change", "machine", "why"),
    [
        ({}, HERE, ""),
        ({}, HERE._replace(capability=80), ""),
        ({}, HERE._replace(capability=89), "it is for sm80, sm86, this GPU is sm89"),
        ({"targets": ["sm860"]}, HERE, "it is for sm860, this GPU is sm86"),
        ({}, HERE._replace(version="1.8.0.1"), "of tensorrt_rtx 1.7.1.116, here is tensorrt_rtx 1"),
        ({"package": "tensorrt"}, HERE, "of tensorrt 1.7.1.116, here is tensorrt_rtx"),
        ({"graph_sha256": "b" * 64}, HERE, "built from another graph"),
    ],
)
def test_an_engine_fits_one_graph_one_version_and_its_targets(
    change: dict[str, Any], machine: Machine, why: str
) -> None:
    entry = checked({**ENTRY, **change}, BuiltEngine)
    said = misfit(entry, machine, graph_sha256=GRAPH)
    assert why in said
    assert bool(why) == bool(said)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dlrsd"


@pytest.fixture
def machine() -> Machine:
    trt = pytest.importorskip("tensorrt_rtx")
    return HERE._replace(version=trt.__version__)


@pytest.fixture
def bundle_with_engine(make_bundle: Callable[..., Path]) -> Callable[..., Bundle]:
    """A bundle with something in the place of an engine, which nothing here loads."""

    def make(**change: Any) -> Bundle:
        folder = make_bundle()
        path = folder / "diagnoser.fp32.engine"
        path.write_bytes(b"an engine")
        manifest = json.loads((folder / "manifest.json").read_text())
        sha256 = hashlib.sha256(b"an engine").hexdigest()
        manifest["files"][path.name] = {"sha256": sha256, "bytes": 9}
        graph = manifest["files"]["diagnoser.onnx"]["sha256"]
        manifest["engines"] = [{**ENTRY, "graph_sha256": graph, **change}]
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return load_bundle(folder)

    return make


def test_the_bundles_engine_is_taken_where_it_fits(
    bundle_with_engine: Callable[..., Bundle], cache: Path
) -> None:
    bundle = bundle_with_engine()
    assert find(bundle, "fp32", HERE) == ([b"an engine"], "")
    plans, why = find(bundle, "fp32", HERE._replace(capability=120))
    assert plans == []
    assert why == ("diagnoser.fp32.engine does not fit: it is for sm80, sm86, this GPU is sm120")
    assert find(bundle, "fp16", HERE) == ([], "the bundle has no fp16 engine")
    (bundle.path / "diagnoser.fp32.engine").write_bytes(b"an eng")
    plans, why = find(bundle, "fp32", HERE)
    assert plans == []
    assert "diagnoser.fp32.engine is damaged" in why
    assert not cache.exists()


def test_what_does_not_fit_is_built_once_into_the_users_cache(
    bundle_with_engine: Callable[..., Bundle], machine: Machine, cache: Path
) -> None:
    bundle = bundle_with_engine(targets=["sm120"], version=machine.version)
    before = {path: path.read_bytes() for path in bundle.path.iterdir()}
    plans, why = find(bundle, "fp32", machine)
    assert plans == []
    said: list[str] = []
    built = rebuild(bundle, "fp32", machine, why=why, say=said.append)
    file = engine_file(bundle, "fp32", machine)
    assert file.parent == cache / "engines"
    assert list(file.parent.iterdir()) == [file]
    first, last = said
    assert first == (
        "diagnoser.fp32.engine does not fit: it is for sm120, this GPU is sm86: building an engine "
        "for sm86 from diagnoser.onnx"
    )
    assert last.startswith(f"engine of {len(built) / 1e6:.1f} MB built in ")
    assert last.endswith(f" s, kept as {file}")
    assert find(bundle, "fp32", machine)[0] == [built]
    assert find(bundle, "fp32", machine._replace(capability=89))[0] == []
    assert {path: path.read_bytes() for path in bundle.path.iterdir()} == before


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: b"", lambda c: c[:-9] + b"x" * 9])
def test_a_damaged_file_of_the_cache_is_not_loaded(
    damage: Callable[[bytes], bytes], make_bundle: Callable[..., Path], machine: Machine
) -> None:
    bundle = load_bundle(make_bundle())
    built = rebuild(bundle, "fp32", machine, why="", say=lambda line: None)
    file = engine_file(bundle, "fp32", machine)
    file.write_bytes(damage(file.read_bytes()))
    assert find(bundle, "fp32", machine)[0] == []
    rebuild(bundle, "fp32", machine, why="", say=lambda line: None)
    assert [len(plan) for plan in find(bundle, "fp32", machine)[0]] == [len(built)]


def test_where_nothing_can_be_kept_the_engine_is_built_all_the_same(
    make_bundle: Callable[..., Path], machine: Machine, cache: Path
) -> None:
    cache.parent.mkdir()
    cache.write_text("a file where the folder would be")
    said: list[str] = []
    assert rebuild(load_bundle(make_bundle()), "fp32", machine, why="x", say=said.append)
    assert "but not kept" in said[-1]
    assert "it will be built again" in said[-1]


def test_a_damaged_graph_is_not_built_from(
    make_bundle: Callable[..., Path], machine: Machine
) -> None:
    folder = make_bundle()
    (folder / "diagnoser.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match=r"diagnoser\.onnx is damaged"):
        rebuild(load_bundle(folder), "fp32", machine, why="", say=lambda line: None)


def test_the_place_in_the_cache_depends_on_all_that_the_engine_does(
    make_bundle: Callable[..., Path],
) -> None:
    def other_graph(manifest: dict[str, Any]) -> None:
        manifest["files"]["diagnoser.onnx"]["sha256"] = "c" * 64

    def other_profile(manifest: dict[str, Any]) -> None:
        manifest["graph"]["profile"] = {"min": 1, "opt": 8, "max": 16}

    bundles = [
        load_bundle(make_bundle(name, change=change))
        for name, change in {
            "a": lambda manifest: None,
            "b": other_graph,
            "c": other_profile,
        }.items()
    ]
    assert profile_of(bundles[0]) == PROFILE
    assert profile_of(bundles[2]).max == 16
    machines = [
        HERE,
        HERE._replace(package="tensorrt"),
        HERE._replace(version="1.8"),
        HERE._replace(capability=89),
    ]
    places = {engine_file(bundle, "fp32", machine) for bundle in bundles for machine in machines}
    assert len(places) == len(bundles) * len(machines)
    # ... and on nothing else.
    twin = load_bundle(make_bundle("twin"))
    assert engine_file(twin, "fp32", HERE) == engine_file(bundles[0], "fp32", HERE)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "dlrsd"


@pytest.mark.skipif(count_gpus() > 0, reason="is about machines with no GPU")
def test_with_no_gpu_there_is_no_engine(make_bundle: Callable[..., Path]) -> None:
    assert not has_engine(load_bundle(make_bundle()), "fp32")
    with pytest.raises(DlrsdError, match="GPU"):
        this_machine()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("engines", {}),
        ("engines", [{**ENTRY, "targets": "sm86"}]),
        ("engines", [{key: ENTRY[key] for key in ENTRY if key != "file"}]),
        ("profile", {"min": 1, "opt": 64}),
        ("profile", {"min": 1, "opt": 64, "max": 8}),
        ("profile", {"min": 0, "opt": 1, "max": 8}),
    ],
)
def test_a_manifest_that_says_it_wrongly_is_refused(
    place: str, value: Any, make_bundle: Callable[..., Path]
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        (manifest if place == "engines" else manifest["graph"])[place] = value

    with pytest.raises(BundleError, match=f"{place}.*expected .*export the bundle again"):
        load_bundle(make_bundle(change=change))
