"""Give damaged input to the targets, each case in a process that may die, and watch it.

A finding is an exception that is no `DlrsdError`, a refusal of several lines, something printed, a
case of more than ten seconds, a process that dies or grows by more than 1 GB, a file opened outside
the case's folder and a socket. Atheris would steer the damage by coverage, but not survive a crash
or a hang in one of the C libraries that read the files, and runs on one kind of machine only.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import site
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

LIMIT_S = 10.0
LIMIT_BYTES = 1_000_000_000
_CASE = "case"


class Case(NamedTuple):
    """A case: what is done, and what draws the damage."""

    target: str
    seed: str


class Finding(NamedTuple):
    """A case that did not end as it should, with what happened and its files."""

    case: Case
    what: str
    files: Path | None


class Result(NamedTuple):
    """How many cases were accepted and refused by target, and what was found."""

    counts: Counter[tuple[str, str]]
    findings: list[Finding]
    most_bytes: int
    slowest_s: float


def cases(targets: Iterable[str], count: int, seed: int) -> Iterable[Case]:
    """Case after case, the targets in turns."""
    names = list(targets)
    for number in range(count):
        yield Case(names[number % len(names)], f"{seed}/{number}")


def fuzz(
    todo: Iterable[Case],
    *,
    targets: str = "tests.fuzz.targets",
    limit_s: float = LIMIT_S,
    keep: Path | None = None,
    on_case: Callable[[], object] = lambda: None,
) -> Result:
    """Run cases one after the other in a process of their own.

    Parameters
    ----------
    todo : iterable of Case
    targets : str
        The module with the table of `TARGETS`.
    limit_s : float > 0
        How long a case may take; twice that where it had a core for less than half of it.
    keep : Path, optional
        Where files of findings are put; made if there is one.
    on_case : function
        Called after each case.
    """
    if keep is not None:
        shutil.rmtree(keep, ignore_errors=True)  # what an earlier run found
    counts: Counter[tuple[str, str]] = Counter()
    findings: list[Finding] = []
    most_bytes, slowest_s = 0, 0.0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name).resolve()
        worker = _Worker(folder, targets, limit_s)
        try:
            for case in todo:
                began = time.perf_counter()
                kind, what, grown = worker.run(case)
                slowest_s = max(slowest_s, time.perf_counter() - began)
                most_bytes = max(most_bytes, grown)
                counts[case.target, kind] += 1
                if kind == "found":
                    findings.append(Finding(case, what, _kept(folder / _CASE, keep, len(findings))))
                if kind == "found" or grown > LIMIT_BYTES / 2:
                    worker.stop()
                    worker = _Worker(folder, targets, limit_s)
                on_case()
        finally:
            worker.stop()
    return Result(counts, findings, most_bytes, slowest_s)


class _Worker:
    """A process that runs cases, and is replaced after each that it does not survive."""

    def __init__(self, folder: Path, targets: str, limit_s: float) -> None:
        self._limit_s = limit_s
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, folder, targets), daemon=True)
        self._process.start()
        theirs.close()
        self._ours.recv()  # everything is imported

    def run(self, case: Case) -> tuple[str, str, int]:
        """accepted, refused or found; what was said; bytes that the process grew by."""
        self._ours.send(case)
        if not self._answers():
            return "found", f"no answer within {self._limit_s:g} s", 0
        try:
            answer: tuple[str, str, int] = self._ours.recv()
        except EOFError:
            self._process.join()
            return "found", f"the process died with code {self._process.exitcode}", 0
        return answer

    def _answers(self) -> bool:
        """Whether it does in time; in twice that where other work took the cores."""
        began = self._worked_s()
        if self._ours.poll(self._limit_s):
            return True
        if self._worked_s() - began > 0.5 * self._limit_s:
            return False
        return self._ours.poll(self._limit_s)

    def _worked_s(self) -> float:
        """Seconds of a core that the process has had."""
        try:
            facts = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it is gone
            return 0.0
        return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.kill()
        self._process.join()


def _kept(case: Path, keep: Path | None, number: int) -> Path | None:
    if keep is None or not case.exists():
        return None
    return Path(shutil.copytree(case, keep / str(number), dirs_exist_ok=True))


def _serve(pipe: Connection, folder: Path, module: str) -> None:
    from dlrsd.runtime.base.errors import DlrsdError

    os.chdir(folder)
    made = import_module(module)
    warnings.simplefilter("error", RuntimeWarning)  # it would be printed to the user
    case_folder = folder / _CASE
    outside: list[str] = []
    made.warm_up()  # import what reads, so that growth is the cases' own
    _watch(outside, folder)
    printed = Path("printed")
    os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    baseline = _peak()
    pipe.send("ready")
    while True:
        case: Case = pipe.recv()
        shutil.rmtree(case_folder, ignore_errors=True)
        case_folder.mkdir()
        outside.clear()
        os.truncate(printed, 0)
        kind, said = "accepted", ""
        try:
            made.TARGETS[case.target](case_folder, random.Random(f"{case.target} {case.seed}"))
        except DlrsdError as error:
            kind, said = "refused", str(error)
            if "\n" in said or not said.strip() or len(said) > 2000:
                kind, said = "found", f"a refusal that is no line: {said[:300]!r}"
        except BaseException:
            kind, said = "found", traceback.format_exc()
        if text := printed.read_bytes():
            kind, said = "found", f"printed {text.decode('utf-8', 'replace')[:300]!r}"
        if outside:
            kind, said = "found", f"opened {', '.join(sorted(set(outside)))}"
        grown = _peak() - baseline
        if grown > LIMIT_BYTES:
            kind, said = "found", f"the process grew by {grown / 1e9:.1f} GB"
        pipe.send((kind, said, grown))


def _peak() -> int:
    """Largest size of this process alone; what `getrusage` tells begins with its parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if "VmHWM" in line).split()[1])


def _watch(outside: list[str], folder: Path) -> None:
    """Note every file that Python opens outside the folder and its own libraries, and sockets."""
    allowed = [folder, Path(sys.prefix), Path(sys.base_prefix), Path.cwd()]
    allowed += [Path(__file__).resolve().parents[2], *map(Path, site.getsitepackages())]
    roots = (*(str(path.resolve()) for path in allowed), "/proc/", "/sys/", "/dev/", "/usr/")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = arguments[0] if isinstance(arguments[0], str) else arguments[0].decode()
            if not str(Path(path).absolute()).startswith(roots):
                outside.append(path)
        elif event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
            outside.append(f"{event} {arguments}")

    sys.addaudithook(hook)
