"""Messages fit their published schema and say what they were made of."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from dlrsd.runtime.service.sinks import payload
from tests.runtime.service.sinks.made import ODD, a_change, a_machine, a_minute, an_event

PUBLISHED = Path(payload.__file__).with_name("message.schema.json")


def all_four(machine: str = "pump1") -> list[payload.Message]:
    return [
        payload.of_change(a_change(machine=machine)),
        payload.of_machine(a_machine(machine), time=1_769_860_801.0),
        payload.of_minute(a_minute(machine=machine)),
        payload.of_event(an_event(machine=machine)),
    ]


@pytest.mark.parametrize("machine", ["pump1", ODD])
def test_every_message_fits_the_published_schema(machine: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for message in all_four(machine):
        said = json.loads(payload.encoded(message))
        validator.validate(said)
        assert said["type"] == payload.kind_of(message)
        assert said["machine"] == machine
        assert said["schema_version"] == 1
        for name in ("type", "machine", "time"):
            without = {key: value for key, value in said.items() if key != name}
            assert not validator.is_valid(without) or name == "machine"
    assert not validator.is_valid({"type": "alert"})


def test_an_alarm_says_what_the_change_says() -> None:
    said = json.loads(payload.encoded(payload.of_change(a_change(7))))
    assert said == {
        "type": "alarm", "schema_version": 1, "id": "c7", "alarm": "a1", "machine": "pump1",
        "rule": "zone", "state": "alert", "was": "normal", "time": "2026-01-31T12:00:00.250000Z",
        "since": "2026-01-31T11:59:00Z", "text": "Velocity of 5.1 mm/s is in zone C",
        "sensor": "de", "value": 5.1, "limit": 4.5, "unit": "mm/s", "place": "outer",
        "evidence": "BPFO 12 dB over its surroundings",
    }  # fmt: skip


def test_a_state_names_the_open_alarms_and_the_highest_velocity() -> None:
    said = json.loads(payload.encoded(all_four()[1]))
    assert said["velocity_mm_s"] == 2.5
    assert [each["alarm"] for each in said["alarms"]] == ["a1", "a2", "a3"]
    assert said["alarms"][2]["shelved_until"].startswith("2255-03")
    assert [each["sensor"] for each in said["sensors"]] == ["de", "nde", "axial"]
    assert said["sensors"][2]["time"] is None
    assert said["sensors"][1]["unfit"] == "clipped"


def test_messages_are_read_back_as_they_were() -> None:
    for message in all_four(ODD):
        assert msgspec.json.decode(payload.encoded(message), type=payload.Message) == message


@pytest.mark.parametrize("seconds", [-1e300, 1e300, float("inf"), float("nan"), 0.0, -1.5])
def test_no_clock_is_too_wrong_for_a_time(seconds: float) -> None:
    assert payload.when(seconds).utcoffset() is not None
    if -10 < seconds < 10:
        assert payload.when(seconds).timestamp() == seconds


def test_half_a_character_is_replaced() -> None:
    message = payload.of_event(an_event("file \udcff.wav appeared"))
    assert json.loads(payload.encoded(message))["text"] == "file ?.wav appeared"
