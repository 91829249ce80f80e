#!/usr/bin/env python3
"""Set-up, demo, tests and checks in one file of the standard library: ``python3 tasks.py TASK``.

Everything is installed into ``.venv/`` of this checkout: the very files whose hashes stand in
``locks/``. Torch alone is pinned by its version, for its wheels differ from index to index and
machine to machine, and one that is there already is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BOX = HERE / ".venv-box"  # a second environment like the one on the box: the wheel, no torch
BIN = "Scripts" if os.name == "nt" else "bin"
PACKAGES = ("runtime", "training", "export")
LOCKS = HERE / "locks"  # what `lock` writes: of development, of a box, of what tests a box
INPUTS = ("pyproject.toml", "constraints.txt", "locks/dev.txt")
# A file's tests stay together: they share what is trained for them.
ON_EVERY_CORE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
PROGRAMS = {  # Debian's packages of these names, and the tests that need them
    "strace": "tests/test_outside.py",
    "mosquitto": "tests of MQTT",
    "chromium": "tests/browser",
    "openssl": "tests of TLS",
}
ON_GPU = "runtime/engines/onnx_cuda.py,runtime/engines/tensorrt_engine.py"  # run there alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = {
        "setup": setup, "demo": demo, "test": test, "lint": lint, "box": box,
        "lock": lock, "audit": audit, "sbom": sbom,
    }  # fmt: skip
    parser.add_argument("task", choices=commands, help="what to do; demo and test set up first")
    commands[parser.parse_args().task]()


def setup() -> None:
    """Make .venv/ with everything a developer needs; nothing to do where it is up to date."""
    if sys.version_info < (3, 11):
        sys.exit(f"error: got Python {sys.version.split()[0]}, development needs 3.11 or later")
    stamp = VENV / "installed"
    wanted = "".join((HERE / f).read_text() for f in INPUTS)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not (VENV / BIN).is_dir():
        run(sys.executable, "-m", "venv", str(VENV))
    install(VENV, LOCKS / "dev.txt")
    pip(VENV, "-c", "constraints.txt", "torch")
    pip(VENV, "--no-deps", "--no-build-isolation", "-e", ".")
    install_programs()
    stamp.write_text(wanted)


def install_programs() -> None:
    """What tests need and pip does not bring, where it can be had unasked."""
    missing = [name for name in PROGRAMS if not is_there(name)]
    if sys.platform != "linux" or not missing:
        return
    sudo = ["sudo", "-n"] if os.geteuid() else []
    install = [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if shutil.which("apt-get") and shutil.which(install[0]) and not attempt(install):
        # A new machine has no list of packages yet.
        attempt([*sudo, "apt-get", "update", "-qq"])
        attempt(install)
    for name in missing:
        if not is_there(name):
            print(f"note: {name} is missing, so {PROGRAMS[name]} will be skipped: install it")


def is_there(program: str) -> bool:
    """Debian keeps services where no user's path leads."""
    return bool(shutil.which(program) or shutil.which(program, path="/usr/sbin"))


def attempt(command: list[str]) -> bool:
    """Run a command, shown first, that may fail."""
    print("$", *command, flush=True)
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def demo() -> None:
    """Simulate a rig, train on imbalanced data, export, diagnose a stream."""
    setup()
    run_folder, stream = HERE / "runs" / "demo", HERE / "stream.bin"
    tool("dlrsd-train", "fit", "rig", "--balance", "100", "--out", str(run_folder))
    tool("dlrsd-export", "--fp16", str(run_folder), "--out", str(HERE / "bundle"))
    tool("dlrsd-train", "simulate", str(stream), "--fault", "outer", "--seed", "7", "--overwrite")
    tool("dlrsd-runtime", "diagnose", "stream.bin")
    print(f"\nreport: {run_folder / 'report.html'}")


def test() -> None:
    """Lint, type-check, run every test, and run the runtime's again where there is no torch."""
    setup()
    lint()
    tool("pytest", *ON_EVERY_CORE, "--cov", "--cov-report=")
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
    for made in (dist, HERE / "build" / "lib"):  # what an earlier state left would be packed, too
        shutil.rmtree(made, ignore_errors=True)
    tool("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist))
    (wheel,) = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", "--clear", str(BOX))
    install(BOX, LOCKS / "box.txt")
    install(BOX, LOCKS / "pytest.txt")
    pip(BOX, "--no-deps", str(wheel))
    run(str(BOX / BIN / "python"), "-m", "pytest", *ON_EVERY_CORE, "tests/runtime", "tests/box")


def lock() -> None:
    """Write the hashes of every file that may be installed, of the versions in constraints.txt."""
    setup()
    # Of torch only what it needs besides NVIDIA's libraries: see the head of this file.
    light = ["filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"]
    project = ("pyproject.toml", "--extra")
    compile_lock("dev.txt", *project, "dev", "--no-emit-package", "torch", also=light)
    extras = ("cpu", "--extra", "io", "--extra", "watch", "--extra", "opcua")
    compile_lock("box.txt", *project, *extras)
    compile_lock("pytest.txt", also=["pytest", "pytest-xdist", "pyuff"])


def compile_lock(name: str, *sources: str, also: Sequence[str] = ()) -> None:
    """One file of ``locks/`` by uv, which names neither an index nor a place on this machine."""
    without, more = VENV / "without.txt", VENV / "more.in"
    without.write_text("torch ; sys_platform == 'never'\n")
    more.write_text("".join(f"{package}\n" for package in also))
    tool(
        "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url",
        "--constraints", "constraints.txt", "--overrides", str(without),
        "--output-file", str(LOCKS / name), *sources, str(more),
    )  # fmt: skip


def audit() -> None:
    """Ask the index for known weaknesses of all that is pinned; ends with 1 if any are known."""
    setup()
    print("$ pip-audit", "locks/dev.txt", flush=True)
    done = subprocess.run(
        [str(VENV / BIN / "pip-audit"), "--progress-spinner=off", "--format=json",
         "--require-hashes", "--disable-pip", "-r", str(LOCKS / "dev.txt")],
        cwd=HERE, capture_output=True, text=True,
    )  # fmt: skip
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        sys.exit(f"error: no audit, the index of advisories cannot be asked: {lines[-1][:200]}")
    unknown = [each["name"] for each in found if "skip_reason" in each]
    if len(unknown) == len(found):
        sys.exit(
            f"error: no audit, the index of advisories cannot be reached from here: it knows none "
            f"of the {len(found)} packages"
        )
    weak = [(each, known) for each in found for known in each.get("vulns", ())]
    for each, known in weak:
        fixed = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"{each['name']} {each['version']}: {known['id']}, mended in {fixed}")
    if unknown:
        print(f"not known to the index: {', '.join(unknown)}")
    print(f"{len(found) - len(unknown)} packages asked for, {len(weak)} weaknesses known")
    if weak:
        sys.exit(1)


def sbom() -> None:
    """Write what the wheel needs on a box, as a CycloneDX bill of materials in dist/."""
    setup()
    (HERE / "dist").mkdir(exist_ok=True)
    write_sbom(HERE / "dist" / "dlrsd.cdx.json")


def write_sbom(path: Path) -> None:
    tool(
        "cyclonedx-py", "requirements", str(LOCKS / "box.txt"), "--pyproject", "pyproject.toml",
        "--mc-type", "library", "--of", "JSON", "--output-reproducible", "--validate",
        "-o", str(path),
    )  # fmt: skip
    bill = json.loads(path.read_text(encoding="utf-8"))
    version = (HERE / "runtime" / "base" / "version.py").read_text(encoding="utf-8")
    root = bill["metadata"]["component"]
    root["version"] = version.split('"')[-2]  # in the wheel alone
    bill["dependencies"] = dependencies([root, *bill["components"]])
    path.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


def dependencies(parts: Sequence[dict[str, str]]) -> list[dict[str, object]]:
    """Which part asks for which others, as the packages in .venv/ say it; of the rest nothing."""
    ref = {plain(part["name"]): part["bom-ref"] for part in parts}
    done = subprocess.run(
        [str(VENV / BIN / "python"), "-m", "pip", "inspect", "--local"],
        cwd=HERE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    graph = {}
    for package in json.loads(done.stdout)["installed"]:
        name, asked = plain(package["metadata"]["name"]), set()
        for line in package["metadata"].get("requires_dist", ()):
            extra = re.search(r"extra *== *[\"']([\w-]+)", line)
            if extra is None or (name == "dlrsd" and extra[1] in ("cpu", "io", "watch", "opcua")):
                asked.add(ref.get(plain(re.split(r"[^\w.-]", line)[0])))
        if name in ref:
            graph[ref[name]] = sorted(asked - {None, ref[name]})
    return [{"ref": part, "dependsOn": graph[part]} for part in sorted(graph)]


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def install(venv: Path, lock: Path) -> None:
    """Exactly the files of a lock."""
    pip(venv, "--require-hashes", "--no-deps", "-r", str(lock.relative_to(HERE)))


def pip(venv: Path, *words: str) -> None:
    run(str(venv / BIN / "python"), "-m", "pip", "install", "--quiet", *words)


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
