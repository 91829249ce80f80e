"""Every command, seen from the kernel: it writes what it was asked to write, and opens no socket.

Each runs under ``strace`` with an empty home folder. What it may touch besides its own folder are
the folder for temporary files, semaphores in shared memory, and the kernel's own files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from dlrsd.runtime.bundle.bundle import SHIPPED

CALLS = (
    "openat,?open,?creat,mkdirat,?mkdir,renameat,renameat2,?rename,linkat,?link,symlinkat,?symlink,"
    "mknodat,?mknod,truncate,socket,connect,sendto,sendmsg,bind"
)
RUNTIME = "from dlrsd.runtime.cli.app import main; main()"
EXPORT = (
    "from dlrsd.export.verify import parity; parity.WINDOWS = 200; "
    "from dlrsd.export.cli import main; main()"
)
HURRIED = """
from msgspec.structs import replace
from dlrsd.training.fitting import schedule
schedule.GENERATOR = replace(schedule.GENERATOR, epochs=1, steps=2, batch=8)
schedule.CLASSIFIER = replace(schedule.CLASSIFIER, epochs=1, steps=2, batch=8)
from dlrsd.training.cli.app import main; main()
"""
UNASKED = ("/dev/", "/proc/", "/sys/")
NAME_SERVICE = 'sun_path="/var/run/nscd/socket"'  # of this machine: whose name a user's number is

strace_works = (
    shutil.which("strace") is not None
    and subprocess.run(["strace", "-qq", "-o", os.devnull, "true"]).returncode == 0
)
pytestmark = pytest.mark.skipif(
    not strace_works, reason="needs strace, which `python3 tasks.py setup` installs where it may"
)


class Seen(NamedTuple):
    """What a command did: files it made or wrote, its sockets."""

    written: set[Path]
    sockets: list[str]


@pytest.fixture
def seen(tmp_path):
    """Run a program with these arguments in ``tmp_path/work`` and see what it does."""
    for name in ("home", "temporary", "work"):
        (tmp_path / name).mkdir()
    trace = tmp_path / "trace"

    def see(program, *arguments):
        done = subprocess.run(
            [
                "strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", f"trace={CALLS}",
                "-o", trace, sys.executable, "-c", program, *map(str, arguments),
            ],
            cwd=tmp_path / "work",
            env={
                "HOME": str(tmp_path / "home"),
                "TMPDIR": str(tmp_path / "temporary"),
                "PATH": os.environ["PATH"],
                "OMP_NUM_THREADS": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert list((tmp_path / "home").rglob("*")) == []
        found = what_was_done(trace.read_text(errors="replace"), tmp_path / "work")
        outside = [
            path
            for path in found.written
            if not path.is_relative_to(tmp_path / "work")
            and not path.is_relative_to(tmp_path / "temporary")
            and not str(path).startswith(UNASKED)
        ]
        assert outside == []
        assert found.sockets == []
        work = tmp_path / "work"
        kept = {path for path in found.written if path.exists() and path.is_relative_to(work)}
        return {str(path.relative_to(work)) for path in kept - {work}}

    return see


def what_was_done(trace, cwd):
    written, sockets = set(), []
    for line in trace.splitlines():
        match = re.match(r"\d+ +(\w+)\((.*)", line)
        if match is None or "= -1 E" in line:  # the rest of a call, a signal; or it failed
            continue
        call, rest = match.groups()
        if call in ("socket", "connect", "sendto", "sendmsg", "bind"):
            if not is_local(call, rest):
                sockets.append(line)
        elif not call.startswith("open") or re.search(r"O_WRONLY|O_RDWR|O_CREAT", rest):
            folders = re.findall(r"(?:AT_FDCWD|\d+)<([^>]*)>, *\"", rest)
            names = re.findall(r"\"((?:[^\"\\]|\\.)*)\"", rest)
            name = names[-1] if call.startswith(("rename", "link", "symlink")) else names[0]
            written.add(Path(os.path.normpath(Path(folders[-1] if folders else cwd) / name)))
    return Seen(written, sockets)


def is_local(call, rest):
    """Whether it is no more than a question to this machine's own name service."""
    if call == "socket":
        return rest.startswith("AF_UNIX")
    if call in ("sendto", "sendmsg"):
        return re.match(r"\d+<UNIX", rest) is not None
    return call == "connect" and NAME_SERVICE in rest


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "s.bin"
    np.random.default_rng(0).normal(0, 0.1, 12_000).astype("<f4").tofile(path)
    return path


def test_what_is_looked_for_is_found(tmp_path):
    """A program that does all that no command may do is caught at it."""
    program = """
import os, socket, sys, threading
os.mkdir(sys.argv[1] + "/folder")
open(sys.argv[1] + "/folder/file", "w").close()
os.rename(sys.argv[1] + "/folder/file", sys.argv[1] + "/moved")
os.symlink("elsewhere", sys.argv[1] + "/link")
def lose():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", 9))
thread = threading.Thread(target=lose); thread.start(); thread.join()
"""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-e", f"trace={CALLS}", "-o", trace]
    # Without what would measure its coverage, which is written elsewhere.
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*command, sys.executable, "-c", program, tmp_path], check=True, env=environment)
    found = what_was_done(trace.read_text(), tmp_path)
    names = {"folder", "folder/file", "moved", "link"}
    assert {str(path.relative_to(tmp_path)) for path in found.written} >= names
    assert any("socket(AF_INET" in line for line in found.sockets)
    assert any("sendto" in line for line in found.sockets)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_diagnose(kind, seen, stream):
    written = seen(RUNTIME, "diagnose", stream, "--bundle", "cwru-6205", "--output", f"o.{kind}")
    assert f"o.{kind}" in written
    assert {name.split("/")[0] for name in written} <= {f"o.{kind}", f"o.{kind}.json"}


@pytest.mark.parametrize("arguments", [("info", "cwru-6205"), ("doctor",), ("--help",)])
def test_what_only_says_something_writes_nothing(arguments, seen):
    assert seen(RUNTIME, *arguments) == set()


def test_benchmark(seen):
    how = ("--bundle", "cwru-6205", "--precision", "fp32", "--batch", "1")
    assert seen(RUNTIME, "benchmark", *how) == set()


@pytest.fixture
def healthy(tmp_path):
    """Twelve seconds of healthy signal."""
    path = tmp_path / "healthy.bin"
    np.random.default_rng(0).normal(0, 0.1, 144_000).astype("<f4").tofile(path)
    return path


@pytest.mark.parametrize("command", ["diagnose", "evidence"])
def test_commission_and_what_is_held_against_it(command, seen, healthy):
    stated = ("--rate", "12000", "--unit", "g")
    how = ("--speed", "1772", "--bearing", "6205", "--out", "pump")
    kept = {"pump", "pump/machine.toml", "pump/baseline", "pump/baseline/baseline.json"}
    assert seen(RUNTIME, "commission", healthy, *stated, *how) == kept
    against = (command, healthy, *stated, "--machine", "pump")
    if command == "diagnose":
        output = ("--bundle", "cwru-6205", "--output", "o.jsonl")
        assert "o.jsonl" in seen(RUNTIME, *against, *output) - kept
    else:
        output = ("--picture", "p.svg")
        assert seen(RUNTIME, *against, *output) - kept == {"p.svg"}


def test_evidence_without_a_machine(seen, healthy):
    stated = ("--rate", "12000", "--speed", "1772", "--bearing", "6205", "--json")
    assert seen(RUNTIME, "evidence", healthy, *stated) == set()


def test_synthesize(seen, tiny_bundle):
    how = ("--class", "ball", "--count", "3", "--bundle", tiny_bundle, "--output", "made.npz")
    assert seen(RUNTIME, "synthesize", *how) == {"made.npz"}


def test_simulate(seen):
    assert seen(HURRIED, "simulate", "s.bin", "--seconds", "1") == {"s.bin", "s.bin.json"}


def test_plants(seen, plant_folder):
    assert seen(HURRIED, "plant-table", plant_folder, "t.csv", "--plant", "plant_1") == {"t.csv"}
    written = seen(HURRIED, "simulate-plant", "p", "--plants", "1", "--years", "0.01")
    assert {name for name in written if name != "t.csv"} == {
        "p", "p/simulated.json", "p/plant_1a.csv", "p/plant_1b.csv", "p/plant_1c.csv",
    }  # fmt: skip


def test_seal(seen, tmp_path):
    shutil.copytree(SHIPPED / "cwru-6205", tmp_path / "work" / "sealed")
    written = seen("from dlrsd.export.package.seal import main; main()", "sealed")
    assert {name.split("/")[0] for name in written} == {"sealed"}


def test_inspect(seen, rig_folder):
    assert seen(HURRIED, "inspect", rig_folder) == set()


def test_fit(seen, rig_folder):
    how = ("--normal-windows", "24", "--balance", "6", "--method", "ros", "--out", "run")
    written = seen(HURRIED, "fit", rig_folder, *how)
    assert {"run", "run/report.html", "run/metrics.json", "run/config.json"} <= written
    assert {name.split("/")[0] for name in written} == {"run"}


def test_compare(seen, rig_folder):
    how = ("--normal-windows", "24", "--balance", "6", "--methods", "none", "--seeds", "0")
    written = seen(HURRIED, "compare", rig_folder, *how, "--jobs", "1", "--out", "t.csv")
    assert written == {"t.csv", "t.csv.lock"}


def test_export(seen, tiny_run):
    written = seen(EXPORT, tiny_run, "--out", "bundle")
    assert {name.split("/")[0] for name in written} == {"bundle"}
