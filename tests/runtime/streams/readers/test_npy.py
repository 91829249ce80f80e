"""NumPy arrays, alone and in archives."""

import zipfile

import numpy as np
import pytest

from tests.runtime.streams.hostile import npy_of
from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8", "i1", ">i2", "<u4", "<i8"])
@pytest.mark.parametrize("is_tall", [False, True])
def test_types_and_layouts(tmp_path, order, dtype, is_tall):
    x = (X * 20 + 100).astype(dtype)
    np.save(tmp_path / "x.npy", np.asarray(x.T if is_tall else x, order=order))
    np.testing.assert_array_equal(opened(tmp_path / "x.npy").samples, x.astype("f4"))


@pytest.mark.parametrize(
    "shape",
    [(1200, 1024), (1024, 1200), (100, 1024), (65, 90_000), (32, 4096), (9, 1024), (12, 12)],
)
def test_windows_or_channels_is_asked(tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape, "i1"))
    refused(
        tmp_path / "x.npy",
        rf"shape \({shape[0]}, {shape[1]}\): (are these windows or channels|expected one axis)",
    )


@pytest.mark.parametrize("shape", [(1200, 1024), (1024, 1200), (2000, 16), (70, 9000)])
def test_channels_are_stated(tmp_path, shape):
    x = np.random.default_rng(0).normal(size=shape).astype("f4")
    np.save(tmp_path / "x.npy", x)
    got = opened(tmp_path / "x.npy", channels=min(shape))
    np.testing.assert_array_equal(got.samples, x if shape[0] < shape[1] else x.T)
    refused(tmp_path / "x.npy", "windows or channels", channels=max(shape))
    refused(tmp_path / "x.npy", "windows or channels", channels=7)


@pytest.mark.parametrize("shape", [(2, 500), (8, 1024), (3, 100), (16, 4096)])
def test_channels_are_clear(tmp_path, shape):
    x = np.random.default_rng(0).normal(size=shape)
    np.save(tmp_path / "x.npy", x)
    assert opened(tmp_path / "x.npy").samples.shape == shape


@pytest.mark.parametrize("is_tall", [False, True])
def test_a_clock_among_the_columns(tmp_path, is_tall):
    x = np.vstack([X[0], T, X[1]])
    np.save(tmp_path / "x.npy", x.T if is_tall else x)
    got = opened(tmp_path / "x.npy")
    assert got.rate == RATE
    np.testing.assert_array_equal(got.samples, X[:2])


def test_a_vector_of_structures(tmp_path):
    x = np.zeros(N, [("t", "f8"), ("de", "f4"), ("fe", "f4"), ("ok", "?")])
    x["t"], x["de"], x["fe"] = T, X[0], X[1]
    np.save(tmp_path / "x.npy", x)
    got = opened(tmp_path / "x.npy")
    assert (got.rate, got.names) == (RATE, ["de", "fe"])
    np.testing.assert_array_equal(got.samples, X[:2])
    assert opened(tmp_path / "x.npy", variable="fe").names == ["fe"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (X[0] + 1j, "complex numbers"),
        (X[0] > 0, "true or false"),
        (np.array(["a", "b"]), "texts"),
        (np.array([1, "a"], dtype=object), "Python objects"),
        (T[:10].astype("m8[s]"), "values of another kind"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.zeros((0, 3)), "no samples"),
    ],
)
def test_what_is_no_series_is_refused(tmp_path, value, said):
    np.save(tmp_path / "x.npy", value)
    refused(tmp_path / "x.npy", said)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("facts", [{"fs": RATE}, {"dt": 1 / RATE}, {"t": T}, {"time": T}])
def test_archives(tmp_path, save, facts):
    save(tmp_path / "x.npz", acc=X[:2], note="pump", rpm=1800, **facts)
    got = opened(tmp_path / "x.npz")
    assert (got.rate, got.names) == (pytest.approx(RATE), ["acc[0]", "acc[1]"])
    np.testing.assert_array_equal(got.samples, X[:2])


STAMPS = np.datetime64("2026-03-01T08:00:00", "ns") + np.rint(T * 1e9).astype("m8[ns]")


def test_time_stamps(tmp_path):
    rows = np.zeros(N, [("when", "M8[ns]"), ("acc", "f4")])
    rows["when"], rows["acc"] = STAMPS, X[0]
    np.save(tmp_path / "x.npy", rows)
    np.savez(tmp_path / "x.npz", index=STAMPS, acc=X[0])
    for name in ("x.npy", "x.npz"):
        got = opened(tmp_path / name)
        assert (got.rate, got.start, got.names) == (RATE, "2026-03-01T08:00:00", ["acc"])
    np.save(tmp_path / "x.npy", STAMPS)
    refused(tmp_path / "x.npy", "dates and no samples")


def test_members_of_an_archive_are_named(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, de=X[0], fe=X[1, :99], z=X[0] + 1j, labels=np.array(["a", "b"]))
    refused(path, r"different lengths: de \(4000\), fe \(99\)")
    got = opened(path, variable="fe")
    np.testing.assert_array_equal(got.samples, X[1:2, :99])
    assert "z holds complex numbers" in got.warnings[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.npy", npy_of("(100,)", size=400))
    refused(path, "x is packed by other means")


def test_units_in_names(tmp_path):
    rows = np.zeros(N, [("Time/ms", "f8"), ("acc (m/s^2)", "f4")])
    rows["Time/ms"], rows["acc (m/s^2)"] = T * 1e3, X[0]
    np.save(tmp_path / "x.npy", rows)
    np.savez(tmp_path / "x.npz", **{"Time/ms": T * 1e3, "acc (m/s^2)": X[0]})
    for name in ("x.npy", "x.npz"):
        got = opened(tmp_path / name)
        assert (got.names, got.unit, got.rate) == (["acc (m/s^2)"], "m/s2", RATE)


def test_a_column_of_structures_is_a_vector_of_them(tmp_path):
    rows = np.zeros((N, 1), [("t", "f8"), ("acc", "f4"), ("more", [("a", "f4")]), ("name", "U3")])
    rows["t"], rows["acc"] = T[:, None], X[0][:, None]
    np.save(tmp_path / "x.npy", rows)
    np.savez_compressed(tmp_path / "x.npz", rows=rows)
    for name in ("x.npy", "x.npz"):
        got = opened(tmp_path / name)
        assert got.rate == RATE
        np.testing.assert_array_equal(got.samples, X[:1])
        assert "more is a structure" in got.warnings[-1]
        assert "name holds texts" in got.warnings[-1]
    np.save(tmp_path / "x.npy", np.zeros((20, 30), [("a", "f4")]))
    refused(tmp_path / "x.npy", r"values of shape \(20, 30\)")


def test_a_start_as_a_date(tmp_path):
    start = np.datetime64("2026-03-01T08:00:00")
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", acc=X[0], fs=RATE, start_time=start)
        got = opened(tmp_path / "x.npz")
        assert (got.rate, got.start) == (RATE, "2026-03-01T08:00:00+00:00")
