"""What runs the watch unattended, as far as it can be checked without a system that starts it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "dlrsd-watch.service"
CONTAINER = ROOT / "deploy" / "Containerfile"


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not (program := shutil.which("systemd-analyze")):
        pytest.skip("needs systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True)


def test_systemd_has_no_complaint_about_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert text.count("/opt/dlrsd/bin/dlrsd-runtime watch") == 1
    unit = tmp_path / UNIT.name  # whose program is there
    unit.write_text(text.replace("/opt/dlrsd/bin/dlrsd-runtime", "/bin/true"))
    done = analyzed("verify", str(unit))
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("WatchdogSec=60", "WatchdogSec=often\nNoSuchThing=1"))
    said = analyzed("verify", str(unit)).stderr
    assert "Failed to parse sec value" in said
    assert "NoSuchThing" in said


def test_the_unit_exposes_little() -> None:
    done = analyzed("security", "--offline=true", "--threshold=11", str(UNIT))
    (exposure,) = re.findall(r"exposure level for dlrsd-watch.service: ([\d.]+)", done.stdout)
    assert float(exposure) <= 1.2


def steps() -> list[list[str]]:
    lines = [line for line in CONTAINER.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def test_the_container_copies_what_is_there_and_runs_as_nobody_else() -> None:
    known = {
        "ARG", "FROM", "WORKDIR", "ENV", "RUN", "COPY", "LABEL", "USER", "VOLUME", "EXPOSE",
        "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    names = [step[0] for step in steps()]
    assert set(names) <= known
    copied = [
        source
        for step in steps()
        if step[0] == "COPY" and not step[1].startswith("--from")
        for source in step[1:-1]
    ]
    assert "locks/box.txt" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
    last = len(names) - 1 - names[::-1].index("FROM")
    (user,) = [step[1] for step in steps()[last:] if step[0] == "USER"]
    assert int(user.partition(":")[0]) > 0


def test_the_lock_of_the_box_holds_what_the_watch_needs() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    lock = (ROOT / "locks" / "box.txt").read_text().lower().replace("_", "-")
    for need in (*extras["cpu"], *extras["io"], *extras["watch"], *extras["opcua"]):
        name = re.split(r"[><=\[;]", need)[0].lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE), name
