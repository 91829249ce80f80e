"""Header and summary beside a format that holds windows only, and how a full disk is said."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import FormatError, checked, json_text, parse_json
from dlrsd.runtime.diagnosis.records import Header, Summary


class Segment(Struct, frozen=True):
    """Header and summary of one diagnosis; no summary where it did not end."""

    header: Header
    summary: Summary | None


class Sidecar(Struct, frozen=True, omit_defaults=True):
    """The content of the file: the latest diagnosis of an output, and those before it."""

    header: Header
    summary: Summary | None
    first_part: int = 0  # of Parquet: the first of the latest diagnosis
    earlier: list[Segment] = []


def write_sidecar(path: Path, content: Sidecar) -> None:
    """Write it, all at once and onto the disk."""
    try:
        with write_atomic(path, durable=True) as file:
            file.write(json_text(content, indent=1).encode())
    except OSError as error:
        raise refused(str(path), error, kept="the records written before are whole") from error


def read_sidecar(path: Path) -> Sidecar:
    """What `write_sidecar` wrote.

    Raises
    ------
    InputError
        If it is damaged, missing, or of another version.
    """
    try:
        return checked(parse_json(path.read_bytes()), Sidecar)
    except (OSError, FormatError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{path} cannot be read as what a diagnosis wrote of its records ({reason}): choose "
            "another output, or replace this one with --overwrite"
        ) from error


def refused(name: str, error: OSError, *, kept: str) -> DlrsdError:
    """What to raise where the system takes no more of an output; ``kept`` says what is there."""
    reason = error.strerror or str(error)
    return DlrsdError(f"cannot write {name}: {reason}; {kept}; free the place or choose another")
