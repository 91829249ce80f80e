"""Shared by the tests of ``dlrsd-train``: the command in a process of its own, and in this one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dlrsd.training.cli.app import main

PROGRAM = "from dlrsd.training.cli.app import main; main()"
# How long networks are trained is no option of the command. Here what is usual is less.
HURRIED = """
from msgspec.structs import replace
from dlrsd.training.fitting import schedule
schedule.GENERATOR = replace(schedule.GENERATOR, epochs=2, steps=3, batch=16)
schedule.CLASSIFIER = replace(schedule.CLASSIFIER, epochs=2, steps=3, batch=32)
schedule.SEQUENCE = replace(schedule.SEQUENCE, epochs=1, steps=2, batch=3)
"""


@pytest.fixture(scope="session")
def program():
    """The command line of a process that is ``dlrsd-train`` with these arguments."""

    def program(*arguments, hurried=False):
        source = (HURRIED if hurried else "") + PROGRAM
        return [sys.executable, "-c", source, *map(str, arguments)]

    return program


@pytest.fixture(scope="session")
def command(program):
    """Run ``dlrsd-train`` in a folder, with some trainings that learn nothing if ``hurried``."""

    def command(cwd, *arguments, hurried=False, **environment):
        return subprocess.run(
            program(*arguments, hurried=hurried),
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return command


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """What ``dlrsd-train`` says, in this process, of a mistake: one line, and nothing is begun."""

    def refused(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["dlrsd-train", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == 2
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert not list(tmp_path.iterdir())
        return err

    return refused
