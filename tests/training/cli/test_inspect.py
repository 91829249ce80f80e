"""The command ``dlrsd-train inspect`` as a user runs it."""

from __future__ import annotations


def test_it_says_what_is_there(command, rig_folder, tmp_path):
    done = command(tmp_path, "inspect", rig_folder, COLUMNS="160")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("Normal", "ball", "inner", "outer", "block", "random", "bearing", "12000"):
        assert word in done.stdout.replace(" ", "") or word in done.stdout
    assert not list(tmp_path.iterdir())


def test_simulated_plants_are_not_inspected_but_written_first(refused):
    assert "simulate-plant FOLDER" in refused("inspect", "plant")
