"""The command ``dlrsd-train compare`` as a user runs it."""

from __future__ import annotations

import os
import subprocess
import time


def test_it_goes_on_where_it_was_ended_and_sums_up(program, command, rig_folder, tmp_path):
    arguments = (
        "compare", rig_folder, "--out", "t.csv", "--methods", "none,mixup", "--balance", "4,2",
        "--normal-windows", "40", "--seeds", "0-1", "--jobs", "1",
    )  # fmt: skip
    # Not measured: a signal may end what holds the lock of coverage, which is then held for ever.
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    ended = subprocess.Popen(
        program(*arguments, hurried=True),
        cwd=tmp_path,
        env=unmeasured,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "t.csv").exists() and ended.poll() is None:
        time.sleep(0.01)
    ended.terminate()
    said = ended.communicate()[1]
    assert ended.returncode == 130, said
    n_done = len((tmp_path / "t.csv").read_text().splitlines()) - 1
    assert 1 <= n_done < 8
    assert f"interrupted: {n_done} of 8 cells are in t.csv; the same command goes on" in said
    done = command(tmp_path, *arguments, hurried=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"8 cells, {n_done} of them in t.csv already\n")
    assert done.stderr.count(": accuracy ") == 8 - n_done
    assert f"{8 - n_done}/{8 - n_done}" in done.stderr  # the bar
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.strip() for line in lines if ", edge" in line] == [
        "block, 1:4, edge",
        "block, 1:2, edge",
    ]
    assert lines[-1] == "8 cells: t.csv"
    assert sum(line.strip().startswith("mixup ") for line in lines) == 2


def test_it_takes_a_folder_of_plants(command, plant_folder, tmp_path):
    done = command(
        tmp_path, "compare", plant_folder, "--window", "12", "--hop", "12", "--out", "table.csv",
        "--methods", "rus-weights,smote,rus", "--seeds", "0", "--classifiers", "deep_conv_lstm",
        "--jobs", "1", hurried=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "time, deep_conv_lstm" in done.stdout
    assert "rus-weights −" in done.stdout
    assert "light-rus " in done.stdout
    assert "simulated plants: no figure" in done.stdout
    assert "note: method rus is called light-rus now\n" in done.stderr
