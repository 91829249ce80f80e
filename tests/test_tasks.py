"""``tasks.py``: what it runs, in which order and surroundings, and that a failure is its own.

The commands are small scripts here that write down how they were called: nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

pytestmark = pytest.mark.skipif(os.name == "nt", reason="its commands are scripts of a shell here")

SCRIPT = """#!{python}
import json, os, sys
from pathlib import Path
name, words = Path(sys.argv[0]).name, sys.argv[1:]
facts = {{"name": name, "words": words, "cwd": os.getcwd(),
          **{{key: os.environ.get(key) for key in ("MYPYPATH", "PYTHONPATH")}}}}
with open({log!r}, "a") as file:
    file.write(json.dumps(facts) + "\\n")
sys.exit({code})
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose environment is there and up to date."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(tasks, "HERE", tmp_path)
    monkeypatch.setattr(tasks, "VENV", tmp_path / ".venv")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("numpy==2\n")
    for package in tasks.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "installed").write_text("[project]\nnumpy==2\n")
    return tmp_path


@pytest.fixture
def put(checkout):
    """Put commands into the environment that end with a code."""

    def put(*names, code=0):
        for name in names:
            path = checkout / ".venv" / "bin" / name
            log = str(checkout / "log")
            path.write_text(SCRIPT.format(python=sys.executable, log=log, code=code))
            path.chmod(0o755)

    return put


@pytest.fixture
def called(checkout):
    """How commands were called, in order."""

    def called():
        log = checkout / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return called


def test_an_environment_that_is_up_to_date_is_left_alone(checkout, put, called, capsys):
    put("python", code=9)
    before = (checkout / ".venv" / "installed").stat().st_mtime_ns
    tasks.setup()
    assert called() == []
    assert capsys.readouterr().out == ""
    assert (checkout / ".venv" / "installed").stat().st_mtime_ns == before


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_after_a_change_it_installs_what_is_pinned_once(checkout, put, called, changed):
    put("python")
    (checkout / changed).write_text("# changed\n")
    tasks.setup()
    (call,) = called()
    assert call["words"] == [
        "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[dev]",
    ]  # fmt: skip
    assert call["cwd"] == str(checkout)
    tasks.setup()
    assert len(called()) == 1


def test_an_installation_that_failed_is_not_taken_for_done(checkout, put, called):
    put("python", code=3)
    (checkout / "constraints.txt").write_text("# changed\n")
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            tasks.setup()
        assert ended.value.code == 3
    assert len(called()) == 2


def test_an_old_python_is_told_what_is_needed(checkout, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"error: got Python .*, development needs 3.11 or later"):
        tasks.setup()


def test_a_command_is_shown_run_here_and_its_failure_is_ours(checkout, capfd):
    program = "import os; print(os.getcwd(), os.environ['WORD'])"
    tasks.run(sys.executable, "-c", program, WORD="given")
    shown, said = capfd.readouterr().out.splitlines()
    assert shown == f"$ {Path(sys.executable).name} -c {program}"
    assert said == f"{checkout} given"
    with pytest.raises(SystemExit) as ended:
        tasks.run(sys.executable, "-c", "raise SystemExit(7)")
    assert ended.value.code == 7


def test_lint_builds_the_tree_that_the_checkers_read(checkout, put, called):
    put("ruff", "mypy", "lint-imports")
    stale = checkout / "build" / "types" / "dlrsd" / "gone"
    stale.mkdir(parents=True)
    tasks.lint()
    tree = checkout / "build" / "types"
    assert not stale.exists()
    assert sorted(path.name for path in (tree / "dlrsd").iterdir()) == sorted(tasks.PACKAGES)
    for package in tasks.PACKAGES:
        assert (tree / "dlrsd" / package).resolve() == (checkout / package).resolve()
    assert [(call["name"], call["words"][0] if call["words"] else "") for call in called()] == [
        ("ruff", "format"), ("ruff", "check"), *[("mypy", "-p")] * 3, ("lint-imports", ""),
    ]  # fmt: skip
    by_name = {call["name"]: call for call in called()}
    assert by_name["mypy"]["MYPYPATH"] == by_name["lint-imports"]["PYTHONPATH"] == str(tree)
    assert by_name["ruff"]["PYTHONPATH"] is None
    modules = [call["words"][1] for call in called() if call["name"] == "mypy"]
    assert modules == [f"dlrsd.{package}" for package in tasks.PACKAGES]
    tasks.lint()  # links that are there are made again
    assert len(called()) == 12


@pytest.mark.parametrize(("failing", "before"), [("ruff", 1), ("mypy", 3), ("lint-imports", 6)])
def test_lint_ends_at_the_first_that_complains(checkout, put, called, failing, before):
    put("ruff", "mypy", "lint-imports")
    put(failing, code=5)
    with pytest.raises(SystemExit) as ended:
        tasks.lint()
    assert ended.value.code == 5
    assert len(called()) == before


def test_the_demo_goes_from_a_training_to_a_diagnosis(checkout, put, called, capsys):
    put("dlrsd-train", "dlrsd-export", "dlrsd-runtime")
    tasks.demo()
    calls = called()
    assert [(call["name"], call["words"][0]) for call in calls] == [
        ("dlrsd-train", "fit"), ("dlrsd-export", "--fp16"), ("dlrsd-train", "simulate"),
        ("dlrsd-runtime", "diagnose"),
    ]  # fmt: skip
    run = str(checkout / "runs" / "demo")
    assert run in calls[0]["words"]
    assert run in calls[1]["words"]
    assert capsys.readouterr().out.endswith(f"report: {run}/report.html\n")


def test_the_script_names_its_tasks_and_refuses_others():
    script = [sys.executable, tasks.__file__]
    done = subprocess.run([*script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for name in ("setup", "demo", "test", "lint", "box"):
        assert name in done.stdout
    done = subprocess.run([*script, "deploy"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'deploy'" in done.stderr
