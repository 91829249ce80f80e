"""Deflated arrays in MAT and NPZ: read right in pieces, in memory that does not grow with them."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
import scipy.io

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.packed import Inflater, PackedArray
from tests.runtime.streams.readers.opened import refused


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(70_000,), (70_000, 3), (3, 70_000), (1, 70_000), (70_000, 1)])
@pytest.mark.parametrize("form", [15, -15])
def test_pieces_are_those_of_the_whole(path, order, shape, form):
    whole = np.random.default_rng(0).integers(0, 1 << 20, shape).astype("f8")
    packer = zlib.compressobj(1, zlib.DEFLATED, form)
    data = packer.compress(b"header" + whole.tobytes(order)) + packer.flush()
    path.write_bytes(b"before" + data + b"after")
    start = Inflater(path, 6, len(data), form)
    array = PackedArray(start, 6, whole.dtype, shape, order)
    is_wide = len(shape) == 2 and shape[1] > shape[0]
    for begin, end in [(0, 1000), (0, 65_536), (65_536, 131_072), (0, 7), (69_999, 70_000), (5, 9)]:
        where = (slice(None), slice(begin, end)) if is_wide else slice(begin, end)
        np.testing.assert_array_equal(array[where], whole[where])


def test_fewer_bytes_than_said_are_refused(path):
    data = zlib.compress(bytes(8 * 900))
    path.write_bytes(data)
    array = PackedArray(Inflater(path, 0, len(data)), 0, np.dtype("f8"), (1000,), "C")
    assert not array[:900].any()
    with pytest.raises(InputError, match="ends before it should"):
        array[900:]
    path.write_bytes(data[:10])
    with pytest.raises(InputError, match="ends before it should"):
        PackedArray(Inflater(path, 0, 10), 0, np.dtype("f8"), (900,), "C")[:900]


CODE = """
import sys; from pathlib import Path; import numpy as np, h5py, scipy.io, pyarrow.compute
from dlrsd.runtime.streams.readers.registry import open_file
def peak():
    return next(int(line.split()[1]) for line in open('/proc/self/status') if line[:5] == 'VmHWM')
open_file(Path(sys.argv[1])).close()
before = peak()
n, total = 0, np.zeros(2)
for chunk in open_file(Path(sys.argv[2])).chunks:
    n += chunk.samples.shape[1]
    total += chunk.samples.sum(axis=1, dtype='f8')
print(n, *total, peak() - before)
"""


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
def test_memory_stays_constant(tmp_path, suffix):
    x = np.random.default_rng(0).normal(size=(2, 3_000_000)).astype("f4")
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    for path, some in ((small, x[:, :1000]), (large, x)):
        if suffix == ".npz":
            np.savez_compressed(path, x=some)
        else:
            scipy.io.savemat(path, {"x": some.T}, do_compression=True)
    got = subprocess.run(
        [sys.executable, "-c", CODE, str(small), str(large)], capture_output=True, text=True
    )
    n, *total, kib = map(float, got.stdout.split())
    assert n == 3_000_000
    assert total == pytest.approx(x.sum(axis=1, dtype="f8").tolist())
    assert kib * 1024 < x.nbytes / 3


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
@pytest.mark.parametrize("width", [1, 2])
def test_a_wrong_checksum_is_said(tmp_path, suffix, width):
    path = tmp_path / f"x{suffix}"
    x = np.random.default_rng(0).normal(size=(9000 // width, width))
    if suffix == ".npz":
        np.savez_compressed(path, x=np.asfortranarray(x))
    else:
        scipy.io.savemat(path, {"x": x}, do_compression=True)
    data = bytearray(path.read_bytes())
    data[30_000] ^= 1
    path.write_bytes(data)
    refused(path, "incorrect data check|checksum of an array is wrong|invalid")
