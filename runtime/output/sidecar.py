"""Header and summary beside a format that holds windows only, and how a full disk is said."""

from __future__ import annotations

from pathlib import Path

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.diagnosis.records import Header, Summary


def write_sidecar(path: Path, header: Header | None, summary: Summary | None) -> None:
    """Write both, or the header as long as there is no summary."""
    try:
        with write_atomic(path) as file:
            file.write(json_text({"header": header, "summary": summary}, indent=1).encode())
    except OSError as error:
        raise refused(str(path), error, kept="the records written before are whole") from error


def refused(name: str, error: OSError, *, kept: str) -> DlrsdError:
    """What to raise where the system takes no more of an output; ``kept`` says what is there."""
    reason = error.strerror or str(error)
    return DlrsdError(f"cannot write {name}: {reason}; {kept}; free the place or choose another")
