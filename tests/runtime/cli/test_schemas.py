"""The published JSON Schemas are those of the structs, and records fit theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.cli.schemas import SCHEMAS

jsonschema = pytest.importorskip("jsonschema")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_published_file_is_up_to_date(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema == SCHEMAS[path](), "run `python -m dlrsd.runtime.cli.schemas`"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_every_field_of_a_manifest_and_a_sidecar_is_described(path: Path) -> None:
    if path.name == "records.schema.json":
        return
    for name, form in SCHEMAS[path]()["$defs"].items():
        for field, facts in form["properties"].items():
            is_tag = "enum" in facts and len(facts["enum"]) == 1
            assert is_tag or facts.get("description"), f"{name}.{field}"


@pytest.mark.parametrize("make", ["make_bundle", "make_sequence", "make_order_map"])
def test_the_records_of_a_diagnosis_fit_theirs(
    make: str, tmp_path: Path, command: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("onnxruntime")
    folder = request.getfixturevalue(make)()
    signal = json.loads((folder / "manifest.json").read_text())["signal"]
    samples = np.random.default_rng(0).standard_normal((40 * signal["window"], signal["channels"]))
    samples[: 2 * signal["window"]] = np.nan  # unfit windows
    samples.astype("<f4").tofile(tmp_path / "s.bin")
    speed = ["--speed", "1750"] if make == "make_order_map" else []
    start = ["--start", "2026-01-31T12:00:00Z"]
    done = command("diagnose", "s.bin", *speed, *start, "--output", "out.jsonl")
    assert done.returncode == 0, done.stderr
    (schema,) = (make() for path, make in SCHEMAS.items() if path.name == "records.schema.json")
    validator = jsonschema.Draft202012Validator(schema)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {record["type"] for record in records} == {"header", "window", "summary"}
    assert any(record.get("label") is None for record in records[1:-1])
    for record in records:
        validator.validate(record)
    assert not validator.is_valid(records[1] | {"quality": "fine"})
    assert not validator.is_valid({"type": "window"})
