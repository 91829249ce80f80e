"""Files that are no recordings, told by how they begin: what they are, and what would help."""

from __future__ import annotations

import re

from msgspec import Struct

_UNPACK = "unpack it, and give the recording inside"
_AS_CSV = "save the sheet as CSV, and give that"
_PICTURE = "give the samples it was drawn from"


class Foreign(Struct, frozen=True):
    """What a file is that no reader opens, in words that follow "is", and what to do instead."""

    what: str
    advice: str


# (offset, bytes there, what it is). Of bytes that samples could be by chance, more is asked below.
_MAGIC: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", Foreign("a 7z archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", Foreign("a RAR archive", _UNPACK)),
    (0, b"\xfd7zXZ\x00", Foreign("an xz archive", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Foreign("a Zstandard archive", _UNPACK)),
    (0, b"MSCF\x00\x00\x00\x00", Foreign("a CAB archive", _UNPACK)),
    (257, b"ustar", Foreign("a tar archive", _UNPACK)),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Foreign("an old Microsoft Office file (such as .xls) or Thumbs.db", _AS_CSV),
    ),
    (0, b"%PDF-", Foreign("a PDF", _PICTURE)),
    (0, b"{\\rtf", Foreign("an RTF text", "give the recording")),
    (0, b"%!PS", Foreign("a PostScript file", _PICTURE)),
    (0, b"\x89PNG\r\n\x1a\n", Foreign("a picture (PNG)", _PICTURE)),
    (0, b"\xff\xd8\xff", Foreign("a picture (JPEG)", _PICTURE)),
    (0, b"GIF89a", Foreign("a picture (GIF)", _PICTURE)),
    (0, b"II*\x00", Foreign("a picture (TIFF)", _PICTURE)),
    (0, b"MM\x00*", Foreign("a picture (TIFF)", _PICTURE)),
    (8, b"WEBP", Foreign("a picture (WebP)", _PICTURE)),
    (0, b"\x00\x00\x00\x01Bud1", Foreign("a .DS_Store of macOS", "give the recording")),
    (4, b"ftyp", Foreign("a video or sound file (MP4)", "give an uncompressed recording")),
    (0, b"OggS", Foreign("a compressed sound file (Ogg)", "give an uncompressed recording")),
    (0, b"ID3\x03", Foreign("a compressed sound file (MP3)", "give an uncompressed recording")),
    (0, b"ID3\x04", Foreign("a compressed sound file (MP3)", "give an uncompressed recording")),
    (8, b"AVI ", Foreign("a video (AVI)", "give the recording")),
    (0, b"SQLite format 3\x00", Foreign("an SQLite database", "export the samples as Parquet")),
    (0, b"ARROW1\x00\x00", Foreign("an Arrow (Feather) file", "save the table as Parquet")),
    (0, b"ORC\x03", Foreign("an ORC file", "save the table as Parquet")),
    (0, b"Obj\x01", Foreign("an Avro file", "save the table as Parquet")),
    (0, b"MDF     ", Foreign("an ASAM MDF file", "export the channels as MAT, HDF5 or CSV")),
    (0, b"UnFinMF ", Foreign("an unfinished ASAM MDF file", "export the channels as MAT or CSV")),
    (0, b"CDF\x01", Foreign("a classic NetCDF file", "save it as NetCDF-4 or HDF5")),
    (0, b"CDF\x02", Foreign("a classic NetCDF file", "save it as NetCDF-4 or HDF5")),
    (0, b"\x7fELF", Foreign("a program", "give the recording")),
    (0, b"SIMPLE  =", Foreign("a FITS file", "save the samples as HDF5 or CSV")),
    (0, b".snd", Foreign("an AU sound file", "save it as WAV")),
    (0, b"caff\x00\x01", Foreign("a CAF sound file", "save it as WAV or FLAC")),
    (0, b"\x0e\x03\x13\x01", Foreign("an HDF4 file", "save it as HDF5")),
    (0, b"\x04\x22\x4d\x18", Foreign("an LZ4 archive", _UNPACK)),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", Foreign("a shortcut", "give the file it leads to")),
    (0, b"RDX3\n", Foreign("a file of R", "save the samples as CSV or Parquet")),
)
_ARCHIVED = (
    (r"xl/|\[Content_Types\]\.xml.*xl/", Foreign("an Excel workbook", _AS_CSV)),
    (r"opendocument\.spreadsheet", Foreign("an OpenDocument spreadsheet", _AS_CSV)),
    (r"word/|opendocument\.text|ppt/", Foreign("an office document", "give the recording")),
    (r"/data\.pkl", Foreign("a file of PyTorch", "save its arrays as .npy: this one can run code")),
    (r"\.npy\b", Foreign("an archive of NumPy arrays", "save one of its arrays as .npy")),
)


def foreign_kind(head: bytes, size: int, suffix: str) -> Foreign | None:
    """What a file that begins with these bytes is, where it is nothing a reader opens.

    Parameters
    ----------
    head : bytes
        The first few thousand of a file that is not text.
    size : int
        Bytes of the whole file.
    suffix : str
        In lower case, with its dot.
    """
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archived(head, suffix)
    if head[:3] == b"\x1f\x8b\x08" and head[3:4] < b"\x20":
        return Foreign("a gzip archive", _UNPACK)
    if re.match(rb"BZh[1-9]1AY&SY", head):
        return Foreign("a bzip2 archive", _UNPACK)
    if head[:2] == b"BM" and int.from_bytes(head[2:6], "little") == size:
        return Foreign("a picture (BMP)", _PICTURE)
    if re.match(rb"\x80[\x02-\x05](\x95.{8})?[}\](c\x8c]", head, re.DOTALL):
        return Foreign("a Python pickle", "save the arrays as .npy or HDF5: a pickle can run code")
    if suffix == ".mp3" and head[:1] == b"\xff":
        return Foreign("a compressed sound file (MP3)", "give an uncompressed recording")
    if head[:2] == b"MZ" and b"This program" in head[:256]:
        return Foreign("a program", "give the recording")
    return None


def foreign_text(text: str) -> Foreign | None:
    """The same of a text, by its first characters."""
    start = text.lstrip("\ufeff \t\r\n")
    if re.match(r"<!doctype html|<html|<head|<table", start, re.IGNORECASE):
        return Foreign("a web page (HTML)", "save the table as CSV, or download the file itself")
    if re.match(r"<\?xml|<[A-Za-z][\w:.-]*[\s>].*</", start, re.DOTALL):
        return Foreign("an XML file", "export the samples as CSV")
    if re.match(r"[{\[]\s*([\"{\[\]}]|-?\d|null|true|false)", start):
        return Foreign("a JSON file", "save the samples as CSV or Parquet")
    if start.startswith("version https://git-lfs"):
        return Foreign("a pointer of Git LFS, not the file itself", "run `git lfs pull`")
    return None


def _archived(head: bytes, suffix: str) -> Foreign:
    names = head.decode("latin-1")
    for pattern, kind in _ARCHIVED:
        if re.search(pattern, names, re.DOTALL):
            return kind
    if suffix in (".xlsx", ".xlsm", ".xlsb", ".ods"):
        return Foreign("a spreadsheet", _AS_CSV)
    return Foreign("a ZIP archive", _UNPACK)
