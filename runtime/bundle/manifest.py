"""A bundle's manifest: typed, whichever of the kinds it is of, and its published schema.

`dlrsd.runtime.bundle.window` and `sequence` are the kinds, told apart by ``kind``. A new one is a
file like theirs and its name here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.base.formats import FormatError, checked, json_schema, parse_json
from dlrsd.runtime.bundle.facts import SCHEMA_VERSION
from dlrsd.runtime.bundle.seal import require_seal
from dlrsd.runtime.bundle.sequence import SequenceManifest
from dlrsd.runtime.bundle.window import WindowManifest

Manifest = WindowManifest | SequenceManifest


def read_manifest(text: bytes, *, where: Path) -> Manifest:
    """The manifest that a JSON text holds, of this schema or of an older one.

    Parameters
    ----------
    text : bytes
        Content of a ``manifest.json``.
    where : Path
        What messages call it.

    Raises
    ------
    BundleError
        If an entry is missing, unknown, impossible or contradicts another, the seal is of another
        manifest, or the schema is a newer one.
    """
    try:
        values = parse_json(text)
    except FormatError as error:
        raise BundleError(
            f"cannot read {where} ({error}): expected the manifest that `dlrsd-export` writes; "
            "export or copy the bundle again"
        ) from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    if isinstance(version, float) and version.is_integer():
        version = int(version)  # to JSON the same
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise BundleError(
            f"{where} states no schema_version (got {version!r:.60}): expected the manifest that "
            "`dlrsd-export` writes; export the bundle again"
        )
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"{where} is of schema {version}, newer than the schema {SCHEMA_VERSION} this version "
            "reads: run `pip install --upgrade dlrsd`"
        )
    try:
        if version < SCHEMA_VERSION:
            # Imported here: newer bundles start without it.
            from dlrsd.runtime.bundle.schema1 import upgrade

            values = upgrade(values)
        manifest: Manifest = checked(values, Manifest)  # type: ignore[arg-type]
        require_seal(values)
    except FormatError as error:
        raise BundleError(f"{where} has {error}: export the bundle again") from error
    return manifest


def manifest_schema() -> dict[str, Any]:
    """The content of the published ``manifest.schema.json``."""
    return json_schema(
        Manifest,
        identifier=f"dlrsd-manifest-{SCHEMA_VERSION}",
        title=f"Manifest of a dlrsd bundle, schema version {SCHEMA_VERSION}",
    )
