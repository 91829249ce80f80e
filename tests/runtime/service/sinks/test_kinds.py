"""All kinds of outputs read from settings, by their tag."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from dlrsd.runtime.base.formats import FormatError, checked, json_schema
from dlrsd.runtime.service.sinks.kinds import AnySink
from dlrsd.runtime.service.sinks.payload import Kind

GOOD: dict[str, dict[str, Any]] = {
    "mqtt": {"host": "broker"},
    "webhook": {"url": "https://host/hook"},
    "email": {"host": "mail", "sender": "a@b", "to": ["c@d"]},
    "jsonl": {"folder": "log"},
    "parquet": {"folder": "rows"},
    "syslog": {},
    "journal": {},
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_kind_is_read_by_its_tag_and_makes_its_output(kind: str) -> None:
    config = checked({"kind": kind, "name": "out", **GOOD[kind]}, AnySink)  # type: ignore[arg-type]
    sink = config.sink()
    assert sink.name == "out"
    assert "alarm" in sink.says
    assert set(sink.says) <= set(get_args(Kind))
    with pytest.raises(FormatError, match="surprise"):
        checked({"kind": kind, "name": "out", "surprise": 1, **GOOD[kind]}, AnySink)  # type: ignore[arg-type]


def test_every_kind_is_tested_here() -> None:
    assert {each.__struct_config__.tag for each in get_args(AnySink)} == set(GOOD)


def test_an_unknown_kind_is_told_which_there_are() -> None:
    with pytest.raises(FormatError, match=r"mqtt.*webhook.*email"):
        checked({"kind": "carrier pigeon", "name": "out"}, AnySink)  # type: ignore[arg-type]


def test_every_setting_is_described_for_the_published_schema() -> None:
    for name, form in json_schema(AnySink, identifier="x", title="x")["$defs"].items():
        for field, facts in form["properties"].items():
            assert field == "kind" or facts.get("description"), f"{name}.{field}"


def test_settings_hold_no_secret() -> None:
    for config in get_args(AnySink):
        names = [field.name for field in msgspec.structs.fields(config)]
        secret = [name for name in names if "password" in name or "key" in name]
        assert all(name.endswith(("_env", "_file")) for name in secret)
