"""What options, sidecars, the facts on a machine and its baseline say against each other."""

from typing import Any

import pytest
from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.evidence.asking import asked_of
from dlrsd.runtime.evidence.turning import Tacho
from dlrsd.runtime.machine.facts import Machine, Sensor, Shaft
from tests.runtime.evidence.test_commissioned import BASELINE

ORDERS_6203 = {"bpfo": 3.053, "bpfi": 4.947, "bsf": 1.994, "ftf": 0.382}
PUMP = Machine(
    schema_version=1,
    name="pump",
    shaft=Shaft(speed_rpm=1772.0),
    sensors=[Sensor(name="DE", channel="acc", bearing="6205")],
)
STREAM: dict[str, Any] = {
    "source": "pump.bin", "rate_hz": 12000.0, "unit": "g", "channels": 2,
    "channel_names": ["time", "acc"], "speed_rpm": None, "orders": None, "stated_by": {},
    "warnings": [],
}  # fmt: skip


def test_a_sensor_is_looked_for_by_its_name_with_its_bearing_and_its_past() -> None:
    (asked,) = asked_of(STREAM, machine=PUMP, baseline=BASELINE)
    assert (asked.channel, asked.sensor) == (1, "DE")
    assert asked.kinematics.bpfo == pytest.approx(3.585, abs=0.001)
    assert asked.own is BASELINE.sensors[0]


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (
            {"orders": ORDERS_6203, "stated_by": {"orders": "sidecar"}},
            "got bpfo 3.053 by the recording, and sensor 'DE' in machine.toml has 3.585",
        ),
        (
            {"orders": ORDERS_6203, "stated_by": {"orders": "option"}},
            "got bpfo 3.053 by an option, and sensor 'DE'",
        ),
        ({"speed_rpm": 1200.0}, "got a speed of 1200 rpm, and the machine's is 1772 rpm"),
        ({"channel_names": ["time", "a"]}, "sensor 'DE' is channel 'acc', and pump.bin has 'time'"),
        ({"rate_hz": 25600.0}, "sampled at 25600 Hz, and the machine was commissioned at 12000 Hz"),
        ({"unit": "m/s2"}, "pump.bin is in m/s2, and the machine was commissioned in g"),
    ],
)
def test_what_contradicts_is_refused(stream: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        asked_of({**STREAM, **stream}, machine=PUMP, baseline=BASELINE)
    assert said in str(error.value)


def test_another_bearing_than_was_commissioned_is_refused() -> None:
    other = structs.replace(PUMP, sensors=[Sensor(name="DE", channel="acc", bearing="6203")])
    with pytest.raises(InputError, match=r"has bpfo 3\.053 in machine\.toml, and was commissioned"):
        asked_of(STREAM, machine=other, baseline=BASELINE)


def test_a_sensor_that_was_not_commissioned_gets_no_verdict() -> None:
    other = structs.replace(PUMP, sensors=[Sensor(name="FE", channel="acc", bearing="6205")])
    (asked,) = asked_of(STREAM, machine=other, baseline=BASELINE)
    assert asked.doubt == "sensor FE was not commissioned"


@pytest.mark.parametrize(
    ("shaft", "tacho", "said"),
    [
        (Shaft(tacho="time"), {"channel": 0, "pulses_per_turn": 2}, "with 2 pulses a turn, and in"),
        (
            Shaft(speed="time"),
            {"channel": 0, "pulses_per_turn": 1},
            "it is channel 0 with speed in",
        ),
        (Shaft(tacho="acc"), None, "sensor 'DE' and the tacho are both channel 'acc'"),
    ],
)
def test_one_tacho(shaft: Shaft, tacho: dict[str, int] | None, said: str) -> None:
    machine = structs.replace(PUMP, shaft=shaft)
    with pytest.raises(InputError) as error:
        asked_of({**STREAM, "tacho": tacho}, machine=machine)
    assert said in str(error.value)


def test_a_stated_tacho_is_no_sensor_and_gives_the_speed() -> None:
    stream = {**STREAM, "tacho": {"channel": 0, "pulses_per_turn": 4}, "orders": ORDERS_6203}
    (asked,) = asked_of(stream)
    assert (asked.channel, asked.tacho) == (1, Tacho(0, 4))


def test_a_baseline_of_another_machine_is_refused() -> None:
    other = structs.replace(BASELINE, machine="compressor")
    with pytest.raises(
        InputError, match=r"baseline is that of compressor, and machine\.toml is of p"
    ):
        asked_of(STREAM, machine=PUMP, baseline=other)
    assert asked_of(STREAM, machine=PUMP, baseline=structs.replace(BASELINE, machine="pump"))
