"""Sidecars: the code and the published schema judge every change of one the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams import stream_format
from dlrsd.runtime.streams.stream_format import StreamFormat, read_sidecar

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads(Path(stream_format.__file__).with_name("sidecar.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FACTS: dict[str, Any] = {
    "dtype": "s16le", "rate": 25600, "channels": 2, "scale": 0.000305, "unit": "g",
    "start": "2026-01-31T12:00:00Z", "variable": "DE", "speed_rpm": 1772,
    "orders": {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398},
}  # fmt: skip
INSTEAD = [
    "null", "true", "0", "-1", "1", "2.0", "1.5", "1e400", "1e-400", "NaN", "1" + "0" * 30, '""',
    '"x"', '"g"', '"2026-01-31"', '"\\ud800"', "[]", "{}", '["DE"]', '{"bpfo": 1}',
    '{"bpfo": 1, "bpfi": 2, "bsf": 1, "ftf": 0}', '{"bpfo": 1, "bpfi": 2, "bsf": 1, "ftf": 1}',
    '{"bpfo": 1, "bpfi": 2, "bsf": 1, "cage": 1}', "[" * 2000 + "]" * 2000,
]  # fmt: skip
# The bundle's own unit counts as well, and there are many ways to write a time.
OF_THE_BUNDLE = {"unit", "start"}


def code_takes(path: Path, text: str) -> bool:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_sidecar(path, bundle_unit="g")
    except InputError as error:
        said = str(error)
    else:
        return True
    assert said.startswith(str(path))
    assert "\n" not in said
    return False


def schema_takes(text: str) -> bool:
    try:
        values = json.loads(text, parse_constant=int)  # "NaN" is no number of JSON
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return bool(VALIDATOR.is_valid(values))


@pytest.mark.parametrize("fact", FACTS)
def test_code_and_schema_judge_every_change_the_same(fact: str, tmp_path: Path) -> None:
    path = tmp_path / "s.bin.json"
    assert code_takes(path, json.dumps(FACTS))
    assert schema_takes(json.dumps(FACTS))
    for instead in INSTEAD:
        text = json.dumps(FACTS | {fact: "@"}).replace('"@"', instead)
        by_code, by_schema = code_takes(path, text), schema_takes(text)
        assert by_schema or not by_code, text
        assert by_code == by_schema or fact in OF_THE_BUNDLE, text


@pytest.mark.parametrize("text", ["{}", "[]", "null", "", "{", '{"sample_rate": 12000}'])
def test_so_they_judge_other_texts(text: str, tmp_path: Path) -> None:
    assert code_takes(tmp_path / "s.json", text) == schema_takes(text) == (text == "{}")


def test_facts_are_kept_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps(FACTS | {"channels": 2.0, "unit": "m/s**2"}))
    found = read_sidecar(path, bundle_unit="g")
    assert found == StreamFormat(**FACTS | {"unit": "m/s2"})
    assert type(found.channels) is int
    assert type(found.speed_rpm) is int
    assert read_sidecar(tmp_path / "none.json", bundle_unit="g") == StreamFormat()
