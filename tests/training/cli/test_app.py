"""The command ``dlrsd-train`` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import bearing_datasets
import numpy as np
import pytest

from dlrsd.training.cli.app import main

PROGRAM = "from dlrsd.training.cli.app import main; main()"


def command(cwd, *arguments, before="", **environment):
    return subprocess.run(
        [sys.executable, "-c", before + PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def patches(constants):
    """The same constants as the fixtures', for a process of its own."""
    return "".join(
        f"import dlrsd.training.{place.split('.')[0]} as m; m.{place.split('.')[1]} = {value}\n"
        for place, value in constants.items()
    )


def test_fit_trains_says_how_well_and_can_be_repeated(hurried, rig_folder, tmp_path):
    arguments = ("fit", rig_folder, "--balance", "6", "--normal-windows", "60", "--seed", "3")
    done = command(tmp_path, *arguments, before=patches(hurried))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "small_rig-block-br6-seed3"
    metrics = json.loads((folder / "metrics.json").read_text())
    where, figures, report = done.stdout.splitlines()
    assert where == (
        "runs/small_rig-block-br6-seed3: protocol block, balance ratio 1:6, 176 test windows"
    )
    assert f"accuracy {metrics['accuracy']:.4f}, macro recall" in figures
    assert f"({metrics['worst_class']}, 44 windows)" in figures
    assert report == "report: runs/small_rig-block-br6-seed3/report.html"
    assert (tmp_path / report.split()[1]).is_file()
    for part in ("generator", "classifier", "calibration"):
        assert part in done.stderr
    assert metrics["window_counts"]["train"]["outer"] == 10
    again = command(tmp_path, *arguments)
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")


def test_compare_goes_on_where_it_was_ended_and_sums_up(hurried, rig_folder, tmp_path):
    arguments = (
        "compare", rig_folder, "--out", "t.csv", "--methods", "none,ros,mixup", "--balance", "4,2",
        "--normal-windows", "40", "--seeds", "0-1,3", "--jobs", "1",
    )  # fmt: skip
    program = [sys.executable, "-c", patches(hurried) + PROGRAM, *map(str, arguments)]
    ended = subprocess.Popen(program, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "t.csv").exists() and ended.poll() is None:
        time.sleep(0.01)
    ended.terminate()
    said = ended.communicate()[1]
    assert ended.returncode == 130, said
    n_done = len((tmp_path / "t.csv").read_text().splitlines()) - 1
    assert 1 <= n_done < 18
    assert f"interrupted: {n_done} of 18 cells are in t.csv; the same command goes on" in said
    done = command(tmp_path, *arguments, before=patches(hurried))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"18 cells, {n_done} of them in t.csv already\n")
    assert done.stderr.count(": accuracy ") == 18 - n_done
    assert f"{18 - n_done}/{18 - n_done}" in done.stderr  # the bar
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.strip() for line in lines if ", edge" in line] == [
        "block, 1:4, edge",
        "block, 1:2, edge",
    ]
    assert lines[-1] == "18 cells: t.csv"
    assert sum(line.strip().startswith("mixup ") for line in lines) == 2


def test_simulate_writes_a_stream_that_turns_faulty(tmp_path):
    done = command(tmp_path, "simulate", "s.bin", "--seconds", "4", "--onset", "2", "--seed", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "s.bin: 4 s, healthy until 2 s, then outer\n"
    samples = np.fromfile(tmp_path / "s.bin", "<f4")
    assert len(samples) == 48_000
    assert samples[24_000:].std() > 1.3 * samples[:24_000].std()
    short = command(tmp_path, "simulate", "healthy.bin", "--seconds", "1")
    assert short.stdout == "healthy.bin: 1 s, healthy throughout\n"
    facts = json.loads((tmp_path / "s.bin.json").read_text())
    orders = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
    raw = {"dtype": "f32le", "rate": 12_000.0, "channels": 1, "unit": "g"}
    assert facts == raw | {"speed_rpm": 1775.0, "orders": orders}


def test_inspect_says_what_is_there(rig_folder, tmp_path):
    done = command(tmp_path, "inspect", rig_folder, COLUMNS="160")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("Normal", "ball", "inner", "outer", "block", "random", "bearing", "12000"):
        assert word in done.stdout.replace(" ", "") or word in done.stdout
    assert not list(tmp_path.iterdir())


# What was done wrong, the arguments, and what the one line must say.
MISTAKES = {
    "an unknown data set": (
        ["inspect", "cwrru"],
        "'cwrru' is neither a data set nor a folder: did",
    ),
    "a set that is not built": (["inspect", "cwru"], "run `bearing-datasets build cwru --root"),
    "an unknown task": (["inspect", "{root}/seu_like", "--task", "x"], "unknown task 'x': known"),
    "a task of a folder": (["fit", "{rig}", "--task", "cwru10"], "takes no task, got 'cwru10'"),
    "an unknown protocol": (["fit", "{rig}", "--protocol", "blok"], "got protocol 'blok': expect"),
    "a folder without classes": (
        ["inspect", "{root}/empty"],
        "has no sub-folder: one per class is",
    ),
    "an empty class folder": (["fit", "{root}/half"], "outer holds no recording: fill it, or"),
    "one class": (["fit", "{root}/single"], "recordings of one class (Normal): expected at least"),
    "balance 0": (["fit", "{rig}", "--balance", "0"], "a balance ratio is at least 1, got 0"),
    "no balance at all": (["fit", "{rig}", "--balance", "few"], "Invalid value for '--balance'"),
    "a single window": (["fit", "{rig}", "--balance", "2000"], "gets a single training window"),
    "an unknown classifier": (["fit", "{rig}", "--classifier", "vgg"], "got classifier 'vgg'"),
    "loads that are words": (
        ["fit", "{rig}", "--protocol", "load", "--train-loads", "low"],
        "got loads 'low': expected numbers separated by commas",
    ),
    "an unknown fault": (["simulate", "s.bin", "--fault", "cage"], "cannot simulate 'cage'"),
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
def places(rig_folder, tmp_path_factory):
    """The rig, and a folder with what is not usable."""
    root = tmp_path_factory.mktemp("root")
    (root / "empty").mkdir()
    for name in ("half", "single"):
        shutil.copytree(rig_folder / "Normal", root / name / "Normal")
        shutil.copy(rig_folder / "format.json", root / name)
    (root / "half" / "outer").mkdir()
    definition = root / "definition"
    (definition / "raw").mkdir(parents=True)
    np.save(definition / "raw" / "normal.npy", np.zeros(2000))
    (definition / "builder.py").write_text(
        "import numpy as np\n"
        'CHANNELS = {"a": {"sensor_location": "motor", "quantity": "acceleration", "unit": "g",'
        ' "fs": 12000}}\n'
        "def recordings(raw_dir):\n"
        '    yield {"recording_id": "n", "native_label": "n", "fault_type": "normal",'
        ' "fault_location": "none", "signals": {"a": np.load(raw_dir / "normal.npy")}}\n'
    )
    (definition / "dataset.yaml").write_text(
        "name: seu_like\nlicense: none\ncitation: none\nsources:\n"
        f"  - {{type: local, path: {definition / 'raw'}, include: ['*']}}\n"
    )
    bearing_datasets.build(definition, root=root)

    return {"rig": rig_folder, "root": root}


def check(mistake, code, stdout, stderr):
    assert code == 2
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert MISTAKES[mistake][1] in stderr
    assert stdout == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(places, mistake, tmp_path, monkeypatch, capsys):
    arguments = [argument.format(**places) for argument in MISTAKES[mistake][0]]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEARING_DATASETS_ROOT", str(places["root"]))
    monkeypatch.setattr(sys, "argv", ["dlrsd-train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    check(mistake, ended.value.code, *capsys.readouterr())
    assert not list(tmp_path.iterdir())  # nothing was begun


@pytest.mark.parametrize(
    "mistake",
    ["an unknown data set", "an unknown task", "a folder without classes", "an unknown protocol",
     "balance 0"],
)  # fmt: skip
def test_so_it_is_in_a_process_of_its_own(places, mistake, tmp_path):
    arguments = [argument.format(**places) for argument in MISTAKES[mistake][0]]
    done = command(tmp_path, *arguments, BEARING_DATASETS_ROOT=str(places["root"]))
    check(mistake, done.returncode, done.stdout, done.stderr)
    assert not list(tmp_path.iterdir())
