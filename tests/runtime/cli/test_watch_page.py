"""The page of a watch that runs: it answers what the store has, as the schemas say."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.parse

import pytest

from dlrsd.runtime.cli.schemas import SCHEMAS
from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.store.reading import Reading
from tests.runtime.cli.test_watch import Running
from tests.runtime.service.page.test_access import ask, form_key, post

jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")
MACHINES = {"pump 1": ("DE", "NDE"), "fan": ("DE",)}
WATCH = """
schema_version = 1
[page]
port = 0
[[machines]]
machine = "pump 1"
[[machines.sources]]
kind = "simulated"
in_real_time = false
sensors = ["DE"]
[[machines.sources]]
kind = "simulated"
in_real_time = false
sensors = ["NDE"]
defect = "outer"
begins_s = 5
grows_s = 5
[[machines]]
machine = "fan"
rules = [{ kind = "silent", after_s = 1 }]
[[machines.sources]]
kind = "tcp"
connect = "127.0.0.1:9"
unit = "g"
silent_s = 1
"""


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    """A pump with a fault at one of two sensors, and a fan of which nothing ever comes."""
    root = tmp_path_factory.mktemp("plant")
    for name, sensors in MACHINES.items():
        (root / name).mkdir()
        facts = Machine(
            schema_version=1,
            name=name,
            shaft=Shaft(speed_rpm=1770.0),
            sensors=[Sensor(name=each, bearing="6205") for each in sensors],
            iso_20816_3=Iso20816(group=2, mounting="rigid"),
        )
        write_machine(facts, root / name)
    (root / "watch.toml").write_text(WATCH)
    running = Running("watch.toml", cwd=root)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def alarm_of(watch: Running, machine: str, rule: str) -> dict:
    for _ in range(600):
        for alarm in json.loads(watch.get("api/alarms"))["alarms"]:
            if (alarm["machine"], alarm["rule"]) == (machine, rule):
                return alarm
        time.sleep(0.1)
    raise AssertionError(f"no alarm of {machine} came")


def html(watch: Running, path: str, **query: str) -> str:
    address = watch.address.rstrip("/")
    status, _, text = ask(address, f"{path}?{urllib.parse.urlencode(query)}", Accept="text/html")
    assert status == 200, text
    return text


def test_every_page_of_every_machine_is_there(watch) -> None:
    fault = alarm_of(watch, "pump 1", "fault")
    silent = alarm_of(watch, "fan", "silent")
    assert (fault["sensor"], silent["sensor"]) == ("NDE", "DE")
    for name, sensors in MACHINES.items():
        for sensor in sensors:
            html(watch, "/machine", name=name, sensor=sensor)
    assert "Nothing comes from DE" in html(watch, "/alarm", id=silent["id"])
    for alarm in (fault, silent):
        html(watch, "/machine", name=alarm["machine"], sensor=alarm["sensor"])
    assert "pump 1" in html(watch, "/")
    assert "pump 1" in html(watch, "/alarms")
    assert "Traceback" not in watch.log.read_text()


@pytest.mark.parametrize("name", ["machines", "alarms"])
def test_what_the_api_answers_fits_the_published_schema(watch, name) -> None:
    alarm_of(watch, "pump 1", "fault")
    (schema,) = (make() for path, make in SCHEMAS.items() if path.name == f"{name}.schema.json")
    said = json.loads(watch.get(f"api/{name}"))
    assert said[name]
    jsonschema.Draft202012Validator(schema).validate(said)


def test_a_trend_is_the_minutes_of_the_store(watch) -> None:
    alarm_of(watch, "pump 1", "fault")
    store = Reading(watch.log.parent / "store")
    for _ in range(600):
        kept = store.minutes("pump 1", "NDE", start=0, end=1e11)
        if len(kept) > 2:
            break
        time.sleep(0.1)
    start, end = 60.0 * kept[0].minute, 60.0 * (kept[0].minute + 2)
    query = {"machine": "pump 1", "sensor": "NDE", "figure": "velocity_mm_s"}
    said = json.loads(
        watch.get("api/trend?" + urllib.parse.urlencode({**query, "start": start, "end": end}))
    )
    assert said["time"] == [start, start + 60]
    assert said["mean"] == pytest.approx([m.levels.velocity_mm_s for m in kept[:2]], rel=1e-3)


def test_of_an_alarm_only_the_sensor_that_it_names_is_labelled(watch) -> None:
    alarm = alarm_of(watch, "pump 1", "fault")
    store = Reading(watch.log.parent / "store")
    for _ in range(600):
        if store.waveforms(alarm=alarm["id"]):
            break
        time.sleep(0.1)
    address = watch.address.rstrip("/")
    fields = {"machine": "pump 1", "alarm": alarm["id"], "label": "outer", "by": "Ada"}
    status, _, text = post(address, "/confirm", fields | {"form_key": form_key(address)})
    assert status == 200, text
    (row,) = store.labels(machine="pump 1")
    assert (row.sensor, row.label, row.by) == ("NDE", "outer", "Ada")
    assert row.seconds == pytest.approx(20, abs=1)


def test_labelled_windows_are_read_by_training(watch) -> None:
    pytest.importorskip("torch")
    address = watch.address.rstrip("/")
    fields = {"machine": "pump 1", "sensor": "DE", "label": "normal", "by": "Ada"}
    status, _, text = post(address, "/confirm", fields | {"form_key": form_key(address)})
    assert status == 200, text
    train = "from dlrsd.training.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", train, "inspect", str(watch.log.parent / "store" / "labelled")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 recordings" in done.stdout
    assert all(f"\n{name} " in done.stdout for name in ("normal", "outer"))
