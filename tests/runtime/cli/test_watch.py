"""``watch``, ``status``, ``backup``, ``restore`` and ``token`` as commands of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store

pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")
SOURCE = """
[[machines]]
machine = "{name}"
[[machines.sources]]
kind = "simulated"
in_real_time = false
seed = {seed}
"""
FAULTY = 'defect = "outer"\nbegins_s = 5\ngrows_s = 5\n'


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()", *words]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """A pump that is sound and a fan that is not, as fast as they are looked at."""
    for name in ("pump", "fan"):
        (tmp_path / name).mkdir()
        facts = Machine(
            schema_version=1,
            name=name,
            shaft=Shaft(speed_rpm=1770.0),
            sensors=[Sensor(name="DE", bearing="6205")],
            iso_20816_3=Iso20816(group=2, mounting="rigid"),
        )
        write_machine(facts, tmp_path / name)
    text = SOURCE.format(name="pump", seed=1) + SOURCE.format(name="fan", seed=2) + FAULTY
    (tmp_path / "watch.toml").write_text(f"schema_version = 1\n{text}")
    return tmp_path


class Running:
    """A watch that runs, and the address of its page."""

    def __init__(self, *words: str, cwd: Path) -> None:
        self.log = cwd / "log.txt"
        self._file = self.log.open("wb")
        self.process = subprocess.Popen(command("watch", *words), cwd=cwd, stderr=self._file)
        self.address = self._said(r"the page is at (\S+)")

    def _said(self, pattern: str) -> str:
        for _ in range(600):
            if found := re.search(pattern, self.log.read_text()):
                return found[1]
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return answer.read()

    def wait_for_alarm(self) -> dict:
        for _ in range(600):
            alarms = json.loads(self.get("api/alarms"))["alarms"]
            faults = [each for each in alarms if each["rule"] == "fault"]
            if faults:
                return faults[0]
            time.sleep(0.1)
        raise AssertionError("no alarm came")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._file.close()
        return code


@pytest.fixture
def watching() -> Iterator[list[Running]]:
    """Watches that are ended whatever happens."""
    running: list[Running] = []
    yield running
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_a_watch_alarms_is_asked_backed_up_and_ends_in_order(plant, watching) -> None:
    watch = Running("watch.toml", "--port", "0", cwd=plant)
    watching.append(watch)
    alarm = watch.wait_for_alarm()
    assert alarm["machine"] == "fan"
    assert b"dlrsd_machine_state" in watch.get("metrics")
    names = [each["name"] for each in json.loads(watch.get("api/machines"))["machines"]]
    assert sorted(names) == ["fan", "pump"]
    done = run("status", "watch.toml", cwd=plant)
    assert done.returncode == 1
    assert "\nfan, alert: fault of the bearing's outer race at sensor DE" in done.stdout
    told = json.loads(run("status", "store", "--json", cwd=plant).stdout)
    assert told["condition"] == "alarm"
    assert told["alarms"][0]["machine"] == "fan"
    done = run("backup", "watch.toml", "kept", cwd=plant)
    assert done.returncode == 0, done.stderr
    assert watch.end() == 0
    assert run("status", "watch.toml", cwd=plant).returncode == 4  # nobody watches
    done = run("restore", "kept", "store", cwd=plant)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    (plant / "store").rename(plant / "old")
    assert run("restore", "kept", "watch.toml", cwd=plant).returncode == 0
    assert Reading(plant / "store").alarm(alarm["id"]) is not None


def test_a_file_is_read_again_on_sighup_and_what_is_wrong_in_it_changes_nothing(
    plant, watching
) -> None:
    path = plant / "watch.toml"
    whole = path.read_text()
    watch = Running("watch.toml", "--port", "0", "--log", "info", cwd=plant)
    watching.append(watch)

    def names() -> list[str]:
        found = json.loads(watch.get("api/machines"))["machines"]
        return sorted(each["name"] for each in found)

    path.write_text(whole[: whole.rindex("[[machines]]")])
    watch.process.send_signal(signal.SIGHUP)
    watch._said(r"(the file was read: 1 machines)")
    assert names() == ["pump"]
    path.write_text("nonsense")
    watch.process.send_signal(signal.SIGHUP)
    watch._said(r"(all goes on as before)")
    assert names() == ["pump"]
    assert watch.end(signal.SIGINT) == 0


def test_check_says_one_line_a_mistake_and_ends_with_2(plant) -> None:
    assert run("watch", "watch.toml", "--check", cwd=plant).returncode == 0
    (plant / "fan" / "machine.toml").unlink()
    done = run("watch", "watch.toml", "--check", cwd=plant)
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["machine fan"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["watch"], "give a watch.toml, or --demo"),
        (["watch", "no.toml"], "no.toml is not there"),
        (["watch", "watch.toml", "--demo"], "--demo"),
        (["status", "nowhere"], "nowhere"),
        (["backup", "nowhere", "kept"], "nowhere"),
        (["restore", "nowhere", "store"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(plant, words, told) -> None:
    done = run(*words, cwd=plant)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_said_in_one_line(plant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("watch", "watch.toml", "--port", f"{taken.getsockname()[1]}", cwd=plant)
    assert done.returncode == 2
    assert "something else listens there already" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_watches_of_one_store_are_refused(plant) -> None:
    with Store.open(plant / "store", Limits()):
        done = run("watch", "watch.toml", "--port", "0", cwd=plant)
    assert done.returncode == 2
    assert "in use by another watch" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="a folder that nobody may write to")
def test_a_store_that_cannot_be_written_is_refused_in_one_line(plant, small_disk) -> None:
    line = " ".join(f"'{word}'" for word in command("watch", "watch.toml", "--port", "0"))
    (plant / "watch.toml").write_text(
        (plant / "watch.toml").read_text() + '[store]\nfolder = "small/store"\n'
    )
    done = small_disk(f"mount -o remount,ro small && {line}", size=1 << 20)
    assert done.returncode == 2, done.stderr
    assert "Read-only" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_is_shown_once_and_its_line_is_no_secret(plant) -> None:
    done = run("token", "operate", "Ada", cwd=plant)
    assert done.returncode == 0
    token, line = (text.split(": ", 1)[1] for text in done.stdout.splitlines())
    assert token not in line
    assert "Ada" in line


def test_the_demonstration_alarms_and_leaves_nothing_behind(
    tmp_path, watching, monkeypatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    watch = Running("--demo", "--port", "0", cwd=tmp_path)
    watching.append(watch)
    names = [each["name"] for each in json.loads(watch.get("api/machines"))["machines"]]
    assert sorted(names) == ["Fan 2", "Pump 1"]
    assert b"Fan 2" in watch.get("")
    assert watch.end() == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "home").iterdir()) == []


def test_a_detailed_log_holds_nothing_of_what_libraries_say_in_detail() -> None:
    """They write what they send, with passwords in it."""
    code = (
        "import logging; from dlrsd.runtime.cli.watch import LogLevel, _log_at; "
        "_log_at(LogLevel.DEBUG); logging.getLogger('asyncua.client').debug('the password'); "
        "logging.getLogger('asyncua.client').warning('closed again'); "
        "logging.getLogger('dlrsd.runtime.service').debug('in detail')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "DEBUG in detail\n"
