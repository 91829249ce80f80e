"""Blocks of whole lines of a text file, in UTF-8 and in bounded memory, whatever its encoding."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.text.encoding import text_encoding

_BLOCK, _ROWS = 1 << 19, 200  # bytes of a block; rows, where they are long
LONGEST_LINE = 1 << 20  # bytes; 4096 channels of 20 digits are a twelfth of it
_BEGINNING = 1 << 16
_ENDING = 1 << 12
_FEWEST_LINES = 8


class TextFile:
    """An open text file.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    beginning : str
        Its first lines: 64 KiB, or as much as `_FEWEST_LINES` take.
    is_whole : bool
        Whether that is all.

    Raises
    ------
    NoRecordingError
        If it is no text.
    InputError
        If it has lines that are too long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = io.FileIO(path)
        size = _BEGINNING
        while True:
            data = self._read(0, size)
            self.is_whole = len(data) < size
            ends = data.count(b"\n") or data.count(b"\r")
            if self.is_whole or ends >= _FEWEST_LINES:
                break
            if size > _FEWEST_LINES * LONGEST_LINE:
                raise self._too_long(1)
            size *= 4
        encoding = text_encoding(data)
        if encoding is None:
            raise NoRecordingError(f"{path} holds bytes that are no text")
        self._encoding = encoding
        # Blocks of few rows cost more than they hold.
        self._block_bytes = max(_BLOCK, min(_ROWS * len(data) // max(1, ends), 8 * _BLOCK))
        self._has_only_cr = False
        text = self._decoder().decode(data, final=self.is_whole)
        self._has_only_cr = "\r" in text and "\n" not in text
        text = text.replace("\r", "\n") if self._has_only_cr else text.replace("\r", "")
        self.beginning = text.rstrip("\0")
        if max(map(len, self.beginning.split("\n"))) > LONGEST_LINE:
            raise self._too_long(None)

    def places(self, n: int) -> list[list[str]]:
        """The whole lines of n places of 4 KiB, evenly over the file."""
        size = self._file.seek(0, io.SEEK_END)
        begins = (max(0, size - _ENDING) * i // max(1, n - 1) // 2 * 2 for i in range(n))
        return [self._whole_lines(begin) for begin in begins]

    def _whole_lines(self, begin: int) -> list[str]:
        encoding = "utf-16-le" if self._encoding == "utf-16" else self._encoding
        text = self._read(begin, _ENDING).decode(encoding, errors="replace")
        return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[1:-1]

    def close(self) -> None:
        self._file.close()

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Blocks of whole lines in UTF-8, and of each whether its last line has an end.

        Zeros at the end of the file, that a power cut leaves, are left out.
        """
        decoder = self._decoder()
        rest, offset, is_first = b"", 0, True
        while True:
            data = self._read(offset, self._block_bytes)
            offset += len(data)
            is_last = len(data) < self._block_bytes
            if self._encoding not in ("utf-8", "utf-8-sig") or is_first:
                data = decoder.decode(data, final=is_last).encode("utf-8")
                is_first = self._encoding not in ("utf-8", "utf-8-sig")
            if self._has_only_cr:
                data = data.replace(b"\r", b"\n")
            data = rest + data
            if b"\0" in data or b"\x1a" in data:
                data, is_last = self._until_zeros(data, offset), True
            end = len(data) if is_last else data.rfind(b"\n") + 1
            whole, rest = data[:end], data[end:]
            if len(rest) > LONGEST_LINE:
                raise self._too_long(None)
            if not is_last:
                if whole:
                    yield whole, True
                continue
            last = whole.rfind(b"\n") + 1
            if whole[:last]:
                yield whole[:last], True
            if whole[last:].strip():
                yield whole[last:], False
            return

    def line_number(self, block: int, line: int) -> int:
        """The number in the file, from 1, of a line of a block, both counted from 0."""
        before = (data.count(b"\n") for i, (data, _) in enumerate(self.blocks()) if i < block)
        return sum(before) + line + 1

    def _decoder(self) -> codecs.IncrementalDecoder:
        encoding = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        return codecs.getincrementaldecoder(encoding)(errors="replace")

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        parts = []
        while size and (data := self._file.read(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def _until_zeros(self, data: bytes, offset: int) -> bytes:
        """The data before the zeros that fill the rest of the file."""
        end = min(i for i in (data.find(b"\0"), data.find(b"\x1a")) if i >= 0)
        rest = data[end:]
        while rest:
            if rest.strip(b"\0\x1a\r\n"):
                raise InputError(
                    f"{self.path} holds bytes that are no text, near byte {offset}: the file is "
                    f"damaged"
                )
            rest = self._read(offset, _BLOCK)
            offset += len(rest)
        return data[:end]

    def _too_long(self, line: int | None) -> InputError:
        which = "its first line" if line else "a line"
        return InputError(
            f"{which} of {self.path} is longer than {LONGEST_LINE >> 20} MiB: expected a line for "
            f"each sample, and a column for each channel"
        )
