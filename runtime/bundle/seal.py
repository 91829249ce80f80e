"""The seal of a bundle: a digest of all that its manifest says, and the same said in every graph.

The digest is the SHA-256 of the manifest's canonical form: its JSON values without the entry
``seal``, as JSON text in ASCII with the names of every object sorted by code point and no spaces; a
number without a fraction is written as an integer, any other as the shortest decimal that gives the
same float64 again (as Python's ``json.dumps`` writes them).

Every graph's file has a record in its metadata under ``dlrsd``: the manifest's entries but for those
that are known only when the graphs are written, and ``"sealed": true``. So a manifest from which
the seal was taken, or one with the names of two classes exchanged and sealed again, does not fit
its graphs.

A seal finds what was damaged or changed. It does not say who made the bundle: who can write all of
its files can seal them again. A signature of the digest will stand beside it in ``seal``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from dlrsd.runtime.base.formats import FormatError, as_json_has_it, parse_json

RECORD = "dlrsd"  # where it stands in the metadata of an ONNX file
_LATER = ("parity", "engines", "files", "seal")  # known when the graphs are written


def canonical(values: Any) -> bytes:
    """The one text of JSON values that are the same to JSON."""
    plain = as_json_has_it(values)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(values: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's canonical form, in hexadecimal digits."""
    stated = {name: value for name, value in values.items() if name != "seal"}
    return hashlib.sha256(canonical(stated)).hexdigest()


def sealed(values: dict[str, Any]) -> dict[str, Any]:
    """A manifest's values with their seal."""
    return {**values, "seal": {"sha256": digest(values)}}


def require_seal(values: dict[str, Any]) -> None:
    """Raise a `FormatError` if a manifest has a seal and says something else than was sealed."""
    seal = values.get("seal")
    if not isinstance(seal, dict) or "sha256" not in seal:
        return  # none; an impossible one is refused as any other entry is
    if seal["sha256"] != digest(values):
        raise FormatError("another content than it was sealed with, for it was damaged or changed")


def record(values: dict[str, Any]) -> dict[str, Any]:
    """What rides in the graphs of a manifest that is to be sealed."""
    return {"sealed": True} | {key: values[key] for key in values if key not in _LATER}


def require_record(metadata: dict[str, str], values: dict[str, Any]) -> None:
    """Raise a `FormatError` if a graph and a manifest do not belong together.

    Parameters
    ----------
    metadata : dict
        Of the graph's file.
    values : dict
        Of the manifest.
    """
    found: Any = parse_json(metadata[RECORD].encode()) if RECORD in metadata else {}
    marked = isinstance(found, dict) and found.get("sealed") is True
    if "seal" not in values or values["seal"] is None:
        if marked:
            raise FormatError("it is of a sealed bundle, and this one's manifest has no seal")
        return
    if not marked:
        raise FormatError("it has no record of the bundle it is of, which a sealed one's has")
    expected = record(values)
    if canonical(found) != canonical(expected):
        names = {*found, *expected}
        other = [n for n in names if canonical(found.get(n, "?")) != canonical(expected.get(n, "?"))]
        raise FormatError(f"its record and the manifest differ in {min(other, default='')[:60]!r}")
