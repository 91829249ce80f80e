"""What a reader of recordings returns: blocks of samples, and what the file says of itself.

Also what all readers share: which of a file's series are the channels, and how they say that a
file is damaged or a package is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from msgspec import Struct

from dlrsd.runtime.base.errors import DlrsdError, InputError, require

# Which series of a file are the channels: names separated by commas as a caller states them, names
# one by one as a bundle has them (a file that names none may then be right as it is), or all.
Variable = str | Sequence[str] | None

BLOCK = 1 << 16  # samples of every channel that a reader hands out at once, about


class Chunk(Struct, frozen=True):
    """Consecutive samples of a stream.

    Attributes
    ----------
    samples : array, shape (channels, n), real floating
    gap_before : int >= 0
        Samples that are missing before them, by the recording's own timestamps.
    """

    samples: np.ndarray
    gap_before: int = 0


class Source(Struct):
    """An open recording, and what its own header says of it (None: nothing).

    Attributes
    ----------
    chunks : iterator of Chunk
    channels : int > 0
    channel_names : tuple of str
        Empty where the file does not name them.
    rate_hz : float > 0, optional
    rate_note : str
        What a person should know where the rate is not what was expected: whence it comes.
    rate_unclear : str
        Why the file's own times give no rate, which then has to be stated.
    clock : str
        The series that the rate was measured by; empty where it is stated.
    clock_doubt : str
        The warning that nothing but how evenly it rises tells that it is a clock.
    follows_clock : bool
        Whether the chunks do; to be decided before the first of them.
    unit : str, optional
    units : tuple of (str or None)
        Of each channel, where they are not one.
    unit_unclear : str
        What is wrong then; one of them may be a tacho's.
    scale_note : str
        What is stated of the scale and not understood, so that a person has to state it.
    start : datetime, optional
    n_samples : int, optional
        Samples of each channel.
    kind : str
        "raw", "WAV", ...
    trailing_bytes : int >= 0
        Bytes after the last whole frame of raw samples; known when the stream has ended.
    warnings : list of str
        What a person should know; complete when the stream has ended.
    close : function
        Gives the file back; `chunks` are of no use afterwards.
    """

    chunks: Iterator[Chunk]
    channels: int
    channel_names: tuple[str, ...] = ()
    rate_hz: float | None = None
    rate_note: str = ""
    rate_unclear: str = ""
    clock: str = ""
    clock_doubt: str = ""
    follows_clock: bool = True
    unit: str | None = None
    units: tuple[str | None, ...] = ()
    unit_unclear: str = ""
    scale_note: str = ""
    start: datetime | None = None
    n_samples: int | None = None
    kind: str = ""
    trailing_bytes: int = 0
    warnings: list[str] = []
    close: Callable[[], None] = lambda: None


def choose_series(lengths: Mapping[str, int], variable: Variable, path: Path) -> list[str]:
    """Names of the series that are the channels: all of them, or those that `variable` names.

    Parameters
    ----------
    lengths : mapping of str to int >= 0
        Series of the file; 0 where the length is not known, and then the same for all.
    variable : Variable
    path : Path
        What messages call the file.

    Raises
    ------
    InputError
        If there is none, one is not in the file, or they are of different lengths.
    """
    listing = ", ".join(f"{name} ({n})" if n else name for name, n in lengths.items())
    if variable is not None:
        if isinstance(variable, str):
            variable = [name.strip() for name in variable.split(",")]
        names = list(variable)
        if unknown := [name for name in names if name not in lengths]:
            raise InputError(f"{path} has no series {unknown[0]!r}: it holds {listing or 'none'}")
    else:
        names = list(lengths)
    if not names:
        raise InputError(f"{path} holds no series of real numbers: expected one for each channel")
    if len({lengths[name] for name in names}) > 1:
        raise InputError(
            f"{path} holds series of different lengths: {listing}; name those to read as variable"
        )
    return names


def stacked(block: Sequence[np.ndarray]) -> np.ndarray:
    """Series of shape (n,) or (width, n) as the rows of one array."""
    if len(block) == 1:
        only = np.asarray(block[0])
        return only[None] if only.ndim == 1 else only
    return np.concatenate([np.atleast_2d(each) for each in block])


def common_fact(what: str, values: Sequence[Any], path: Path) -> Any:
    """The value that the chosen channels have in common; an `InputError` if they do not agree."""
    if any(value != values[0] for value in values[1:]):
        raise InputError(
            f"the channels of {path} have different {what} ("
            + ", ".join("not stated" if value is None else str(value) for value in values)
            + "): name those to read as variable"
        )
    return values[0]


def reader_library(module: str, path: Path) -> ModuleType:
    """The package that reads a file, or an `ExtraMissingError` that names it."""
    return require(module, extra="io", purpose=f"reading {path}")


def refuse_variable(variable: Variable, path: Path) -> None:
    """Raise an `InputError` where a caller names series of a file that names none."""
    if isinstance(variable, str):
        raise InputError(f"variable is {variable!r}, but {path} does not name its series: omit it")


def shorter_than_said(path: Path) -> str:
    """The warning on a file that was cut."""
    return f"{path} is shorter than its header says: read up to its end"


@contextmanager
def readable_as(kind: str, path: Path | str) -> Iterator[None]:
    """Turn what a library raises inside into an `InputError`: the file is damaged."""
    try:
        yield
    except DlrsdError:
        raise
    except Exception as error:  # every library has its own ways to say that a file is damaged
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"{path} cannot be read as {kind}: {reason}") from error
