"""The command ``dlrsd-export`` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-c", "from dlrsd.export.cli import main; main()"]


def command(cwd, *arguments):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_with_nothing_else_said_it_exports_the_latest_run(tiny_run, tiny_bundle, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "runs" / "mine")
    shutil.copytree(tiny_bundle, tmp_path / "bundle")  # an older one, with an fp16 graph
    done = command(tmp_path)
    assert done.returncode == 0, done.stderr
    first, fp32 = done.stdout.splitlines()
    assert first.startswith("bundle: runs/mine as 3 files, 0.")
    assert "label on 100.0000% of 10000 test windows" in fp32
    assert "check fp32" in done.stderr
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["name"] == "mine"
    assert manifest["parity"]["windows"] >= 10_000
    assert set(manifest["parity"]) == {"windows", "fp32"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "runs"]
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {
        "manifest.json", "diagnoser.onnx", "synthesizer.onnx", "anchors.npz",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no finished run in runs/: train one with `dlrsd-train fit DATA`"),
        (["nowhere"], "nowhere holds no finished run (no metrics.json)"),
        (["{run}", "--out", "photos"], "photos is there and is no bundle"),
        (["--fp8"], "No such option: --fp8"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tiny_run, tmp_path, arguments, said):
    (tmp_path / "photos").mkdir()
    done = command(tmp_path, *(a.format(run=tiny_run) for a in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_data_that_is_gone_is_one_line(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["settings"]["data"] = str(tmp_path / "moved")
    (run / "config.json").write_text(json.dumps(config))
    done = command(tmp_path, run)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "moved" in done.stderr
