"""The command ``dlrsd-train``: what a user does wrong is one line."""

from __future__ import annotations

import shutil

import bearing_datasets
import numpy as np
import pytest

# What was done wrong, the arguments, and what the one line must say.
MISTAKES = {
    "an unknown data set": (
        ["inspect", "cwrru"],
        "'cwrru' is neither a data set nor a folder: did",
    ),
    "a set that is not built": (["inspect", "cwru"], "run `bearing-datasets build cwru --root"),
    "an unknown task": (["inspect", "{root}/seu_like", "--task", "x"], "unknown task 'x': known"),
    "a task of a folder": (["fit", "{rig}", "--task", "cwru10"], "takes no task, got 'cwru10'"),
    "an unknown protocol": (
        ["fit", "{rig}", "--protocol", "blok"],
        "'blok' is not one of 'block', 'random'",
    ),
    "a folder without classes": (
        ["inspect", "{root}/empty"],
        "has no sub-folder: one per class is",
    ),
    "an empty class folder": (["fit", "{root}/half"], "outer holds no recording: fill it, or"),
    "one class": (["fit", "{root}/single"], "recordings of one class (Normal): expected at least"),
    "balance 0": (["fit", "{rig}", "--balance", "0"], "a balance ratio is at least 1, got 0"),
    "no balance at all": (["fit", "{rig}", "--balance", "few"], "Invalid value for '--balance'"),
    "a single window": (["fit", "{rig}", "--balance", "2000"], "gets a single training window"),
    "an unknown classifier": (
        ["fit", "{rig}", "--classifier", "vgg"],
        "'vgg' is not one of 'edge'",
    ),
    "a classifier of other heatmaps": (
        ["fit", "{rig}", "--classifier", "bands"],
        "got classifier 'bands' for the front end scalogram: expected edge or simple_cnn",
    ),
    "a protocol of plants": (
        ["fit", "{rig}", "--protocol", "time"],
        "got protocol 'time': expected one of random, block, load, bearing",
    ),
    "an unknown front end": (
        ["fit", "{rig}", "--front-end", "wavelets"],
        "'wavelets' is not one of 'scalogram', 'order-map'",
    ),
    "an unknown preset": (["fit", "{rig}", "--preset", "huge"], "'huge' is not one of 'edge', 'pa"),
    "loads that are words": (
        ["fit", "{rig}", "--protocol", "load", "--train-loads", "low"],
        "got loads 'low': expected numbers separated by commas",
    ),
    "an unknown fault": (
        ["simulate", "s.bin", "--fault", "cage"],
        "'cage' is not one of 'Normal', 'outer', 'i",
    ),
    "a stream of no length": (["simulate", "s.bin", "--seconds", "0"], "got a length of 0 s: expe"),
    "a seed below 0": (["simulate", "s.bin", "--seed", "-1"], "got seed = -1: expected 0 or more"),
    "no window": (["inspect", "{rig}", "--window", "0"], "got window = 0: expected 1 or more"),
    "a split's seed below 0": (["inspect", "{rig}", "--seed", "-1"], "got seed = -1: expected 0"),
    "no table": (["compare", "{rig}"], "Missing option '--out'"),
    "a table of no format": (["compare", "{rig}", "--out", "t"], "cannot tell the format of 't'"),
    "an unknown method": (
        ["compare", "{rig}", "--out", "t.csv", "--methods", "smoot"],
        "got method 'smoot': expected one of none",
    ),
    "an ablation as a run": (
        ["fit", "{rig}", "--method", "dlrsd-smote/no-filter"],
        "got method 'dlrsd-smote/no-filter': expected one of none, class-weights",
    ),
    "seeds that are words": (
        ["compare", "{rig}", "--out", "t.csv", "--seeds", "few"],
        "got seeds 'few': expected such as 0-9",
    ),
    "ratios that are words": (
        ["compare", "{rig}", "--out", "t.csv", "--balance", "few"],
        "got balance ratios 'few': expected numbers separated by commas",
    ),
    "an unknown command": (["fitt"], "No such command 'fitt'"),
}


@pytest.fixture(scope="module")
def places(rig_folder, define, tmp_path_factory):
    """The rig, and a folder with what is not usable."""
    root = tmp_path_factory.mktemp("root")
    (root / "empty").mkdir()
    for name in ("half", "single"):
        shutil.copytree(rig_folder / "Normal", root / name / "Normal")
        shutil.copy(rig_folder / "format.json", root / name)
    (root / "half" / "outer").mkdir()
    builder = (
        "import numpy as np\n"
        'CHANNELS = {"a": {"sensor_location": "motor", "quantity": "acceleration", "unit": "g",'
        ' "fs": 12000}}\n'
        "def recordings(raw_dir):\n"
        '    yield {"recording_id": "n", "native_label": "n", "fault_type": "normal",'
        ' "fault_location": "none", "signals": {"a": np.load(raw_dir / "normal.npy")}}\n'
    )
    np.save(define(root / "definition", "seu_like", builder) / "normal.npy", np.zeros(2000))
    bearing_datasets.build(root / "definition", root=root)
    return {"rig": rig_folder, "root": root}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(places, refused, mistake, monkeypatch):
    arguments, said = MISTAKES[mistake]
    monkeypatch.setenv("BEARING_DATASETS_ROOT", str(places["root"]))
    assert said in refused(*(argument.format(**places) for argument in arguments))


@pytest.mark.parametrize(
    "mistake",
    ["an unknown data set", "an unknown task", "a folder without classes", "an unknown protocol",
     "balance 0"],
)  # fmt: skip
def test_so_it_is_in_a_process_of_its_own(places, command, mistake, tmp_path):
    arguments = [argument.format(**places) for argument in MISTAKES[mistake][0]]
    done = command(tmp_path, *arguments, BEARING_DATASETS_ROOT=str(places["root"]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert MISTAKES[mistake][1] in done.stderr
    assert not list(tmp_path.iterdir())
