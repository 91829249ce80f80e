"""``tasks.py``: what it runs, in which order and surroundings, and that a failure is its own.

The commands are small scripts here that write down how they were called: nothing is installed.
"""

from __future__ import annotations

import json
import os
import shutil
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
    monkeypatch.setattr(tasks, "LOCKS", tmp_path / "locks")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("numpy==2\n")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "dev.txt").write_text("# hashes\n")
    for package in tasks.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "installed").write_text("[project]\nnumpy==2\n# hashes\n")
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


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", "locks/dev.txt"])
def test_after_a_change_it_installs_what_is_pinned_once(checkout, put, called, changed):
    put("python")
    (checkout / changed).write_text("# changed\n")
    tasks.setup()
    calls = called()
    assert [call["words"][4:] for call in calls] == [
        ["--require-hashes", "--no-deps", "-r", "locks/dev.txt"],
        ["-c", "constraints.txt", "torch"],
        ["--no-deps", "--no-build-isolation", "-e", "."],
    ]
    for call in calls:
        assert call["words"][:4] == ["-m", "pip", "install", "--quiet"]
        assert call["cwd"] == str(checkout)
    tasks.setup()
    assert len(called()) == 3


def test_programs_are_installed_where_they_may_be(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "PROGRAMS", {"strace": "some tests"})
    monkeypatch.setattr(tasks, "is_there", lambda name: bool(shutil.which(name)))
    log = tmp_path / "log"
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (tmp_path / "apt-get").write_text(
        f"""#!/bin/sh
echo "$*" >> {log}
if [ "$1" = update ]; then : > {tmp_path}/list; fi
if [ "$1" = install ]; then
    [ -e {tmp_path}/list ] || exit 100
    printf '#!/bin/sh\n' > {tmp_path}/strace; /bin/chmod +x {tmp_path}/strace
fi
"""
    )
    for name in ("sudo", "apt-get"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    tasks.install_programs()
    install = "install -y -qq --no-install-recommends strace"
    assert log.read_text().splitlines() == [install, "update -qq", install]
    assert "note" not in capsys.readouterr().out
    tasks.install_programs()
    assert len(log.read_text().splitlines()) == 3
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    tasks.install_programs()
    said = capsys.readouterr().out
    assert said == "note: strace is missing, so some tests will be skipped: install it\n"


def test_a_service_is_found_where_debian_keeps_it():
    there = [p for p in Path("/usr/sbin").iterdir() if p.is_file() and os.access(p, os.X_OK)]
    if not there:
        pytest.skip("there is no /usr/sbin here")
    assert tasks.is_there(there[0].name)
    assert not tasks.is_there("no-such-program")


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


AUDITS = [
    ([{"name": "a", "skip_reason": "?"}], 1, "cannot be reached from here: it knows none of the 1"),
    ([{"name": "a", "version": "1", "vulns": []}], 0, "1 packages asked for, 0 weaknesses known"),
    (
        [
            {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]},
            {"name": "b", "skip_reason": "?"},
        ],
        1,
        "a 1: X-1, mended in 2\nnot known to the index: b\n1 packages asked for, 1 weaknesses",
    ),
]


@pytest.mark.parametrize(("found", "code", "said"), AUDITS)
def test_an_audit_says_what_is_known_and_whether_anything_could_be(
    found, code, said, checkout, capsys
):
    path = checkout / ".venv" / "bin" / "pip-audit"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'dependencies': found})}\nEND\n")
    path.chmod(0o755)
    try:
        tasks.audit()
        ended = 0
    except SystemExit as error:
        ended = error.code if isinstance(error.code, int) else 1
        print(error.code)
    assert ended == code
    assert said in capsys.readouterr().out


def test_an_audit_that_fails_is_no_audit(checkout, put):
    put("pip-audit", code=1)
    with pytest.raises(SystemExit, match="error: no audit, the index of advisories cannot be"):
        tasks.audit()


def test_the_script_names_its_tasks_and_refuses_others():
    script = [sys.executable, tasks.__file__]
    done = subprocess.run([*script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for name in ("setup", "demo", "test", "lint", "box", "lock", "audit", "sbom"):
        assert name in done.stdout
    done = subprocess.run([*script, "deploy"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'deploy'" in done.stderr
