"""A file's kind is told by content and suffix together; nothing falls back to raw samples."""

import bz2
import gzip
import io
import json
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
import soundfile

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.registry import open_file
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream

SPEC = SignalSpec(rate_hz=12000.0, unit="g", channels=1)
X = np.random.default_rng(0).normal(size=5000).astype("<f4")
CSV = b"time,acc\n" + b"".join(b"%.6f,%.4f\n" % (i / 12000, X[i]) for i in range(1000))


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return out.getvalue()


def tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        info = tarfile.TarInfo("a.csv")
        info.size = len(CSV)
        file.addfile(info, io.BytesIO(CSV))
    return out.getvalue()


FOREIGN = {
    "a.xlsx": (archive(xl__workbook_dot_xml="<x/>"), "an Excel workbook.*save the sheet as CSV"),
    "a.csv": (archive(xl__workbook_dot_xml="<x/>"), "an Excel workbook.*save the sheet as CSV"),
    "a.ods": (
        archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        "spreadsheet.*save the sheet as CSV",
    ),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "Microsoft Office.*as CSV"),
    "a.zip": (archive(a_dot_csv=CSV), "a ZIP archive.*unpack it"),
    "a.csv.gz": (gzip.compress(CSV), "a gzip archive.*unpack it"),
    "a.csv.bz2": (bz2.compress(CSV), "a bzip2 archive.*unpack it"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(100), "a 7z archive.*unpack it"),
    "a.rar": (b"Rar!\x1a\x07\x01\0" + bytes(100), "a RAR archive.*unpack it"),
    "a.tar": (tar(), "a tar archive.*unpack it"),
    "a.pdf": (b"%PDF-1.7\n%\xe2\xe3\n" + bytes(100), "a PDF"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
    "a.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100), "a picture"),
    "a.json": (json.dumps({"fs": 12000, "x": [1, 2, 3]}).encode(), "a JSON file"),
    "b.txt": (json.dumps([{"x": 1}]).encode(), "a JSON file"),
    "a.html": (b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table>", "a web page"),
    "login.csv": (b"<html><body>Please log in</body></html>", "a web page"),
    "a.xml": (b"<?xml version='1.0'?><data><v>1</v></data>", "an XML file"),
    "a.pkl": (pickle.dumps(X), "a Python pickle"),
    "a.mf4": (b"MDF     4.10    " + bytes(100), "an ASAM MDF file"),
    "a.feather": (b"ARROW1\0\0" + bytes(100), "an Arrow"),
    "a.caf": (b"caff\0\1" + bytes(100), "a CAF sound file.*save it as WAV"),
    "a.hdf": (b"\x0e\x03\x13\x01" + bytes(100), "an HDF4 file.*save it as HDF5"),
    "a.csv.lz4": (b"\x04\x22\x4d\x18" + bytes(100), "an LZ4 archive.*unpack it"),
    "a.csv.lnk": (b"L\0\0\0\1\x14\2\0" + bytes(100), "a shortcut"),
    "a.rds": (b"RDX3\nX\n" + bytes(100), "a file of R"),
    "a.pt": (archive(a__data_dot_pkl=pickle.dumps(X)), "a file of PyTorch"),
    "lfs.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
    "readme.txt": (b"Recorded at the pump, by the night shift.\n" * 20, "no rows of numbers"),
    "notes": (b"Run 1: 1500 rpm, outer race\nRun 2: 1480 rpm, healthy\n", "holds no"),
    "readme.md": (b"# Data\n\n- 3 runs, 2 sensors\n- 12 kHz\n", "holds no"),
    "x.dat": (X.tobytes(), "of no known kind: .*state their dtype"),
    "x": (X.tobytes(), "of no known kind: .*state their dtype"),
    "x.pcm": (X.tobytes(), "of no known kind: .*state their dtype"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_recording_is_refused_by_name(tmp_path, name):
    data, match = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(NoRecordingError, match=match) as caught:
        open_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_begins_as_samples_might_is_told_by_its_name_too(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\xff\xfb\x90\0" + bytes(100))
    with pytest.raises(NoRecordingError, match="a compressed sound file"):
        open_file(path)


@pytest.mark.parametrize(
    "name", [n for n, (data, _) in FOREIGN.items() if len(data) > 40 and n != "readme.md"]
)
def test_raw_by_its_name_and_something_else_by_its_content(tmp_path, name):
    data, _ = FOREIGN[name]
    path = tmp_path / "stream.bin"
    path.write_bytes(data)
    if data == X.tobytes():
        assert open_file(path) is None
        return
    with pytest.raises(NoRecordingError, match=r"named like raw samples, but is .*state dtype if"):
        open_file(path)
    with open_stream(path, StreamFormat(dtype="s16le"), default=SPEC) as stream:
        assert stream.description["kind"] == "raw"


def write_kind(path, kind):
    if kind == "HDF5":
        with h5py.File(path, "w") as file:
            file["x"] = X
    elif kind == "WAV":
        soundfile.write(path, X / 8, 12000, subtype="FLOAT", format="WAV")
    elif kind == "NPY":
        with path.open("wb") as file:
            np.save(file, X)
    elif kind == "MAT":
        with path.open("wb") as file:
            scipy.io.savemat(file, {"x": X})
    else:
        path.write_bytes(CSV)


@pytest.mark.parametrize("kind", ["HDF5", "WAV", "NPY", "MAT", "CSV"])
@pytest.mark.parametrize("name", ["x", "x.data", "2003.10.22.12.06.24"])
def test_a_name_that_says_nothing_leaves_it_to_the_content(tmp_path, kind, name):
    write_kind(tmp_path / name, kind)
    assert open_file(tmp_path / name).kind == kind


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        (
            "x.csv",
            "HDF5",
            r"named like CSV, but is a HDF5 file by its content: rename it .* to .h5",
        ),
        ("x.txt", "WAV", "named like CSV, but is a WAV file by its content"),
        ("x.wav", "CSV", "named like WAV, but is a text: rename it from .wav to .csv"),
        ("x.mat", "CSV", "named like MAT, but is a text"),
        ("x.h5", "MAT", "named like HDF5, but is a MAT file"),
        ("x.bin", "HDF5", "named like raw samples, but is a HDF5 file"),
        ("x.bin", "CSV", "named like raw samples, but is a text"),
    ],
)
def test_a_name_that_says_another_kind_than_the_content_is_refused(tmp_path, name, kind, match):
    write_kind(tmp_path / name, kind)
    with pytest.raises(InputError, match=match):
        open_file(tmp_path / name)


@pytest.mark.parametrize("name", ["x.bin", "x.raw", "x.f32"])
def test_raw_by_convention(tmp_path, name):
    (tmp_path / name).write_bytes(X.tobytes())
    with open_stream(tmp_path / name, default=SPEC) as stream:
        assert stream.description["kind"] == "raw"
        np.testing.assert_array_equal(next(stream.chunks).samples[0], X)


@pytest.mark.parametrize("name", ["x.dat", "x", "x.pcm", "x.zip", "x.txt", "x.csv"])
def test_a_dtype_says_raw(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(X.tobytes())
    with open_stream(path, StreamFormat(dtype="f32le"), default=SPEC) as stream:
        np.testing.assert_array_equal(next(stream.chunks).samples[0], X)
    path.with_name(f"{name}.json").write_text('{"dtype": "f32le"}')
    with open_stream(path, default=SPEC) as stream:
        np.testing.assert_array_equal(next(stream.chunks).samples[0], X)


@pytest.mark.parametrize("name", ["x.csv", "x.h5", "x.wav"])
def test_a_dtype_contradicts_a_file_that_states_its_own(tmp_path, name):
    write_kind(tmp_path / name, {"x.csv": "CSV", "x.h5": "HDF5", "x.wav": "WAV"}[name])
    with pytest.raises(InputError, match=r"option dtype is f32le, but .* states its own: omit it"):
        open_stream(tmp_path / name, StreamFormat(dtype="f32le"), default=SPEC)


def test_a_table_by_any_name_is_read_as_one(tmp_path):
    for name in ("x", "x.txt", "x.dat", "x.asc", "x.tsv", "x.log", "x.TXT"):
        (tmp_path / name).write_bytes(CSV)
        source = open_file(tmp_path / name)
        assert (source.kind, source.rate_hz) == ("CSV", 12000), name
        source.close()
