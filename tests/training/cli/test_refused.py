"""Options that the kind of data at hand has no use for are refused by name, all of them."""

from __future__ import annotations

import pytest
from typer.main import get_command

from dlrsd.training.cli.app import app

VALUES = {
    "balance": "5", "channels": "a", "front-end": "order-map", "hop": "5", "label": "fault_type",
    "normal-windows": "5", "preset": "paper", "rate": "8000", "root": "/data", "seed": "3",
    "target": "5", "task": "cwru10", "test-loads": "1", "train-loads": "0",
}  # fmt: skip
OF_RECORDINGS = ["root", "task", "channels", "label"]
OF_WINDOWS = [
    "balance", "front-end", "normal-windows", "preset", "rate", "test-loads", "train-loads",
]  # fmt: skip
# Of every command: options that any data can use, and those that plants, or recordings, cannot.
EVERY = {
    "fit": ["classifier", "hop", "method", "out", "protocol", "seed", "window"],
    "compare": ["classifiers", "hop", "jobs", "methods", "out", "protocols", "seeds", "window"],
    "inspect": ["window"],
}
NOT_OF_PLANTS = {
    "fit": [*OF_RECORDINGS, *OF_WINDOWS, "target"],
    "compare": [*OF_RECORDINGS, *OF_WINDOWS],
    "inspect": [*OF_RECORDINGS, "seed"],
}
NOT_OF_RECORDINGS = {"inspect": ["hop"]}
# What the kinds themselves tell apart, by value.
OTHER = {
    "fit": [
        (["--method", "mixup"], "got method 'mixup' for sequences: expected one of none, "),
        (["--window", "0"], "got window = 0: expected 1 or more"),
        (["--classifier", "edge"], "got classifier 'edge' for sequences: expected one of lr_convl"),
        (["--protocol", "block"], "got protocol 'block' for plant data: expected one of time, pl"),
    ],
    "compare": [
        (["--methods", "mixup"], "got method 'mixup': expected one of none, class-weights, ros, l"),
        (
            ["--classifiers", "edge"],
            "got classifier 'edge' for sequences: expected one of lr_convlstm",
        ),
        (["--protocols", "block"], "got protocol 'block': expected one of time, plant"),
    ],
}


def cases(of):
    return [(command, option) for command, options in of.items() for option in options]


def what(command):
    return "inspecting " if command == "inspect" else ""


@pytest.fixture
def run(refused):
    def run(command, data, *options):
        out = ["--out", "t.csv"] if command == "compare" else []
        return refused(command, data, *out, *options)

    return run


def test_the_lists_name_every_option():
    for name, command in get_command(app).commands.items():
        if name in EVERY:
            options = {o.removeprefix("--") for p in command.params for o in p.opts}
            known = {*EVERY[name], *NOT_OF_PLANTS[name], *NOT_OF_RECORDINGS.get(name, ())}
            assert options - {"data", "help"} == known


@pytest.mark.parametrize(("command", "option"), cases(NOT_OF_PLANTS))
@pytest.mark.parametrize("data", ["folder", "plant"])
def test_plants_have_no_use_for_it(run, plant_folder, command, option, data):
    plants = plant_folder if data == "folder" else "plant"
    assert run(command, plants, f"--{option}", VALUES[option]) == (
        f"error: got --{option}, of which {what(command)}plant data has no use: leave it out\n"
    )


@pytest.mark.parametrize(("command", "option"), cases(NOT_OF_RECORDINGS))
@pytest.mark.parametrize("data", ["folder", "rig"])
def test_recordings_have_no_use_for_it(run, rig_folder, command, option, data):
    recordings = rig_folder if data == "folder" else "rig"
    assert run(command, recordings, f"--{option}", VALUES[option]) == (
        f"error: got --{option}, of which {what(command)}vibration has no use: leave it out\n"
    )


@pytest.mark.parametrize(("command", "case"), cases(OTHER))
def test_values_of_another_kind_are_refused(run, plant_folder, command, case):
    options, said = case
    assert said in run(command, plant_folder, *options)


def test_a_preset_that_there_is_not_is_refused_whatever_the_data(run):
    assert "'nonsense' is not one of 'edge', 'paper'" in run("fit", "plant", "--preset", "nonsense")
