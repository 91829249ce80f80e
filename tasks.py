#!/usr/bin/env python3
"""Set-up, demo, tests and checks in one file of the standard library: ``python3 tasks.py TASK``.

Everything is installed into ``.venv/`` of this checkout, pinned by constraints.txt.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BOX = HERE / ".venv-box"  # a second environment like the one on the box: the wheel, no torch
BIN = "Scripts" if os.name == "nt" else "bin"
PACKAGES = ("runtime", "training", "export")
ON_GPU = "runtime/engines/onnx_cuda.py,runtime/engines/tensorrt_engine.py"  # run there alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = {"setup": setup, "demo": demo, "test": test, "lint": lint, "box": box}
    parser.add_argument("task", choices=commands, help="what to do; demo and test set up first")
    commands[parser.parse_args().task]()


def setup() -> None:
    """Make .venv/ with everything a developer needs; nothing to do where it is up to date."""
    if sys.version_info < (3, 11):
        sys.exit(f"error: got Python {sys.version.split()[0]}, development needs 3.11 or later")
    stamp = VENV / "installed"
    wanted = "".join((HERE / f).read_text() for f in ("pyproject.toml", "constraints.txt"))
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not (VENV / BIN).is_dir():
        run(sys.executable, "-m", "venv", str(VENV))
    install(VENV, "-e", ".[dev]")
    stamp.write_text(wanted)


def demo() -> None:
    """Simulate a rig, train on imbalanced data, export, diagnose a stream."""
    setup()
    run_folder, stream = HERE / "runs" / "demo", HERE / "stream.bin"
    tool("dlrsd-train", "fit", "rig", "--balance", "100", "--out", str(run_folder))
    tool("dlrsd-export", "--fp16", str(run_folder), "--out", str(HERE / "bundle"))
    tool("dlrsd-train", "simulate", str(stream), "--fault", "outer", "--seed", "7")
    tool("dlrsd-runtime", "diagnose", "stream.bin")
    print(f"\nreport: {run_folder / 'report.html'}")


def test() -> None:
    """Lint, type-check, run every test, and run the runtime's again where there is no torch."""
    setup()
    lint()
    tool("pytest", "--cov", "--cov-report=")
    tool("coverage", "report", "--include=training/*,export/*", "--format=total")
    tool("coverage", "report", "--include=runtime/*", f"--omit={ON_GPU}", "--fail-under=95")
    box()


def lint() -> None:
    """Format, lint, types, and who may import whom."""
    setup()
    tool("ruff", "format", "--check", "--quiet", ".")
    tool("ruff", "check", "--quiet", ".")
    # The folders are mapped to import names; mypy and import-linter need to see them as packages.
    tree = HERE / "build" / "types"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "dlrsd").mkdir(parents=True)
    for name in PACKAGES:
        (tree / "dlrsd" / name).symlink_to(HERE / name, target_is_directory=True)
    for name in PACKAGES:
        tool("mypy", "-p", f"dlrsd.{name}", MYPYPATH=str(tree))
    tool("lint-imports", PYTHONPATH=str(tree))


def box() -> None:
    """Build the wheel, install it as on a box, and run the runtime's tests against it."""
    setup()
    dist = HERE / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    tool("python", "-m", "build", "--wheel", "--outdir", str(dist))
    (wheel,) = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", "--clear", str(BOX))
    install(BOX, f"{wheel}[cpu,io]", "pytest")
    run(str(BOX / BIN / "python"), "-m", "pytest", "tests/runtime", "tests/box")


def install(venv: Path, *what: str) -> None:
    python = str(venv / BIN / "python")
    run(python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", *what)


def tool(name: str, *arguments: str, **environment: str) -> None:
    run(str(VENV / BIN / name), *arguments, **environment)


def run(*command: str, **environment: str) -> None:
    """Run a command in this checkout, shown first; its failure is this script's failure."""
    print("$", Path(command[0]).name, *command[1:], flush=True)
    code = subprocess.run(command, cwd=HERE, env={**os.environ, **environment}).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
