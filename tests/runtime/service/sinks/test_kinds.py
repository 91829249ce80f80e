"""All kinds of outputs read from settings, by their tag."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, checked, json_schema
from dlrsd.runtime.service.sinks.kinds import AnySink
from dlrsd.runtime.service.sinks.payload import Kind, of_event
from tests.runtime.service.sinks.made import an_event, run

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


@pytest.mark.parametrize("kind", GOOD)
def test_what_settings_name_is_looked_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    good = {"kind": kind, "name": "out", **GOOD[kind]}
    checked(good, AnySink).check()  # type: ignore[arg-type]
    more: dict[str, dict[str, Any]] = {
        "mqtt": {"tls": True, "username": "a", "password_env": "NO_SUCH"},
        "webhook": {"key_env": "NO_SUCH"},
        "email": {"username": "a", "password_env": "NO_SUCH"},
    }
    if kind not in more:
        return
    with pytest.raises(InputError, match="NO_SUCH"):
        checked(good | more[kind], AnySink).check()  # type: ignore[arg-type]
    monkeypatch.setenv("NO_SUCH", "there")
    checked(good | more[kind], AnySink).check()  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"certificates from .*here.*none.pem"):
        checked(good | more[kind] | {"ca_file": "none.pem"}, AnySink).check(Path("here"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_relative_folders_begin_where_the_settings_are(kind: str, tmp_path: Path) -> None:
    config = checked({"kind": kind, "name": "out", "folder": "log"}, AnySink)  # type: ignore[arg-type]
    sink = config.sink(tmp_path)

    async def work() -> None:
        await sink.open()
        await sink.send([of_event(an_event())])
        await sink.close()

    run(work())
    assert len(list((tmp_path / "log").glob("*.jsonl"))) == 1
