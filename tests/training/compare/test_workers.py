"""Tasks over processes: groups stay together, a killed process costs one task, and all end."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.training.compare.workers import run_groups

PATIENCE = 30.0  # seconds, of a machine that is busy with other things


class Task(NamedTuple):
    """Done when this many others have begun, so that the order of things is known."""

    folder: Path
    group: int
    number: int
    wait_for: tuple[tuple[int, int], ...] = ()


def place(folder: Path, group: int, number: int) -> Path:
    return folder / f"{group}-{number}"


def meet(task: Task) -> tuple[int, bool]:
    """The process that did it, and whether it met those that it waited for."""
    place(task.folder, task.group, task.number).touch()
    deadline = time.monotonic() + PATIENCE
    others = [place(task.folder, *other) for other in task.wait_for]
    while not (met := all(other.exists() for other in others)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return os.getpid(), met


def act(word: str) -> str:
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "refuse":
        raise DlrsdError("got nothing: expected something")
    if word == "fail":
        raise ZeroDivisionError(word)
    return word.upper()


def say_who_and_sleep(path: Path) -> int:
    part = path.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.rename(path)
    time.sleep(0 if path.name == "quick" else 300)
    return os.getpid()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_group_stays_with_the_process_that_began_it(tmp_path):
    """Two groups in step: the processes are free for either each time, and keep to their own."""
    groups = [
        [Task(tmp_path, group, number, ((1 - group, number),)) for number in range(5)]
        for group in (0, 1)
    ]
    by_group = [set(), set()]
    for task, (pid, met) in run_groups(meet, groups, jobs=2):
        assert met
        by_group[task.group].add(pid)
    one, other = by_group
    assert len(one) == len(other) == 1
    assert one != other
    assert os.getpid() not in one | other


def test_a_process_that_is_free_helps_where_most_is_left(tmp_path):
    """The last two of a group wait for each other: one process alone would never be done."""
    long = [Task(tmp_path, 0, number) for number in range(4)]
    long += [Task(tmp_path, 0, 4, ((0, 5),)), Task(tmp_path, 0, 5, ((0, 4),))]
    groups = [long, [Task(tmp_path, 1, 0)]]
    outcomes = dict(run_groups(meet, groups, jobs=2))
    assert set(outcomes) == {task for group in groups for task in group}
    assert all(met for _, met in outcomes.values())
    assert len({outcomes[task][0] for task in long}) == 2


def test_no_more_processes_than_tasks_are_begun(tmp_path):
    groups = [[Task(tmp_path, 0, 0)], [], [Task(tmp_path, 2, 0)]]
    assert len({pid for _, (pid, _) in run_groups(meet, groups, jobs=50)}) <= 2
    assert list(run_groups(meet, [[], []], jobs=2)) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_cannot_be_done_is_told_and_the_rest_is_done(jobs):
    outcomes = dict(run_groups(act, [["a", "refuse", "b"], ["c"]], jobs=jobs))
    refused = outcomes.pop("refuse")
    assert isinstance(refused, DlrsdError)
    assert str(refused) == "got nothing: expected something"
    assert outcomes == {"a": "A", "b": "B", "c": "C"}


def test_a_killed_process_costs_its_task_and_no_other():
    found = list(run_groups(act, [["a", "die", "b"], ["c", "d"]], jobs=2))
    outcomes = dict(found)
    assert len(found) == len(outcomes) == 5
    killed = outcomes.pop("die")
    assert isinstance(killed, DlrsdError)
    assert str(killed) == "its process was killed, by lack of memory perhaps"
    assert outcomes == {"a": "A", "b": "B", "c": "C", "d": "D"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_of_the_program_is_raised(jobs):
    with pytest.raises(ZeroDivisionError, match="fail"):
        list(run_groups(act, [["fail"], ["a"]], jobs=jobs))


def test_one_job_is_done_here_one_after_the_other():
    begun = []

    def here(task):  # no other process could take it
        begun.append(task)
        return os.getpid()

    outcomes = run_groups(here, [[1, 2], [3]], jobs=1)
    assert next(outcomes) == (1, os.getpid())
    assert begun == [1]
    assert list(outcomes) == [(2, os.getpid()), (3, os.getpid())]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_closed_early_it_leaves_no_process(tmp_path):
    """Not even one that is in the middle of a task."""
    quick, endless = tmp_path / "quick", tmp_path / "endless"
    with closing(run_groups(say_who_and_sleep, [[quick], [endless]], jobs=2)) as outcomes:
        task, pid = next(outcomes)
        assert task == quick
        deadline = time.monotonic() + PATIENCE
        while not endless.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        pids = [pid, int(endless.read_text())]
        assert pids[0] != pids[1]
        assert all(map(is_alive, pids))
    assert not any(map(is_alive, pids))
