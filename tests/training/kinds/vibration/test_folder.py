"""A run's folder under a training: one at a time, and on a disk that is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.settings import Settings

# As the command does, with settings that train nothing in no time.
FIT = """
import sys
from pathlib import Path
import msgspec, typer
from dlrsd.runtime.base.console import run_app
app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
def command(settings: Path, out: Path) -> None:
    from dlrsd.training.kinds.vibration.fit import fit
    from dlrsd.training.kinds.vibration.settings import Settings
    fit(msgspec.json.decode(settings.read_bytes(), type=Settings), out)

run_app(app)
"""


@pytest.fixture
def settings(hurried_settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "settings.json").write_bytes(msgspec.json.encode(hurried_settings))
    (tmp_path / "fit.py").write_text(FIT)
    return hurried_settings


def test_a_full_disk_is_one_line_and_with_more_room_it_goes_on(settings, small_disk):
    """Full at the first checkpoint, at the report, and then not any more."""
    step = f"{sys.executable} fit.py settings.json small/run; echo $? >&2;"
    grow = "mount -o remount,size={} small;"
    done = small_disk(
        step + grow.format("4700k") + step + grow.format("20m") + step + "ls small/run", size=65536
    )
    first, one, second, two, three = done.stderr.splitlines()
    for line in (first, second):
        assert line.startswith("error: "), done.stderr
        assert "No space left on device" in line
        assert "free some space" in line
    assert (one, two, three) == ("2", "2", "0")
    assert "small/run/checkpoints/generator.pt" in first
    assert {"metrics.json", "report.html"} < set(done.stdout.split())
    assert "checkpoints" not in done.stdout


def test_a_second_training_in_the_same_folder_is_refused(settings, tmp_path):
    out = tmp_path / "run"

    def at_the_classifier(what: str, total: int):
        if what != "classifier":
            return lambda done: None
        second = subprocess.run(
            [sys.executable, "fit.py", "settings.json", "run"],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert second.returncode == 2
        assert second.stderr == (
            "error: run is being written by another training: wait until it is done, or choose "
            "another --out\n"
        )
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(settings, out, progress=at_the_classifier)
    before = sorted(path.name for path in out.iterdir())
    assert before == ["checkpoints", "config.json"]
    # The lock went with the training; what a killed one left of its config is no other's file.
    (out / "config.json").rename(out / f".config.json.{2**22 + 1}.part")
    for path in (out / "checkpoints").iterdir():
        path.unlink()
    (out / "checkpoints").rmdir()

    def at_once(what: str, total: int):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(settings, out, progress=at_once)
    assert (out / "config.json").is_file()
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is there and is no run"):
        fit(settings, tmp_path / "file")
