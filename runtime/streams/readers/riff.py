"""The chunks of a WAV file: what a recorder that lost power left unfinished, and when it began.

The layout is that of RIFF/WAVE (Microsoft and IBM, 1991), RF64 and the broadcast extension (EBU
Tech 3306 and 3285).
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

_MOST_CHUNKS = 1_000
_TO_THE_END = (0xFFFFFFFE).to_bytes(4, "little")  # libsndfile then takes what there is


class Wave(Struct):
    """What the chunks of a WAV file say.

    Attributes
    ----------
    unfinished_at : int, optional
        Where the length of the samples stands, if it was never written.
    start : datetime, optional
        Of the first sample, by the broadcast extension.
    """

    unfinished_at: int | None = None
    start: datetime | None = None


def read_chunks(path: Path) -> Wave:
    """Read the chunks of a WAV file up to its samples; nothing of any other file."""
    wave = Wave()
    size = path.stat().st_size
    with path.open("rb") as file:
        form = file.read(12)
        if form[:4] not in (b"RIFF", b"RF64") or form[8:] != b"WAVE":
            return wave
        long = 0
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            name, length = head[:4], int.from_bytes(head[4:], "little")
            if len(head) < 8 or name == b"data":
                break
            content = file.read(min(length, 602)) if name in (b"bext", b"ds64") else b""
            if name == b"bext":
                wave.start = _origin(content)
            elif name == b"ds64":
                long = int.from_bytes(content[8:16], "little")
            file.seek(length + length % 2 - len(content), io.SEEK_CUR)
        begin = file.tell()
        length = long if form[:4] == b"RF64" and length == 0xFFFFFFFF else length
        if name == b"data" and not length and size > begin and not _is_chunk(file, size):
            wave.unfinished_at = begin - 4
    return wave


class Finished(io.RawIOBase):
    """A WAV file whose unfinished lengths read as "up to the end"."""

    def __init__(self, path: Path, unfinished_at: int) -> None:
        self._file: IO[bytes] = path.open("rb")
        self._patches = {0: b"RIFF" + _TO_THE_END, unfinished_at: _TO_THE_END}

    def readinto(self, buffer: Any) -> int:
        begin = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for at, patch in self._patches.items():
            for i, byte in enumerate(patch, at - begin):
                if 0 <= i < len(data):
                    data[i] = byte
        buffer[: len(data)] = bytes(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


def _origin(content: bytes) -> datetime | None:
    """Date and time of origination; zeros and blanks where nobody set them."""
    date, time = content[320:330].decode("latin-1"), content[330:338].decode("latin-1")
    numbers = [int(each) for each in re.findall(r"\d+", f"{date} {time}")]
    if len(numbers) != 6 or numbers[0] < 1000:
        return None
    year, month, day, hour, minute, second = numbers
    with suppress(ValueError):
        return datetime(year, month, day, hour, minute, second)
    return None


def _is_chunk(file: IO[bytes], size: int) -> bool:
    """Whether what follows looks like another chunk, and not like samples."""
    head = file.read(8)
    length = int.from_bytes(head[4:], "little")
    return re.fullmatch(rb"[A-Za-z][A-Za-z0-9 _]{3}", head[:4]) is not None and (
        file.tell() + length <= size
    )
