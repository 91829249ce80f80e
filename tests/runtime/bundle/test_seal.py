"""The seal: no change of a manifest passes unseen, and a bundle without its seal is no way around."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.bundle.bundle import load_bundle, shipped_bundles
from dlrsd.runtime.bundle.manifest import read_manifest
from dlrsd.runtime.bundle.onnx_file import read_onnx
from dlrsd.runtime.bundle.seal import canonical, digest, record, require_record, sealed
from dlrsd.runtime.output.bundle_report import info_lines

WHERE = Path("manifest.json")


@pytest.fixture
def sealed_bundle(make_bundle: Callable[..., Path], seal: Callable[[Path], Path]) -> Path:
    return seal(make_bundle())


def stated(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return values


def test_the_digest_is_of_one_text_however_the_json_is_written() -> None:
    values = {"b": [1, 2.5, None, True], "a": {"y": "\u00e9", "x": 1.0}, "seal": {"sha256": "?"}}
    text = b'{"a":{"x":1,"y":"\\u00e9"},"b":[1,2.5,null,true]}'
    assert canonical({key: values[key] for key in ("b", "a")}) == text
    # sha256sum of that text
    assert digest(values) == "d99c430734d1135891ecc6f40b755bea56df99a97bee8570e4d07f7a0819e481"
    assert digest(json.loads(json.dumps(values, indent=3, sort_keys=True))) == digest(values)


def test_every_flip_of_a_bit_is_refused_or_says_the_same(sealed_bundle: Path) -> None:
    text = json.dumps(stated(sealed_bundle), indent=0).encode()
    right, refused = read_manifest(text, where=WHERE), 0
    for at in range(len(text)):
        for bit in range(8):
            flipped = bytearray(text)
            flipped[at] ^= 1 << bit
            try:
                assert read_manifest(bytes(flipped), where=WHERE) == right, (at, bit)
            except BundleError:
                refused += 1
    assert refused > 0.99 * 8 * len(text)  # others are the last digit of a long number, or its E


@pytest.mark.parametrize("name", shipped_bundles())
def test_a_ready_bundle_is_sealed_and_so_are_its_graphs(name: str) -> None:
    bundle = load_bundle(name)
    assert bundle.manifest.seal is not None
    assert bundle.manifest.seal.sha256 == digest(json.loads(bundle.text))
    for file in bundle.manifest.files:
        metadata = read_onnx(bundle.graph(file))
        assert json.loads(metadata["dlrsd"]) == record(json.loads(bundle.text))


def test_classes_exchanged_and_sealed_again_do_not_fit_the_graphs(sealed_bundle: Path) -> None:
    values = stated(sealed_bundle)
    values["classes"].reverse()
    (sealed_bundle / "manifest.json").write_text(json.dumps(sealed(values)))
    bundle = load_bundle(sealed_bundle)
    with pytest.raises(BundleError, match=r"its record and the manifest differ in 'classes'"):
        bundle.graph("diagnoser.onnx")


def test_a_seal_taken_away_is_missed_by_the_graphs(sealed_bundle: Path) -> None:
    values = stated(sealed_bundle)
    values["classes"].reverse()
    for nothing in ({}, {"seal": None}):
        without = {key: value for key, value in values.items() if key != "seal"} | nothing
        (sealed_bundle / "manifest.json").write_text(json.dumps(without))
        with pytest.raises(BundleError, match=r"of a sealed bundle, and this one's manifest has"):
            load_bundle(sealed_bundle).graph("diagnoser.onnx")


def test_a_graph_without_a_record_is_of_no_sealed_bundle(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "manifest.json").write_text(json.dumps(sealed(stated(folder))))
    with pytest.raises(BundleError, match=r"it has no record of the bundle it is of"):
        load_bundle(folder).graph("diagnoser.onnx")


@pytest.mark.parametrize("found", ["[]", "3", '{"sealed": 1}', "{", '{"sealed": true}', ""])
def test_a_record_that_is_none_is_refused(found: str, sealed_bundle: Path) -> None:
    with pytest.raises(FormatError):
        require_record({"dlrsd": found}, stated(sealed_bundle))


@pytest.mark.parametrize(
    "other", [[], "x", {}, {"sha256": "x"}, {"sha256": None}, {"sha256": "0" * 64}, {"md5": "x"}]
)
def test_another_seal_is_refused(other: Any, sealed_bundle: Path) -> None:
    text = json.dumps(stated(sealed_bundle) | {"seal": other}).encode()
    with pytest.raises(BundleError, match="manifest") as caught:
        read_manifest(text, where=WHERE)
    assert "\n" not in str(caught.value)


def test_a_bundle_from_before_loads_and_info_says_that_it_has_no_seal(
    make_bundle: Callable[..., Path],
) -> None:
    bundle = load_bundle(make_bundle())
    assert bundle.graph("diagnoser.onnx")
    (line,) = [line for line in info_lines(bundle) if line.startswith("seal")]
    assert "none, as before bundles were sealed" in line


def test_info_shows_the_seal(sealed_bundle: Path) -> None:
    (line,) = [line for line in info_lines(load_bundle(sealed_bundle)) if line.startswith("seal")]
    assert stated(sealed_bundle)["seal"]["sha256"][:16] in line
