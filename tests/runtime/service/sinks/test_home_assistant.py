"""What Home Assistant is told of machines, and reads from their states."""

from __future__ import annotations

import json

import pytest

from dlrsd.runtime.service.sinks.home_assistant import discovery
from dlrsd.runtime.service.sinks.mqtt import topic_of
from dlrsd.runtime.service.sinks.payload import encoded, of_machine
from tests.runtime.service.sinks.broker import Broker, Listener, config_of, send
from tests.runtime.service.sinks.made import ODD, a_machine, run, until


def test_home_assistant_is_told_once_what_there_is(broker: Broker) -> None:
    async def work() -> None:
        listener = Listener(broker.port, "homeassistant/#")
        await until(lambda: listener.ready)
        states = [of_machine(a_machine(name), time=1.0) for name in (ODD, "pump 1", "pump/1")]
        await send(config_of(broker, home_assistant="homeassistant"), states * 2)
        await until(lambda: len(listener.got) >= 12)
        listener.close()
        assert len(listener.got) == len({topic for topic, _, _ in listener.got}) == 12
        ids = set()
        for topic, payload, _ in listener.got:
            _, component, identifier, end = topic.split("/")
            assert end == "config"
            assert component in ("sensor", "binary_sensor")
            assert identifier.replace("_", "").isalnum()
            assert identifier.isascii()
            said = json.loads(payload)
            assert said["availability_topic"] == "dlrsd/status"
            assert said["state_topic"] in {topic_of(each, "dlrsd") for each in states}
            ids.add(said["unique_id"])
        assert len(ids) == 12

    run(work())


@pytest.mark.parametrize("state", ["normal", "alert", "danger", "sensor fault", "stopped"])
def test_home_assistant_reads_the_fault_from_the_state(state: str) -> None:
    jinja2 = pytest.importorskip("jinja2")
    configs = {topic.rpartition("_")[2]: json.loads(text) for topic, text in discovery(
        "pump1", topic="t", status="s")}  # fmt: skip
    said = json.loads(encoded(of_machine(a_machine(), time=1.0))) | {"state": state}
    values = {
        name: jinja2.Template(config["value_template"]).render(value_json=said)
        for name, config in configs.items()
    }
    is_fault = state in ("alert", "danger", "sensor fault")
    expected = {"fault": "ON" if is_fault else "OFF", "state": state, "zone": "C"}
    assert values == expected | {"velocity": "2.5"}
