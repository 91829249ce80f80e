"""What kind of file a recording is, told by its content and its suffix together.

A file whose kind is not known is refused with what would help: nothing is read as raw samples but
what is called so.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.foreign import Foreign, foreign_kind, foreign_text
from dlrsd.runtime.streams.readers.text.encoding import text_encoding
from dlrsd.runtime.streams.source import Source, Variable

RAW_SUFFIXES = (".bin", ".raw", ".f32")
_BEGINNING = 1 << 13
_EVIDENT = 32  # so many bytes do not look like something else by chance


class NoRecordingError(InputError):
    """A file is of no kind that is known, or of one that holds no recording."""


class Reader(Struct, frozen=True):
    """A kind of file that describes itself.

    Parameters
    ----------
    kind : str
        What people call it.
    suffixes : tuple of str
        How its names end, in lower case.
    open : function
        Of a path and a `Variable`, to a `Source`.
    begins : function
        Whether the first bytes of a file are those of this kind.
    is_text : bool
        Whether any text may be of this kind.
    """

    kind: str
    suffixes: tuple[str, ...]
    open: Callable[[Path, Variable], Source]
    begins: Callable[[bytes], bool] = lambda head: False
    is_text: bool = False


def find_reader(path: Path, readers: Sequence[Reader], *, is_raw: bool = False) -> Reader | None:
    """The reader of a file.

    Parameters
    ----------
    path : Path
    readers : sequence of Reader
        Where several of them fit, the first.
    is_raw : bool
        Whether someone states the type of raw samples.

    Returns
    -------
    Reader or None
        None: the file holds raw samples.

    Raises
    ------
    NoRecordingError
        If it is of another kind than these.
    InputError
        If its name says another kind than its content.
    """
    suffix = path.suffix.lower()
    named = next((reader for reader in readers if suffix in reader.suffixes), None)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe can be read once only
        return named
    with path.open("rb") as file:
        head = file.read(_BEGINNING)
    found = _told_by_content(head, status.st_size, suffix, readers)
    if is_raw:
        return named if named is not None and _may_be(named, found) else None
    if suffix in RAW_SUFFIXES:
        if found is None or not _is_evident(found, head):
            return None
        what, advice = _words(found, suffix)
        raise NoRecordingError(
            f"{path} is named like raw samples, but is {what}: {advice}; state dtype if it does "
            f"hold raw samples"
        )
    if isinstance(found, Foreign):
        raise NoRecordingError(f"{path} is {found.what}, no recording: {found.advice}")
    if named is None and found is None:
        raise NoRecordingError(
            f"{path} is of no known kind: expected {_listed(readers)}; if it holds raw samples, "
            f"state their dtype, such as f32le"
        )
    if found is None and named is not None and named.is_text:
        raise InputError(f"{path} cannot be read as {named.kind}: it holds bytes that are no text")
    if named is None or found is None:
        return named or found
    if named.is_text and found.is_text:
        return found
    if named.open is found.open:
        return named
    what, advice = _words(found, suffix)
    raise InputError(f"{path} is named like {named.kind}, but is {what}: {advice}")


def refuse_if_other(path: Path, readers: Sequence[Reader]) -> None:
    """Raise a `NoRecordingError` where a file is evidently no raw samples, whoever says so."""
    suffix = path.suffix.lower()
    if any(suffix in reader.suffixes for reader in readers):
        return
    with path.open("rb") as file:
        head = file.read(_BEGINNING)
    found = _told_by_content(head, path.stat().st_size, suffix, readers)
    if found is not None and _is_evident(found, head):
        raise NoRecordingError(f"{path} is {_words(found, suffix)[0]}, and no raw samples")


def _told_by_content(
    head: bytes, size: int, suffix: str, readers: Sequence[Reader]
) -> Reader | Foreign | None:
    for reader in readers:
        if reader.begins(head):
            return reader
    encoding = text_encoding(head)
    if encoding is None:
        return foreign_kind(head, size, suffix)
    text = head.decode(encoding, errors="replace")
    return (
        foreign_kind(head, size, suffix)  # a PDF or a tar archive may well begin as text
        or foreign_text(text)
        or next((reader for reader in readers if reader.is_text), None)
    )


def _may_be(named: Reader, found: Reader | Foreign | None) -> bool:
    """Whether a file may be what its name says."""
    if found is None:
        return not named.is_text
    return isinstance(found, Reader) and (found is named or found.is_text == named.is_text)


def _is_evident(found: Reader | Foreign, head: bytes) -> bool:
    """Whether samples do not begin like this by chance."""
    of_text = isinstance(found, Reader) and found.is_text
    return len(head.rstrip(b"\0") if of_text else head) >= _EVIDENT


def _words(found: Reader | Foreign, suffix: str) -> tuple[str, str]:
    if isinstance(found, Foreign):
        return found.what, found.advice
    if found.is_text:
        return "a text", f"rename it from {suffix} to .csv"
    return f"a {found.kind} file by its content", f"rename it from {suffix} to {found.suffixes[0]}"


def _listed(readers: Sequence[Reader]) -> str:
    return ", ".join(reader.kind for reader in readers)
