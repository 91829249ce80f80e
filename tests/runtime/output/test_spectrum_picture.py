"""The spectrum as a picture: SVG by itself, PNG with Pillow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.evidence.machine import faulty

Run = Callable[..., Any]
STATED = ["--rate", "12000", "--speed", "1772", "--bearing", "6205"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    faulty("outer", seconds=4.0).astype("<f4").tofile(tmp_path / "pump.bin")
    return tmp_path / "pump.bin"


def test_a_png_has_the_curve_and_the_marks(command: Run, recording: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    done = command("evidence", recording, *STATED, "--picture", "pump.png")
    assert done.returncode == 0, done.stderr
    with image.open(tmp_path / "pump.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1520, 760))
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    share = {
        name: float((pixels == colour).all(axis=1).mean())
        for name, colour in {
            "paper": (255, 255, 255), "curve": (0x64, 0x74, 0x8B), "outer": (0xC2, 0x41, 0x0C),
        }.items()
    }  # fmt: skip
    assert share["paper"] > 0.7
    assert 0.01 < share["curve"] < 0.2
    assert 5 * 60 < share["outer"] * len(pixels) < 3000  # five triangles of some 130 pixels


def test_without_pillow_a_png_is_refused_before_any_work(recording: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['PIL'] = None\nfrom dlrsd.runtime.cli.app import main; main()"
    )
    command = [sys.executable, "-c", program, "evidence", str(recording), *STATED, "--picture"]

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, name], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    done = run("pump.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a picture in PNG needs the package 'PIL'" in done.stderr
    assert "pip install 'dlrsd[picture]'" in done.stderr
    assert not (tmp_path / "pump.png").exists()
    assert run("pump.svg").returncode == 0


def test_another_kind_of_picture_is_refused(command: Run, recording: Path) -> None:
    done = command("evidence", recording, *STATED, "--picture", "pump.jpg")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pump.jpg: expected a name that ends in .svg or .png" in done.stderr
