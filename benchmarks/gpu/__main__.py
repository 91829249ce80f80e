"""Every measurement that needs a CUDA GPU, with the libraries that are installed here.

    python -m benchmarks.gpu --bundle cwru-6205

Each entry of ``entries.py`` runs in a process of its own. One whose library is missing is skipped,
and the table names the library; one that fails is recorded. Neither stops the others: a GPU error
ends with the process that met it. Without a GPU the command says so and exits with 2.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.gpu.common import Skip
from benchmarks.gpu.entries import ENTRIES
from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.output.machine_report import find_gpus

MINUTES = 20  # that an entry may take


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--bundle", default="cwru-6205")
    parser.add_argument("--out", type=Path, default=machine.RESULTS / "gpu.json")
    parser.add_argument("--entry", choices=ENTRIES, action="append", help="repeatable; else all")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if not count_gpus():
        print("error: the NVIDIA driver offers no GPU here, nothing to measure", file=sys.stderr)
        sys.exit(2)
    if a.child:
        print(json.dumps(_run(a.entry[0], a.bundle)))
        return
    result: dict[str, Any] = {"bundle": a.bundle, "gpus": find_gpus(), "entries": {}}
    for name in a.entry or ENTRIES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        result["entries"][name] = _in_a_process(name, a.bundle)
    machine.show(
        "; ".join(result["gpus"]),
        ("entry", "", "result"),
        [(name, found["status"], found["says"]) for name, found in result["entries"].items()],
    )
    print(machine.save(a.out.stem, result, a.out.parent))


def _run(name: str, bundle: str) -> dict[str, Any]:
    try:
        says, figures = ENTRIES[name](load_bundle(bundle))
    except (Skip, ImportError, DlrsdError) as error:
        # Of our own errors those that say what is missing: the machine lacks something.
        missing = isinstance(error, (Skip, ImportError))
        return {"status": "skipped" if missing else "failed", "says": str(error)}
    except Exception as error:
        return {"status": "failed", "says": f"{type(error).__name__}: {error}"}
    return {"status": "measured", "says": says, **figures}


def _in_a_process(name: str, bundle: str) -> dict[str, Any]:
    child = [sys.executable, "-m", "benchmarks.gpu", "--child", "--entry", name]
    try:
        done = subprocess.run(
            [*child, "--bundle", bundle],
            cwd=machine.ROOT,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
        )
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return {"status": "failed", "says": f"not done after {MINUTES} minutes"}
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"status": "failed", "says": f"ended with status {done.returncode}: {last}"}


if __name__ == "__main__":
    main()
