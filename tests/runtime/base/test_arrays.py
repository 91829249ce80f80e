"""Arrays of strangers: what NumPy writes is read as NumPy reads it, all else is refused."""

from __future__ import annotations

import io
import resource
import zipfile
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.arrays import read_arrays
from dlrsd.runtime.base.formats import FormatError

ARRAYS = {
    "half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "single": np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "big-endian": np.arange(5, dtype=">f8"),
    "whole": np.arange(4),
    "bytes": np.arange(4, dtype=np.uint8),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.array(3.5),
}


def npz(arrays: dict[str, Any], *, packed: bool = True) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    return file.getvalue()


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def archive(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_they_are_what_numpy_reads(packed: bool) -> None:
    content = npz(ARRAYS, packed=packed)
    got = read_arrays(content)
    with np.load(io.BytesIO(content)) as expected:
        assert set(got) == set(expected.files)
        for name in expected.files:
            assert (got[name].dtype, got[name].shape) == (
                expected[name].dtype,
                expected[name].shape,
            )
            np.testing.assert_array_equal(got[name], expected[name])
            assert got[name].flags.writeable


def test_only_those_asked_for_are_unpacked() -> None:
    content = bytearray(npz({"a": np.ones(3), "b": np.ones(3)}, packed=False))
    at = content.index(np.ones(3).tobytes(), content.index(b"b.npy"))
    content[at] ^= 1
    assert list(read_arrays(bytes(content), ["a", "c"])) == ["a"]
    with pytest.raises(FormatError, match="Bad CRC-32"):
        read_arrays(bytes(content))


def lying(shape: str, descr: str = "<f4", size: int = 64) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(size)


HEAD = npy(np.ones(4, np.float32))
REFUSED = {
    "no archive": b"\x00" * 100,
    "empty": b"",
    "cut": npz(ARRAYS)[:-30],
    "objects": npz({"x": np.array([{"a": 1}, None], dtype=object)}),
    "texts": npz({"x": np.array(["a", "b"])}),
    "complex": npz({"x": np.ones(3, np.complex64)}),
    "records": npz({"x": np.zeros(3, [("a", "f4"), ("b", "i4")])}),
    "times": npz({"x": np.zeros(3, "M8[s]")}),
    "version 2": archive({"x.npy": npy(np.ones(3), version=(2, 0))}),
    "a pickle": archive({"x.npy": b"cos\nsystem\n(S'echo'\ntR."}),
    "claims more": archive({"x.npy": lying("(1000000000000,)")}),
    "claims less": archive({"x.npy": lying("(2,)")}),
    "overflows": archive({"x.npy": lying("(4294967296, 4294967296, 4294967296)")}),
    "negative": archive({"x.npy": lying("(-16,)")}),
    "an expression": archive({"x.npy": lying("(2**4,)")}),
    "a call": archive({"x.npy": lying("(exit(),)")}),
    "deep": archive({"x.npy": lying("(" * 400 + ")" * 400)}),
    "no dtype": archive({"x.npy": lying("(16,)", descr="<f1")}),
    "long header": archive({"x.npy": lying("(16,)" + " " * 1000)}),
    "cut array": archive({"x.npy": HEAD[:-2]}),
    "no array": archive({"x.npy": b""}),
    "bzip2": archive({"x.npy": HEAD}, zipfile.ZIP_BZIP2),
    "lzma": archive({"x.npy": HEAD}, zipfile.ZIP_LZMA),
    "many": archive({f"{i}.npy": b"" for i in range(4097)}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_none_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_arrays(REFUSED[name])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_name_twice_is_refused() -> None:
    content = npz({"aa": np.ones(3), "ab": np.ones(3)}).replace(b"ab.npy", b"aa.npy")
    with pytest.raises(FormatError, match="a name twice"):
        read_arrays(content)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    size = 300 << 20
    header = lying(f"({size // 4},)", size=0)
    content = archive({"x.npy": header + bytes(size)})
    assert len(content) < size / 500
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match=r"expected at most 268435456"):
        read_arrays(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_small_numbers_that_many_would_be_as_float32_are_refused() -> None:
    size = (64 << 20) + 1
    content = archive({"x.npy": lying(f"({size},)", "|i1", size)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match=r"has 67108865 numbers, expected at most 67108864"):
        read_arrays(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_a_bomb_that_denies_its_size_is_refused() -> None:
    """The archive's table says 128 bytes; what is unpacked ends there and its sum is wrong."""
    content = bytearray(archive({"x.npy": HEAD + bytes(1 << 20)}))
    stated = (len(HEAD) + (1 << 20)).to_bytes(4, "little")
    assert content.count(stated) == 2
    content = content.replace(stated, len(HEAD).to_bytes(4, "little"))
    with pytest.raises(FormatError, match="no readable arrays"):
        read_arrays(bytes(content))


def test_every_mutation_is_read_or_refused() -> None:
    rng = np.random.default_rng(0)
    whole = npz({"latent/0": np.ones((6, 2), np.float16), "texture/0": np.ones((6, 4), np.float16)})
    said: list[str] = []
    for _ in range(3000):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, size = int(rng.integers(len(content))), int(rng.integers(1, 20))
            part = content[at : at + size]
            content[at : at + size] = [b"", part + part, rng.bytes(size)][rng.integers(3)]
        try:
            read_arrays(bytes(content))
        except FormatError as error:
            said.append(str(error))
    assert len(said) > 2000
    assert not any("\n" in line for line in said)
