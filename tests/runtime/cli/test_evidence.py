"""evidence and commission: one machine from healthy signal to a verdict held against it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.evidence.machine import RATE, faulty, noise, shaft, turns

Run = Callable[..., Any]
STATED = ["--rate", "12000", "--speed", "1772", "--bearing", "6205"]


def save(path: Path, *channels: np.ndarray) -> Path:
    np.stack(channels, axis=1).astype("<f4").tofile(path)
    return path


def healthy(seed: int, seconds: float) -> np.ndarray:
    return noise(seed, seconds) + shaft(turns(seconds))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine commissioned on 4 minutes of healthy signal, in two recordings."""
    folder = tmp_path_factory.mktemp("plant")
    for seed in (11, 12):
        save(folder / f"healthy{seed}.bin", healthy(seed, 120.0))
    arguments = ["commission", "healthy11.bin", "healthy12.bin", *STATED, "--out", "pump1"]
    program = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]
    done = subprocess.run(
        [*program, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    assert "pump1: baseline written to pump1/baseline/baseline.json" in done.stdout
    assert "120 windows; a fault is named from a score of" in done.stdout
    return folder / "pump1"


@pytest.mark.parametrize("place", ["outer", "inner", "ball"])
def test_names_the_place_without_a_model(command: Run, tmp_path: Path, place: str) -> None:
    save(tmp_path / "pump.bin", faulty(place, seconds=6.0))
    done = command("evidence", "pump.bin", *STATED, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"] == place
    assert said["windows"] == {place: 3}
    assert max(said["scores"], key=said["scores"].get) == place
    assert {line["place"] for line in said["lines"]} >= {"outer", "inner", "ball", "cage", "shaft"}
    assert "dB over the floor" in said["sentence"]
    assert said["channels"][0]["verdict"] == place


def test_a_fault_in_one_channel_is_the_machines(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "pump.bin", healthy(3, 6.0), faulty("outer", seconds=6.0))
    done = command("evidence", "pump.bin", "--channels", "2", *STATED, "--json")
    said = json.loads(done.stdout)
    assert [channel["verdict"] for channel in said["channels"]] == ["healthy", "outer"]
    assert (said["verdict"], said["channel"]) == ("outer", 1)


def test_reads_in_eighty_columns_and_draws(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "pump.bin", faulty("outer", seconds=4.0))
    done = command("evidence", "pump.bin", *STATED, "--picture", "pump.svg")
    assert done.returncode == 0, done.stderr
    assert "channel 0: outer race: BPFO 1x" in done.stdout
    assert "2 windows of 2 s: outer 2" in done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith("bpfo")]
    assert rows
    assert max(map(len, rows)) <= 80
    picture = ET.parse(tmp_path / "pump.svg").getroot()
    marks = picture.findall(".//{*}polygon[@class='outer']")
    assert len(marks) > 4


def test_what_is_there_is_never_lost(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "pump.bin", healthy(0, 12.0))
    (tmp_path / "pump.svg").write_text("mine")
    how = ("evidence", "pump.bin", *STATED, "--picture")
    for place, said in (("pump.svg", "is there already"), ("no/p.svg", "there is no folder no")):
        done = command(*how, place)
        assert (done.returncode, done.stdout) == (2, "")  # before any work
        assert said in done.stderr
    assert (tmp_path / "pump.svg").read_text() == "mine"
    assert command(*how, "pump.svg", "--overwrite").returncode == 0
    assert "<svg" in (tmp_path / "pump.svg").read_text()
    for out in ("pump.bin", "link"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to("gone")
        done = command("commission", "pump.bin", *STATED, "--out", out)
        assert done.returncode == 2
        assert f"{out} is no folder" in done.stderr


def test_a_gap_parts_windows(command: Run, tmp_path: Path) -> None:
    samples = faulty("outer", seconds=5.0)
    times = np.arange(len(samples)) / RATE + np.where(np.arange(len(samples)) < 30_000, 0, 7.0)
    rows = "".join(f"{t:.6f},{x:.5f}\n" for t, x in zip(times, samples, strict=True))
    (tmp_path / "pump.csv").write_text(f"time [s],acc [g]\n{rows}")
    done = command("evidence", "pump.csv", "--speed", "1772", "--bearing", "6205", "--json")
    said = json.loads(done.stdout)
    assert said["windows"] == {"outer": 2}  # 2.5 s before the gap and 2.5 s after it


def test_held_against_its_own_healthy_signal(command: Run, machine: Path, tmp_path: Path) -> None:
    stated = ["--rate", "12000", "--machine", machine, "--json"]
    save(tmp_path / "good.bin", healthy(99, 8.0))
    said = json.loads(command("evidence", "good.bin", *stated).stdout)
    assert said["verdict"] == "healthy"
    save(tmp_path / "outer.bin", faulty("outer", seconds=8.0))
    said = json.loads(command("evidence", "outer.bin", *stated).stdout)
    assert said["verdict"] == "outer"
    assert "over its healthy level" in said["sentence"]
    # No line of a bearing, but a resonance that was not there.
    rubbing = healthy(98, 8.0) + 5 * np.sin(2 * np.pi * 2500 * np.arange(96_000) / RATE) * noise(
        5, 8
    )
    save(tmp_path / "rub.bin", rubbing)
    said = json.loads(command("evidence", "rub.bin", *stated).stdout)
    assert said["verdict"] == "unknown"
    assert "dB above the healthy level at" in said["sentence"]
    save(tmp_path / "loud.bin", 9.80665 * healthy(97, 8.0))
    said = json.loads(command("evidence", "loud.bin", *stated).stdout)
    assert "the whole level is 20 dB above the healthy one" in said["sentence"]


def test_a_speed_that_was_not_commissioned_is_undecided(
    command: Run, machine: Path, tmp_path: Path
) -> None:
    save(tmp_path / "outer.bin", faulty("outer", seconds=8.0))
    facts = (machine / "machine.toml").read_text()
    assert "speed_rpm = 1772" in facts
    other = tmp_path / "other"
    (other / "baseline").mkdir(parents=True)
    (other / "machine.toml").write_text(facts.replace("1772", "1200"))
    baseline = (machine / "baseline" / "baseline.json").read_bytes()
    (other / "baseline" / "baseline.json").write_bytes(baseline)
    done = command("evidence", "outer.bin", "--rate", "12000", "--machine", other, "--json")
    said = json.loads(done.stdout)
    assert said["verdict"] == "undecided"
    assert "1200 rpm lies more than 10 % from every speed" in said["sentence"]
    assert "that the machine was commissioned at (1772 rpm)" in said["sentence"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seconds", "4"], "commissioned with those of 2 s: leave --seconds out"),
        (["--teeth", "23"], "got teeth 23, and machine.toml has 31, 67: leave the option out"),
    ],
)
def test_what_contradicts_the_machine_is_refused(
    command: Run, machine: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    pump = shutil.copytree(machine, tmp_path / "pump")
    facts = (pump / "machine.toml").read_text()
    (pump / "machine.toml").write_text(f"teeth = [31, 67]\n{facts}")
    save(tmp_path / "good.bin", healthy(1, 4.0))
    done = command("evidence", "good.bin", "--rate", "12000", "--machine", "pump", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_teeth_are_not_dropped_where_the_machines_file_states_none(
    command: Run, machine: Path, tmp_path: Path
) -> None:
    save(tmp_path / "good.bin", healthy(1, 12.0))
    stated = ["--rate", "12000", "--teeth", "23", "--overwrite", "--out", machine]
    done = command("commission", "good.bin", *stated)
    assert done.returncode == 2
    assert "states no teeth: write teeth = [23] into it" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "12000", "--speed", "1772"], "nothing states the bearing: give --bearing"),
        (["--rate", "12000", "--bearing", "6205"], "nothing states how fast the shaft turns"),
        (["--speed", "1772", "--bearing", "6205"], "nothing states how fast good.bin was sampled"),
        ([*STATED, "--speed", "0"], "speed_rpm is 0.0: expected a number above 0"),
        ([*STATED, "--speed", "nan"], "speed_rpm is nan: expected a number above 0"),
        ([*STATED, "--orders", "5.4,3.6,2.4,0.4"], "got --bearing and --orders"),
        ([*STATED[:4], "--orders", "5.4,3.6,2.4,0.4"], "expected bpfo < bpfi; are they swapped?"),
        ([*STATED[:4], "--geometry", "9,20,39,0"], "do not fit on a pitch circle"),
        ([*STATED, "--teeth", "a"], "got --teeth a: expected whole numbers from 2 to 2000"),
        ([*STATED, "--seconds", "0"], "got windows of 0 s: expected 0.1 to 60 s"),
        ([*STATED, "--machine", "nowhere"], "is not there: expected a machine's folder"),
        ([*STATED, "--picture", "a.jpg"], "expected a name that ends in .svg"),
    ],
)
def test_refuses_in_one_line(command: Run, tmp_path: Path, options: list[str], said: str) -> None:
    save(tmp_path / "good.bin", healthy(1, 3.0))
    done = command("evidence", "good.bin", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "turns of the shaft are too few"),
        (2.0, "undecided: the recording is shorter than a window"),
    ],
)
def test_too_little_signal_is_undecided(
    command: Run, tmp_path: Path, seconds: float, said: str
) -> None:
    save(tmp_path / "short.bin", healthy(1, 1.0))
    done = command("evidence", "short.bin", *STATED, "--seconds", str(seconds), "--json")
    found = json.loads(done.stdout)
    assert found["verdict"] == "undecided"
    assert said in found["sentence"]


def test_silence_is_undecided(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "dead.bin", np.zeros(48_000))
    found = json.loads(command("evidence", "dead.bin", *STATED, "--json").stdout)
    assert found["verdict"] == "undecided"
    assert found["unfit"] == {"gap": 2}


def test_what_makes_a_recording_unfit_is_said_with_what_to_do(command: Run, tmp_path: Path) -> None:
    healthy(1, 4.0).astype("<f8").tofile(tmp_path / "doubles.bin")
    done = command("evidence", "doubles.bin", *STATED)
    assert "flagged non_finite: it holds NaN or infinities: check dtype and scale" in done.stdout


def test_commissioning_refuses_what_is_no_baseline(
    command: Run, machine: Path, tmp_path: Path
) -> None:
    save(tmp_path / "short.bin", healthy(1, 2.0))
    done = command("commission", "short.bin", *STATED, "--out", "pump")
    assert done.returncode == 2
    assert "1 fit windows of 2 s, expected at least 5" in done.stderr
    assert not (tmp_path / "pump").exists()
    save(tmp_path / "long.bin", healthy(1, 20.0))
    done = command("commission", "long.bin", *STATED, "--out", machine)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    (tmp_path / "other.bin.json").write_text('{"rate": 25600}')
    save(tmp_path / "other.bin", healthy(1, 20.0))
    stated = ["--speed", "1772", "--bearing", "6205", "--out", "pump"]
    (tmp_path / "long.bin.json").write_text('{"rate": 12000}')
    done = command("commission", "long.bin", "other.bin", *stated)
    assert done.returncode == 2
    assert "expected one rate and unit for all recordings" in done.stderr


def test_a_fault_in_the_healthy_signal_is_said(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "bad.bin", faulty("outer", seconds=30.0))
    done = command("commission", "bad.bin", *STATED, "--out", "pump")
    assert done.returncode == 0, done.stderr
    said = "100 % of the windows have lines of outer: while they are there verdicts stay undecided"
    assert said in done.stdout
    assert "15 windows are too few to state a rate of false alarms" in done.stdout


@pytest.mark.parametrize(
    ("options", "strength", "verdict"),
    [((), 3.0, "undecided"), (("--accept-lines",), 3.0, "healthy"), ((), 9.0, "outer")],
)
def test_a_fault_that_was_there_from_the_start_is_not_healthy(
    command: Run, tmp_path: Path, options: tuple[str, ...], strength: float, verdict: str
) -> None:
    """Unless somebody looked; and where it grows it is named."""
    save(tmp_path / "bad.bin", faulty("outer", seconds=30.0, strength=2.5))
    done = command("commission", "bad.bin", *STATED, "--out", "pump", *options)
    assert done.returncode == 0, done.stderr
    save(tmp_path / "s.bin", faulty("outer", seconds=10.0, strength=strength, seed=5))
    done = command("evidence", "s.bin", "--rate", "12000", "--machine", "pump", "--json")
    said = json.loads(done.stdout)
    assert said["verdict"] == verdict, said["sentence"]
    if verdict == "undecided":
        assert "as they did when the machine was commissioned" in said["sentence"]


def test_a_load_that_was_not_commissioned_is_undecided(command: Run, tmp_path: Path) -> None:
    (tmp_path / "pump").mkdir()
    (tmp_path / "pump" / "machine.toml").write_text(
        'schema_version = 1\nname = "pump"\n[shaft]\nspeed_rpm = 1772\n[[sensors]]\n'
        'name = "DE"\nbearing = "6205"\n[load]\nleast = 0\nmost = 7.5\nunit = "kW"\n'
    )
    for load, seed in ((1.5, 1), (4, 2)):
        save(tmp_path / f"at{seed}.bin", healthy(seed, 12.0))
        (tmp_path / f"at{seed}.bin.json").write_text(json.dumps({"rate": 12000, "load": load}))
    done = command("commission", "at1.bin", "at2.bin", "--out", "pump")
    assert done.returncode == 0, done.stderr
    assert "runs at 0 to 7.5 kW and was commissioned at 1.5 to 4 kW alone" in done.stdout
    save(tmp_path / "s.bin", healthy(3, 6.0))
    how = ("evidence", "s.bin", "--rate", "12000", "--machine", "pump", "--json", "--load")
    for load, verdict in (("4", "healthy"), ("1.5", "healthy"), ("6", "undecided")):
        said = json.loads(command(*how, load).stdout)
        assert said["verdict"] == verdict
    assert "a load of 6 lies outside of 1.5 to 4" in said["sentence"]
    done = command(*how, "8")
    assert done.returncode == 2
    assert "got a load of 8 kW, and the machine runs at 0 to 7.5 kW" in done.stderr


def test_gears_that_were_not_commissioned_are_told(command: Run, machine: Path) -> None:
    save(machine.parent / "s.bin", healthy(3, 6.0))
    source = machine.parent / "s.bin"
    done = command("evidence", source, "--rate", "12000", "--machine", machine, "--teeth", "23")
    assert done.returncode == 0
    assert "was commissioned without gears of 23 teeth: they are not judged" in done.stdout


def test_why_no_window_can_be_used_is_said(command: Run, tmp_path: Path) -> None:
    save(tmp_path / "good.bin", healthy(1, 12.0))
    done = command("commission", "good.bin", *STATED, "--speed", "1420", "--out", "pump")
    assert done.returncode == 2
    assert "no window of 2 s that is fit (6: the stated speed of 1420 rpm" in done.stderr
    done = command("commission", "good.bin", "./good.bin", *STATED, "--out", "pump")
    assert done.returncode == 2
    assert "good.bin twice: expected every recording once" in done.stderr


def test_a_signal_that_is_not_steady_is_said(command: Run, tmp_path: Path) -> None:
    signal = healthy(4, 40.0) * np.linspace(1, 3, 480_000)
    save(tmp_path / "ramp.bin", signal)
    done = command("commission", "ramp.bin", *STATED, "--out", "pump")
    assert "the signal is not steady: its level moves by" in done.stdout


def test_what_was_heard_of_a_live_stream_is_said_when_it_is_interrupted(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]
    with subprocess.Popen(
        [*program, "evidence", "-", *STATED, "--json"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as live:
        assert live.stdin is not None
        live.stdin.write(faulty("outer", seconds=4.5).astype("<f4").tobytes())
        live.stdin.flush()
        assert live.stderr is not None
        assert live.stderr.readline().startswith(b"bearing 6205")
        time.sleep(2)  # it reads while nothing comes
        live.send_signal(signal.SIGTERM)  # SIGINT may be ignored where the tests run
        said = json.loads(live.communicate(timeout=30)[0])
    assert live.returncode == 130
    assert said["windows"] == {"outer": 2}


def without(pulses: np.ndarray, each: int) -> np.ndarray:
    """Without every so many-th pulse."""
    return np.where(np.floor(turns(len(pulses) / RATE)) % each == 1, 0, pulses)


@pytest.mark.parametrize(
    ("spoil", "tacho", "verdict", "said"),
    [
        (lambda p: without(p, 9), "1", "outer", "(tacho: 6 pulses missing, the first at 0."),
        (lambda p: without(p, 3), "1", "undecided", "pulses are missing or too many"),
        (lambda p: 0 * p, "1", "undecided", "has no pulses"),
        (lambda p: np.full(len(p), np.nan), "1", "undecided", "has no number at 0 s"),
        (lambda p: p, "1,rpm", "undecided", "holds 0 rpm at"),
        (lambda p: 0 * p + 3544, "1,rpm", "undecided", "as well those of half as much, 177"),
    ],
)
def test_a_tacho_that_fails_is_said(
    command: Run,
    tmp_path: Path,
    spoil: Callable[[np.ndarray], np.ndarray],
    tacho: str,
    verdict: str,
    said: str,
) -> None:
    pulses = 5.0 * ((turns(6.0) + 0.5) % 1 < 0.1)
    save(tmp_path / "s.bin", faulty("outer", seconds=6.0), spoil(pulses))
    stated = ["--rate", "12000", "--channels", "2", "--bearing", "6205", "--tacho", tacho]
    done = command("evidence", "s.bin", *stated, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == verdict
    assert said in found["sentence"]
    assert len(found["channels"]) == 1
