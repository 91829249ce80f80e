"""Files in a folder of classes that are no recordings are named and left out."""

import sys

import numpy as np
import pytest
import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.runtime.base.errors import DlrsdWarning, InputError
from dlrsd.training.data.vibration.class_folder import read_class_folder

X = np.random.default_rng(0).normal(size=20_000).astype("<f4")
OTHERS = {
    "readme.txt": b"Recorded at the pump, by the night shift.\n" * 20,
    "notes": b"Outer race found damaged at the inspection of June.\n",
    "photo.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(1000),
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
    ".DS_Store": b"\0\0\0\1Bud1" + bytes(1000),
    "desktop.ini": b"[.ShellClassInfo]\r\nIconResource=C:\\Windows\\icon.dll,3\r\n",
    "report.pdf": b"%PDF-1.7\n%\xe2\xe3\n" + bytes(1000),
    "old.zip": b"PK\x03\x04" + bytes(1000),
    "speed.csv": b"time (s),speed (rpm)\n" + b"".join(b"%d,1500\n" % i for i in range(99)),
    "temp.csv": b"time (s),Temperature\n" + b"".join(b"%d,41.5\n" % i for i in range(99)),
    "empty.csv": b"",
}


@pytest.fixture
def machine(tmp_path):
    for label in ("normal", "outer"):
        (tmp_path / label).mkdir()
        for run in ("run0.bin", "run1.bin"):
            X.tofile(tmp_path / label / run)
    (tmp_path / "format.json").write_text('{"rate": 12000, "dtype": "f32le", "unit": "g"}')
    return tmp_path


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("dtype", [True, False])
def test_another_file_is_named_and_left_out(machine, name, dtype):
    (machine / "outer" / name).write_bytes(OTHERS[name])
    if not dtype:
        (machine / "format.json").write_text('{"rate": 12000, "unit": "g"}')
    with pytest.warns(DlrsdWarning, match=f"no recordings are left out: outer/{name}$"):
        recordings = read_class_folder(machine)
    assert [r.recording_id for r in recordings] == [
        f"{label}/run{i}.bin" for label in ("normal", "outer") for i in (0, 1)
    ]
    np.testing.assert_array_equal(recordings[3].signal[0], X)


def test_nothing_is_said_of_a_folder_of_recordings(machine, recwarn):
    (machine / "outer" / "run0.bin.json").write_text('{"rate": 12000}')
    assert len(read_class_folder(machine)) == 4
    assert not [each for each in recwarn if issubclass(each.category, DlrsdWarning)]


def test_a_class_with_nothing_but_other_files_is_refused(machine):
    for path in (machine / "outer").iterdir():
        path.unlink()
    (machine / "outer" / "acc.xlsx").write_bytes(b"PK\x03\x04" + b"xl/workbook.xml" + bytes(100))
    with pytest.raises(InputError, match=r"outer holds no recording: .*an Excel workbook"):
        read_class_folder(machine)


def test_a_damaged_recording_is_refused_and_not_left_out(machine):
    (machine / "outer" / "run2.wav").write_bytes(b"RIFF\x10\0\0\0WAVEfmt ")
    with pytest.raises(InputError, match=r"run2.wav cannot be read as WAV"):
        read_class_folder(machine)


def test_a_command_says_a_warning_in_one_line(machine, capsys, monkeypatch):
    (machine / "outer" / "readme.txt").write_bytes(OTHERS["readme.txt"])
    app = typer.Typer()
    app.command()(lambda: print(len(read_class_folder(machine))))
    monkeypatch.setattr(sys, "argv", ["look"])
    monkeypatch.setattr("warnings.showwarning", None)  # put back afterwards
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (0, "4\n")
    assert err.startswith("warning: files in ")
    assert err.count("\n") == 1


def test_a_tacho_that_the_folder_names_is_no_channel(tmp_path):
    (tmp_path / "normal").mkdir()
    rows = "".join(f"{i / 12000:.6f},{i % 400 == 0:d},{x:.6f}\n" for i, x in enumerate(X[:3000]))
    (tmp_path / "normal" / "a.csv").write_text(f"time (s),tacho (V),acc (g)\n{rows}")
    (tmp_path / "format.json").write_text('{"tacho": "tacho (V)"}')
    (recording,) = read_class_folder(tmp_path)
    assert recording.channels == ("acc (g)",)
    np.testing.assert_allclose(recording.signal, X[None, :3000], atol=1e-5)
