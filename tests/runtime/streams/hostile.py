"""Small files that claim, hide or repeat too much: what each reader of arrays has to stand.

`HOSTILE` has what makes each, by the name of its file. None is larger than a few megabytes, and
each is made within a second.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.io

HOSTILE: dict[str, Callable[[Path], None]] = {}


def hostile(name: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def keep(make: Callable[[Path], None]) -> Callable[[Path], None]:
        HOSTILE[name] = make
        return make

    return keep


def zeros_packed(count: int) -> bytes:
    """So many zeros, packed a thousandfold."""
    packer, piece = zlib.compressobj(1), bytes(1 << 20)
    parts = [
        packer.compress(piece[: min(len(piece), count - at)]) for at in range(0, count, 1 << 20)
    ]
    return b"".join([*parts, packer.flush()])


# HDF5


@hostile("says_more_than_it_wrote.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", (10**12,), "f4")


@hostile("fills_in.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", (10**12,), "f4", chunks=(4096,), fillvalue=0.5)


@hostile("wrote_the_last_of_many.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", (10**12,), "f4", chunks=(4096,))[-10:] = 1


@hostile("chunk_of_gigabytes.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        item = file.create_dataset("acc", (1 << 29,), "f4", chunks=(1 << 29,), compression="gzip")
        item.id.write_direct_chunk((0,), zeros_packed(1 << 20))


@hostile("chunk_that_unpacks_to_more.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        item = file.create_dataset("acc", (1024,), "f4", chunks=(1024,), compression="gzip")
        item.id.write_direct_chunk((0,), zeros_packed(1 << 28))


@hostile("fact_that_unpacks_to_more.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        item = file.create_dataset("fs", (1,), "f4", chunks=(1,), compression="gzip")
        item.id.write_direct_chunk((0,), zeros_packed(1 << 28))
        file["acc"] = np.ones(100)


@hostile("packed_a_thousandfold.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        item = file.create_dataset("acc", (1 << 27,), "f4", chunks=(1 << 22,), compression="gzip")
        chunk = zeros_packed(1 << 24)
        for begin in range(0, 1 << 27, 1 << 22):
            item.id.write_direct_chunk((begin,), chunk)


@hostile("lzf_of_megabytes.h5")
def _(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", data=noise, chunks=(1 << 20,), compression="lzf")


@hostile("packed_by_another_filter.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", data=np.arange(9999), chunks=(1000,), scaleoffset=0)


@hostile("virtual.h5")
def _(path: Path) -> None:
    layout = h5py.VirtualLayout((4096,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "acc", (4096,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("acc", layout)


@hostile("virtual_and_damaged.h5")
def _(path: Path) -> None:
    HOSTILE["virtual.h5"](path)
    data = bytearray(path.read_bytes())
    begin = data.index(b"GCOL") + 0x6C  # where it says how many blocks are mapped
    data[begin : begin + 20] = bytes.fromhex("00ff0f0000f53ad7200000000000000000000000")
    path.write_bytes(data)


@hostile("external_storage.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("acc", (64,), "u1", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


@hostile("external_link.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["acc"] = h5py.ExternalLink("/etc/passwd", "/acc")


@hostile("links_in_a_circle.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        group = file.create_group("g")
        group["self"], group["root"] = group, file["/"]


@hostile("too_many_groups.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        for i in range(10_001):
            file.create_group(str(i))


@hostile("groups_in_groups.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")


@hostile("too_many_attributes.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        item = file.create_dataset("acc", data=np.ones(100))
        for i in range(1001):
            item.attrs[str(i)] = i


@hostile("long_attribute.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["acc"] = np.ones(3)
        file["acc"].attrs["fs"] = np.zeros(1 << 17)


@hostile("more_channels_than_time.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["acc"] = np.zeros((5000, 6000), "i1")[:, ::30]


@hostile("no_samples.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (0,), "f4")
        file.create_dataset("b", (0, 3), "f4", maxshape=(None, 3))
        file["c"] = h5py.Empty("f4")


@hostile("names_of_many_lines.h5")
def _(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a\nerror: b"] = np.ones(100)
        file["c" * 5000] = np.ones(100) + 1j


@hostile("times_that_fall_beyond_all_bounds.h5")
def _(path: Path) -> None:
    times = np.arange(1500) / 12000
    times[-18:] = -(10.0 ** np.arange(-160, 290, 25))
    with h5py.File(path, "w") as file:
        file["time"], file["acc"] = times, np.ones(1500)


@hostile("times_set_back_by_all_bounds.h5")
def _(path: Path) -> None:
    times = np.arange(70_000) / 12000
    times[-18:] = -(10.0 ** np.arange(-160, 290, 25))
    with h5py.File(path, "w") as file:
        file["time"], file["acc"] = times, np.ones(70_000)


# MATLAB


def mat5(*elements: bytes) -> bytes:
    return (
        b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + b"".join(elements)
    )


def part(kind: int, data: bytes, said: int | None = None) -> bytes:
    said = len(data) if said is None else said
    return struct.pack("<II", kind, said) + data + bytes(-len(data) % 8)


def matrix(
    shape: tuple[int, ...],
    data: bytes,
    *,
    kind: int = 6,
    name: str = "acc",
    said: int | None = None,
) -> bytes:
    """A matrix element; `data` holds its parts after the name."""
    parts = part(6, struct.pack("<II", kind, 0)) + part(5, struct.pack(f"<{len(shape)}i", *shape))
    parts += part(1, name.encode()) + data
    return part(14, parts, said)


@hostile("bomb.mat")
def _(path: Path) -> None:
    count = 1 << 28
    inner = matrix((count, 1), struct.pack("<II", 2, count))[8:]
    packer = zlib.compressobj(1)
    data = packer.compress(struct.pack("<II", 14, len(inner) + count) + inner)
    piece = bytes(1 << 20)
    data += b"".join(packer.compress(piece) for _ in range(count >> 20)) + packer.flush()
    path.write_bytes(mat5(part(15, data)))


@hostile("bomb_behind_a_small_claim.mat")
def _(path: Path) -> None:
    inner = matrix((4, 1), part(9, bytes(32)))
    packed = zlib.compress(inner + bytes(1 << 27), 1)
    path.write_bytes(mat5(part(15, packed)))


@hostile("claims_more_than_its_element.mat")
def _(path: Path) -> None:
    path.write_bytes(mat5(matrix((1 << 30, 1), struct.pack("<II", 9, 1 << 31) + bytes(64))))


@hostile("packed_claims_more_than_its_element.mat")
def _(path: Path) -> None:
    inner = matrix((1 << 28, 1), struct.pack("<II", 9, 1 << 31) + bytes(64), said=0xFFFFFFF0)
    path.write_bytes(mat5(part(15, zlib.compress(inner))))


@hostile("negative_axes.mat")
def _(path: Path) -> None:
    path.write_bytes(mat5(matrix((-4, -4), part(9, bytes(128)))))


@hostile("overflowing_axes.mat")
def _(path: Path) -> None:
    path.write_bytes(mat5(matrix((1 << 30, 1 << 30, 1 << 30), part(9, bytes(128)))))


@hostile("structure_in_structures.mat")
def _(path: Path) -> None:
    element = matrix((8, 1), part(9, bytes(64)), name="")
    for _ in range(500):
        fields = struct.pack("<HHI", 5, 4, 8) + part(1, b"f".ljust(8, b"\0"))
        element = matrix((1, 1), fields + element, kind=2, name="")
    path.write_bytes(mat5(element[:8] + element[8:].replace(part(1, b""), part(1, b"acc"), 1)))


@hostile("structure_of_endless_fields.mat")
def _(path: Path) -> None:
    fields = struct.pack("<HHI", 5, 4, 1) + part(1, b"f" * 4000)
    path.write_bytes(mat5(matrix((1, 1), fields, kind=2)))


@hostile("old_and_long.mat")
def _(path: Path) -> None:
    path.write_bytes(struct.pack("<5i", 0, 2_000_000_000, 1, 0, 4) + b"acc\0" + bytes(800))


@hostile("old_and_negative.mat")
def _(path: Path) -> None:
    path.write_bytes(struct.pack("<5i", 0, -7, 100, 0, 4) + b"acc\0" + bytes(800))


@hostile("external_storage.mat")
def _(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("acc", (64,), "u1", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


# NumPy


def npy_header(text: str, version: int = 1) -> bytes:
    size = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes((version, 0)) + size + text.encode() + b"\n"


def npy_of(shape: str, dtype: str = "<f4", size: int = 4096) -> bytes:
    return npy_header(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}") + bytes(
        size
    )


@hostile("claims_more_than_it_holds.npy")
def _(path: Path) -> None:
    path.write_bytes(npy_of("(1000000000000,)"))


@hostile("negative_shape.npy")
def _(path: Path) -> None:
    path.write_bytes(npy_of("(-1,)"))


@hostile("overflowing_shape.npy")
def _(path: Path) -> None:
    path.write_bytes(npy_of("(4294967296, 4294967296)"))


@hostile("header_of_gigabytes.npy")
def _(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY\x02\0" + struct.pack("<I", 0xFFFFFFF0) + bytes(1000))


@hostile("header_in_brackets.npy")
def _(path: Path) -> None:
    path.write_bytes(npy_header("(" * 4000 + ")" * 4000))


@hostile("pickled.npy")
def _(path: Path) -> None:
    data = pickle.dumps(np.array([print], dtype=object))
    path.write_bytes(npy_of("(1,)", "|O", 0) + data)


@hostile("bomb.npz")
def _(path: Path) -> None:
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("acc.npy", "w") as file:
        file.write(npy_of(f"({1 << 26},)", size=0))
        for _ in range(256):
            file.write(bytes(1 << 20))


@hostile("says_it_is_small.npz")
def _(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("acc.npy", npy_of("(33554432,)", size=1 << 27))
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 5000)
    path.write_bytes(data)


@hostile("claims_more_than_it_holds.npz")
def _(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("acc.npy", npy_of("(1000000000000,)"))


@hostile("pickled.npz")
def _(path: Path) -> None:
    np.savez(path, acc=np.array([print], dtype=object))


@hostile("escapes.npz")
def _(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../etc/passwd", b"text")
        archive.writestr("/etc/shadow.npy", b"text")


# TDMS


def segment(
    metadata: bytes, data: bytes = b"", *, toc: int = 0x0E, next_offset: int | None = None
) -> bytes:
    whole = len(metadata) + len(data) if next_offset is None else next_offset
    return b"TDSm" + struct.pack("<IIQQ", toc, 4713, whole, len(metadata)) + metadata + data


def tdms_text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


def tdms_object(
    path: str, kind: int = 9, count: int = 0, properties: bytes = struct.pack("<I", 0)
) -> bytes:
    return tdms_text(path) + struct.pack("<IIIQ", 20, kind, 1, count) + properties


def tdms_property(name: str, kind: int, value: bytes) -> bytes:
    return tdms_text(name) + struct.pack("<I", kind) + value


def _one(body: bytes) -> bytes:
    return struct.pack("<I", 1) + body


@hostile("claims_more_than_it_holds.tdms")
def _(path: Path) -> None:
    path.write_bytes(segment(_one(tdms_object("/'g'/'a'", count=1 << 60)), bytes(4000)))


@hostile("overflowing_count.tdms")
def _(path: Path) -> None:
    path.write_bytes(segment(_one(tdms_object("/'g'/'a'", count=(1 << 64) - 1)), bytes(4000)))


@hostile("rows_that_overflow.tdms")
def _(path: Path) -> None:
    body = struct.pack("<I", 2) + tdms_object("/'g'/'a'", count=1 << 61)
    path.write_bytes(segment(body + tdms_object("/'g'/'b'", count=1 << 61), bytes(400), toc=0x2E))


@hostile("objects_without_end.tdms")
def _(path: Path) -> None:
    path.write_bytes(segment(struct.pack("<I", 0xFFFFFFFF) + tdms_object("/'g'/'a'", count=9)))


@hostile("text_without_end.tdms")
def _(path: Path) -> None:
    path.write_bytes(segment(_one(struct.pack("<I", 0xFFFFFFFF) + b"/'g'")))


@hostile("properties_without_end.tdms")
def _(path: Path) -> None:
    body = tdms_object("/'g'/'a'", count=10, properties=struct.pack("<I", 0xFFFFFFFF))
    path.write_bytes(segment(_one(body), bytes(40)))


@hostile("as_never_before.tdms")
def _(path: Path) -> None:
    path.write_bytes(segment(_one(tdms_text("/'g'/'a'") + struct.pack("<II", 0, 0)), bytes(40)))


@hostile("segments_of_nothing.tdms")
def _(path: Path) -> None:
    path.write_bytes(
        segment(_one(tdms_object("/'g'/'a'", count=4)), bytes(16)) + segment(b"", toc=0) * 99_999
    )


@hostile("segments_of_many_channels.tdms")
def _(path: Path) -> None:
    objects = b"".join(tdms_object(f"/'g'/'{i}'", count=1) for i in range(2000))
    first = segment(struct.pack("<I", 2000) + objects, bytes(8000))
    path.write_bytes(first + segment(b"", b"", toc=0x08) * 60_000)


@hostile("metadata_of_gigabytes.tdms")
def _(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"TDSm" + struct.pack("<IIQQ", 0x0E, 4713, 1 << 31, 1 << 31))
        file.truncate(28 + (1 << 31))


@hostile("scales_without_end.tdms")
def _(path: Path) -> None:
    count = tdms_property("NI_Number_Of_Scales", 7, struct.pack("<I", 2_000_000_000))
    body = tdms_object("/'g'/'a'", count=10, properties=_one(count))
    path.write_bytes(segment(_one(body), bytes(40)))


@hostile("scale_of_itself.tdms")
def _(path: Path) -> None:
    properties = [
        tdms_property("NI_Number_Of_Scales", 7, struct.pack("<I", 1)),
        tdms_property("NI_Scale[0]_Scale_Type", 0x20, tdms_text("Linear")),
        tdms_property("NI_Scale[0]_Linear_Slope", 10, struct.pack("<d", 2)),
        tdms_property("NI_Scale[0]_Linear_Y_Intercept", 10, struct.pack("<d", 2)),
        tdms_property("NI_Scale[0]_Linear_Input_Source", 7, struct.pack("<I", 0)),
    ]
    said = struct.pack("<I", len(properties)) + b"".join(properties)
    path.write_bytes(segment(_one(tdms_object("/'g'/'a'", count=10, properties=said)), bytes(40)))


@hostile("raw_values_beyond_their_row.tdms")
def _(path: Path) -> None:
    scaler = struct.pack("<5I", 3, 0, 4000, 0, 0)
    index = struct.pack("<IIIQI", 0x1269, 0xFFFFFFFF, 1, 100, 1) + scaler + struct.pack("<II", 1, 2)
    path.write_bytes(
        segment(_one(tdms_text("/'g'/'a'") + index + struct.pack("<I", 0)), bytes(200))
    )


# UFF


def uff58(
    count: int,
    values: bytes,
    *,
    kind: str = "58",
    value_type: int = 2,
    even: int = 1,
    step: float = 1 / 12000,
) -> bytes:
    lines = [
        "    -1", f"{kind:>6}" if "b" not in kind else kind, *["NONE"] * 5,
        f"{1:5}{0:10}{0:5}{0:10} {'NONE':10}{1:10}{3:4} {'NONE':10}{1:10}{3:4}",
        f"{value_type:10}{count:10}{even:10}{0:13.5e}{step:13.5e}{0:13.5e}",
        f"{17:10}{0:5}{0:5}{0:5} {'Time':20} {'s':20}",
        f"{12:10}{0:5}{0:5}{0:5} {'Acc':20} {'g':20}",
        *[f"{0:10}{0:5}{0:5}{0:5} {'NONE':20} {'NONE':20}"] * 2,
    ]  # fmt: skip
    return "\n".join(lines).encode() + b"\n" + values + b"    -1\n"


@hostile("claims_more_than_it_holds.uff")
def _(path: Path) -> None:
    path.write_bytes(uff58(999_999_999, b" 1.00000e+00" * 6 + b"\n"))


@hostile("negative_count.uff")
def _(path: Path) -> None:
    path.write_bytes(uff58(-5, b" 1.00000e+00" * 6 + b"\n"))


@hostile("binary_without_end.uff")
def _(path: Path) -> None:
    kind = f"    58b{1:6}{2:6}{11:12}{10**11:12}{0:6}{0:6}{0:12}{0:12}"
    path.write_bytes(uff58(10**9, bytes(400), kind=kind))


@hostile("words_for_numbers.uff")
def _(path: Path) -> None:
    path.write_bytes(uff58(60, b"     one     two   three\n" * 10))


@hostile("too_many_sets.uff")
def _(path: Path) -> None:
    path.write_bytes(uff58(2, b"  1.00000e+00 -1.00000e+00\n") * 10_001)


@hostile("marks_without_sets.uff")
def _(path: Path) -> None:
    path.write_bytes(b"    -1\n" * 300_000)


# Sound


def wav(
    data: bytes,
    *,
    said: int | None = None,
    channels: int = 1,
    rate: int = 12_000,
    before: bytes = b"",
    form: bytes = b"RIFF",
) -> bytes:
    """16-bit samples; `before` holds chunks before those of the format."""
    said = len(data) if said is None else said
    frame = 2 * channels & 0xFFFF
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * frame, frame, 16)
    body = b"WAVE" + before + fmt + b"data" + struct.pack("<I", said) + data
    return form + struct.pack("<I", min(len(body), 0xFFFFFFFF)) + body


@hostile("no_channels.wav")
def _(path: Path) -> None:
    path.write_bytes(wav(bytes(400), channels=0))


@hostile("too_many_channels.wav")
def _(path: Path) -> None:
    path.write_bytes(wav(bytes(400), channels=65535))


@hostile("no_rate.wav")
def _(path: Path) -> None:
    path.write_bytes(wav(np.arange(200, dtype="<i2").tobytes(), rate=0))


@hostile("chunks_without_end.wav")
def _(path: Path) -> None:
    path.write_bytes(wav(bytes(400), before=struct.pack("<4sI", b"JUNK", 0) * 100_000))


@hostile("chunk_beyond_the_end.wav")
def _(path: Path) -> None:
    path.write_bytes(wav(bytes(400), before=struct.pack("<4sI", b"bext", 0xFFFFFFF0)))


@hostile("claims_more_than_it_holds.flac")
def _(path: Path) -> None:
    info = struct.pack(">HH", 4096, 4096) + bytes(6)
    info += ((12_000 << 44) | (15 << 36) | ((1 << 36) - 1)).to_bytes(8, "big") + bytes(16)
    path.write_bytes(b"fLaC" + bytes((0x80, 0, 0, len(info))) + info + bytes(4000))


def savemat_bytes(contents: dict[str, object], **options: bool) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, contents, **options)
    return file.getvalue()
