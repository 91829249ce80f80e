"""Bundles: what loads, and that every way to be broken is said in one line."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.bundle import bundle as bundle_module
from dlrsd.runtime.bundle.bundle import load_bundle, shipped_bundles
from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.cli.info import info_lines
from dlrsd.runtime.dsp.order_map import OrderMapConfig

SCHEMA = Path(bundle_module.__file__).with_name("manifest.schema.json")


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def test_a_bundle_gives_what_its_manifest_says(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    bundle = load_bundle(folder)
    assert bundle.name == "tiny"
    assert bundle.classes == ("Quiet", "Rough", "Loud")
    assert (bundle.channels, bundle.window, bundle.hop) == (1, 64, 32)
    assert (bundle.signal.rate_hz, bundle.signal.unit, bundle.signal.channels) == (1000.0, "g", 1)
    assert bundle.quality.level_high == 20.0
    assert bundle.file("diagnoser.onnx") == folder / "diagnoser.onnx"


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
    folder = make_bundle(change=lambda manifest: manifest.update(schema_version=2))
    with pytest.raises(BundleError, match=r"schema 2.*newer.*pip install --upgrade dlrsd"):
        load_bundle(folder)


def edit(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *path, last = place.split(".")

    def change(manifest: dict[str, Any]) -> None:
        for key in path:
            manifest = manifest[key]
        manifest[last] = value

    return change


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema_version", "1"),
        ("schema_version", True),
        ("kind", "sequence"),
        ("classes", []),
        ("classes", ["a", "a"]),
        ("classes", [1, 2]),
        ("signal.rate_hz", 0),
        ("signal.rate_hz", "12000"),
        ("signal.hop", 0),
        ("signal.window", 63),
        ("verdict.hold", 46),
        ("quality", {"zero_runs": 3}),
        ("quality", {"level_low": 3.0, "level_high": 1.0}),
        ("signal.rate_hz", float("inf")),
        ("graph.inputs", ["waveform"]),
        ("graph.inputs", [{"name": "waveform"}]),
        ("synthesis", {"file": "synthesizer.onnx"}),
        ("training", None),
        ("training.window_counts", {"train": 5}),
        ("training.balance_ratio", "1:5"),
        ("metrics", None),
        ("parity", {"fp32": {"label_agreement": 1.0}}),
        ("parity", {"windows": 9, "int8": 1.0}),
        ("files", {"diagnoser.onnx": {"sha256": "00"}}),
        ("files", {"../evil.onnx": {"sha256": "0" * 64, "bytes": 1}}),
        ("files", {"/etc/hosts": {"sha256": "0" * 64, "bytes": 1}}),
        ("files", {"..": {"sha256": "0" * 64, "bytes": 1}}),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(
    place: str, value: Any, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle(change=edit(place, value))
    with pytest.raises(BundleError, match=r"manifest\.json") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


def test_a_sequence_gives_what_its_manifest_says(make_sequence: Callable[..., Path]) -> None:
    bundle = load_bundle(make_sequence())
    assert bundle.is_sequence
    assert bundle.signal.names == ("S1", "R1")
    assert bundle.signal.rate_hz == 1 / 900
    assert not bundle.manifest["synthesis"]


LEVEL = {"name": "level", "dtype": "float32", "shape": ["batch", 1]}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("kind", "series"),
        ("graph.states", None),
        ("graph.states", ["level"]),
        ("graph.states", [LEVEL, LEVEL]),
        ("graph.states", [LEVEL | {"dtype": "float16"}]),
        ("graph.states", [LEVEL | {"name": ""}]),
        ("graph.states", [LEVEL | {"shape": [1, 1]}]),
        ("graph.states", [LEVEL | {"shape": ["batch", "units"]}]),
        ("signal.channel_names", None),
        ("signal.channel_names", ["S1"]),
        ("signal.channel_names", ["S1", "S1"]),
        ("signal.channel_names", ["S1", "R1", "R2"]),
        ("signal.hold", None),
        ("signal.hold", -1),
        ("signal.hold", True),
        ("synthesis", {"file": "a.onnx", "anchors": "b.npz", "statement": "c"}),
    ],
)
def test_a_sequence_that_cannot_be_is_refused(
    place: str, value: Any, make_sequence: Callable[..., Path]
) -> None:
    folder = make_sequence(change=edit(place, value))
    with pytest.raises(BundleError, match=r"manifest\.json") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


def test_an_order_map_gives_what_its_manifest_says(make_order_map: Callable[..., Path]) -> None:
    bundle = load_bundle(make_order_map())
    assert bundle.order_map == OrderMapConfig(4000.0, 2048, 4, 200.0, 1500.0)
    assert bundle.signal.orders == {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}
    assert [machine["speed_rpm"] for machine in bundle.machines] == [[1700.0, 1800.0]]


def test_no_order_map_is_null_or_absent(make_bundle: Callable[..., Path]) -> None:
    for name, change in (("absent", {}), ("null", {"order_map": None})):
        bundle = load_bundle(make_bundle(name, change=lambda m, new=change: m.update(new)))
        assert (bundle.order_map, bundle.machines, bundle.signal.orders) == (None, [], None)


SCALOGRAM = {
    **dict.fromkeys(("n_frequencies", "n_blocks"), 4),
    **dict.fromkeys(("f_min_hz", "f_max_hz", "bandwidth", "center", "eps"), 1.0),
    **dict.fromkeys(("mean", "std"), [1.0] * 4),
}
BEARING = {"speed_rpm": [1700, 1800], "bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("order_map", [], "expected null, or n_bands"),
        ("order_map.n_bands", 0, "expected null, or n_bands"),
        ("order_map.f_min_hz", None, "expected null, or n_bands"),
        ("order_map.machines", [], "expected null, or n_bands"),
        ("order_map.machines", [BEARING | {"bsf": 0}], "expected null, or n_bands"),
        ("order_map.machines", [BEARING | {"ftf": None}], "expected null, or n_bands"),
        ("order_map.machines", [BEARING | {"speed_rpm": 1700}], "expected null, or n_bands"),
        ("order_map.machines", [BEARING | {"speed_rpm": [1800, 1700]}], "expected null, or n_ban"),
        ("order_map.n_bands", 8, r"takes order maps of \[1, 4, 32\], .* give \[1, 8, 32\]"),
        ("signal.channels", 2, r"takes order maps of \[1, 4, 32\], .* give \[2, 4, 32\]"),
        ("order_map.f_max_hz", 2001.0, "unusable order map: .* 200 to 2001 Hz do not fit"),
        ("signal.window", 1024, "unusable order map: .* holds 7.3 revolutions"),
        ("order_map.machines", [BEARING | {"speed_rpm": [1700, 9000]}], "use a higher rate"),
        ("scalogram", {"n_frequencies": 4}, "expected null, for order maps"),
        ("synthesis", {"file": "a", "anchors": "b", "statement": "c"}, "null, for order maps"),
    ],
)
def test_an_order_map_that_cannot_be_is_refused(
    place: str, value: Any, said: str, make_order_map: Callable[..., Path]
) -> None:
    folder = make_order_map(change=edit(place, value))
    with pytest.raises(BundleError, match=rf"manifest\.json .*{said}") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


def test_a_sequence_has_no_order_map(make_sequence: Callable[..., Path]) -> None:
    facts = {"n_bands": 4, "f_min_hz": 2e-5, "f_max_hz": 4e-4, "machines": [BEARING]}
    with pytest.raises(BundleError, match="expected window, for order maps"):
        load_bundle(make_sequence(change=edit("order_map", facts)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff", "[" * 200_000])
def test_a_manifest_that_is_none_is_refused(text: str, make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match="export"):
        load_bundle(folder)


def test_a_damaged_missing_or_unlisted_file_is_refused(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    bundle = load_bundle(folder)
    with pytest.raises(BundleError, match=r"has no diagnoser\.int8\.onnx, only anchors\.npz"):
        bundle.file("diagnoser.int8.onnx")
    graph = folder / "diagnoser.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(BundleError, match="is damaged"):
        bundle.file("diagnoser.onnx")
    graph.unlink()
    with pytest.raises(BundleError, match=r"lacks diagnoser\.onnx"):
        bundle.file("diagnoser.onnx")


def test_a_link_out_of_the_bundle_is_refused(
    tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle()
    (folder / "diagnoser.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "diagnoser.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match="leads out of the bundle"):
        load_bundle(folder).file("diagnoser.onnx")


def test_info_states_what_it_was_trained_on(make_bundle: Callable[..., Path]) -> None:
    text = "\n".join(info_lines(load_bundle(make_bundle())))
    assert "Trained on nothing; tells three levels apart." in text
    assert "It fits that machine and sensor" in text
    assert "accuracy 1.0000 (protocol block)" in text


def test_info_states_what_a_sequence_carries_and_holds(make_sequence: Callable[..., Path]) -> None:
    lines = info_lines(load_bundle(make_sequence(hop=4)))
    text = "\n".join(lines)
    assert "2 channel(s), a sample every 900 s in as recorded, windows of 2 h (8 samples)" in text
    assert "every 1 h" in text
    assert "channels    S1, R1" in lines
    assert "a value is held for 0.75 h" in text
    assert "level [1], means [2]" in text
    assert "It fits that plant and its sensors" in text
    assert not any(line.startswith("quality") for line in lines)


def test_info_states_what_an_order_map_needs(make_order_map: Callable[..., Path]) -> None:
    def add_another(manifest: dict[str, Any]) -> None:
        other = {"speed_rpm": [1500, 1500], "bpfo": 2.6, "bpfi": 3.585, "bsf": 1.8, "ftf": 0.37}
        manifest["order_map"]["machines"].append(other)

    lines = info_lines(load_bundle(make_order_map(change=add_another)))
    at = lines.index("signal      1 channel(s) at 4000 Hz in g, windows of 2048 samples every 1024")
    assert lines[at + 1] == (
        "front end   order map: 4 bands from 200 to 1500 Hz; needs the shaft's speed; trained on "
        "bearings bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398 at 1700 to 1800 rpm; bpfo 2.6, bpfi "
        "3.585, bsf 1.8, ftf 0.37 at 1500 rpm"
    )
    text = "\n".join(lines)
    assert "--speed and --orders give another bearing or machine" in text
    assert "It fits" not in text


def test_the_schema_takes_a_good_order_map_and_no_bad_one(
    make_order_map: Callable[..., Path],
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    manifest = manifest_of(make_order_map())
    validator.validate(manifest)
    for change in (
        edit("order_map", None),  # without a scalogram either
        edit("order_map.machines", []),
        edit("order_map.machines", [BEARING | {"bpfo": 0}]),
        edit("order_map.machines", [BEARING | {"speed_rpm": [1700]}]),
        edit("scalogram", SCALOGRAM),
        edit("synthesis", {"file": "a.onnx", "anchors": "b.npz", "statement": "c"}),
        lambda broken: broken["order_map"].pop("f_max_hz"),
    ):
        broken = copy.deepcopy(manifest)
        change(broken)
        assert not validator.is_valid(broken)


def test_the_schema_takes_a_good_sequence_and_no_bad_one(
    make_sequence: Callable[..., Path],
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    manifest = manifest_of(make_sequence())
    validator.validate(manifest)
    stateless = copy.deepcopy(manifest)
    edit("graph.states", [])(stateless)
    validator.validate(stateless)  # a network without memory over windows
    for change in (
        edit("kind", "window"),  # which has a scalogram
        edit("graph.states", None),
        edit("graph.states", [LEVEL | {"dtype": "float16"}]),
        edit("signal.hold", -1),
        edit("synthesis", {"file": "a.onnx", "anchors": "b.npz", "statement": "c"}),
        lambda broken: broken["signal"].pop("channel_names"),
        lambda broken: broken["signal"].pop("hold"),
    ):
        broken = copy.deepcopy(manifest)
        change(broken)
        assert not validator.is_valid(broken)


def test_the_schema_takes_a_good_manifest_and_no_bad_one(make_bundle: Callable[..., Path]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    manifest = manifest_of(make_bundle())
    validator.validate(manifest)
    for change in (
        edit("schema_version", 2),
        edit("classes", ["a"]),
        edit("signal.hop", 0),
        edit("files", {"../evil.onnx": {"sha256": "0" * 64, "bytes": 1}}),
        edit("parity.fp32.label_agreement", 1.2),
        lambda broken: broken.pop("training"),
    ):
        broken = copy.deepcopy(manifest)
        change(broken)
        assert not validator.is_valid(broken)


@pytest.mark.parametrize("name", shipped_bundles())
def test_a_shipped_bundle_is_whole_small_and_fits_the_schema(name: str) -> None:
    bundle = load_bundle(name)
    files = sorted(path.name for path in bundle.path.iterdir())
    assert files == sorted([*bundle.manifest["files"], "manifest.json"])
    for file in bundle.manifest["files"]:
        assert re.fullmatch(r"[\w.-]+", bundle.file(file).name)
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= 2 * 2**20
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(dict(bundle.manifest), json.loads(SCHEMA.read_text()))
