"""The published JSON Schemas of runs and tables are those of the structs, and real ones fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dlrsd.training.kinds.schemas import SCHEMAS


def published(name: str) -> Any:
    (path,) = (path for path in SCHEMAS if path.name == name)
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_published_file_is_up_to_date(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema == SCHEMAS[path], "run `python -m dlrsd.training.kinds.schemas`"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("run", ["tiny_run", "plant_run"])
def test_a_run_fits_and_a_damaged_one_does_not(run, request) -> None:
    facts = json.loads((request.getfixturevalue(run) / "config.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published("config.schema.json"))
    validator.validate(facts)
    for damage in ({"kind": "other"}, {"schema_version": 3}, {"seed": "0"}, {"more": 1}):
        assert not validator.is_valid({**facts, **damage}), damage
    assert not validator.is_valid({**facts, "settings": {**facts["settings"], "more": 1}})
