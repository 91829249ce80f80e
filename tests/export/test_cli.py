"""The command ``dlrsd-export`` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from dlrsd.export.cli import main
from dlrsd.export.verify.parity import parity_table
from dlrsd.runtime.bundle.parts import Agreement, Parity

PROGRAM = [sys.executable, "-c", "from dlrsd.export.cli import main; main()"]


def command(cwd, *arguments):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_with_nothing_else_said_it_exports_the_latest_run(tiny_run, tiny_bundle, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "runs" / "mine")
    shutil.copytree(tiny_bundle, tmp_path / "bundle")  # an older one, in every precision
    done = command(tmp_path)
    assert done.returncode == 0, done.stderr
    first, on, heading, fp32 = done.stdout.splitlines()
    assert first.startswith("bundle: runs/mine as 3 files, 0.")
    assert on.startswith("labels on 10000 test windows")
    assert heading.split() == ["precision", "as", "trained", "as", "fp32", "accuracy", "size"]
    assert fp32.split()[:3] == ["fp32", "100.000%", "100.000%"]
    assert "check fp32" in done.stderr
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["name"] == "mine"
    assert manifest["parity"]["windows"] >= 10_000
    assert set(manifest["parity"]) == {"windows", "fp32"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "runs"]
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {
        "manifest.json", "diagnoser.onnx", "synthesizer.onnx", "anchors.npz",
    }  # fmt: skip


def test_the_table_is_aligned_and_says_what_the_manifest_says():
    found = Agreement(
        label_agreement=0.99954,
        fp32_agreement=1.0,
        max_probability_difference=0.1,
        accuracy=0.98691,
        bytes=1_149_921,
    )
    _, *lines = parity_table(Parity(windows=10_000, fp32=found, int8=found))
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["int8", "99.954%", "100.000%", "98.69%", "1.150", "MB"]


# What was done wrong, the arguments, and what the one line must say.
MISTAKES = {
    "no run at all": ([], "no finished run in runs/: train one with `dlrsd-train fit DATA`"),
    "no such run": (["nowhere"], "nowhere holds no finished run (no metrics.json)"),
    "a foreign folder": (["{run}", "--out", "photos"], "photos is there and is no bundle"),
    "data that is gone": (["moved"], "data-that-was-moved"),
    "an unknown option": (["--fp8"], "No such option: --fp8"),
}


@pytest.fixture
def place(tiny_run, tmp_path):
    """A folder with photos, and with a run whose data is not where it was."""
    (tmp_path / "photos").mkdir()
    moved = shutil.copytree(tiny_run, tmp_path / "moved")
    config = json.loads((moved / "config.json").read_text())
    config["settings"]["data"] = str(tmp_path / "data-that-was-moved")
    (moved / "config.json").write_text(json.dumps(config))
    return tmp_path


def check(mistake, code, stdout, stderr):
    assert code == 2
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert MISTAKES[mistake][1] in stderr
    assert stdout == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(tiny_run, place, mistake, monkeypatch, capsys):
    arguments = [a.format(run=tiny_run) for a in MISTAKES[mistake][0]]
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "argv", ["dlrsd-export", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    check(mistake, ended.value.code, *capsys.readouterr())
    assert sorted(path.name for path in place.iterdir()) == ["moved", "photos"]


def test_so_it_is_in_a_process_of_its_own(tmp_path):
    done = command(tmp_path)
    check("no run at all", done.returncode, done.stdout, done.stderr)
    assert not list(tmp_path.iterdir())
