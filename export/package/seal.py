"""Sealing a bundle: what its manifest says goes into every graph, their hashes into the manifest.

``python -m dlrsd.export.package.seal BUNDLE`` seals a bundle again whose manifest was changed on
purpose, or that was made before bundles were sealed. Of its graphs only the record changes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import onnx

from dlrsd.export.graphs.onnx_file import save_graph
from dlrsd.export.package.folder import is_bundle, part_folder, replace_folder
from dlrsd.runtime.base.errors import BundleError, DlrsdError
from dlrsd.runtime.base.files import read_bounded, write_atomic
from dlrsd.runtime.base.formats import MOST_JSON, FormatError, json_text, parse_json
from dlrsd.runtime.bundle.facts import SCHEMA_VERSION
from dlrsd.runtime.bundle.manifest import Manifest, read_manifest
from dlrsd.runtime.bundle.seal import record, sealed
from dlrsd.runtime.engines.engine import GRAPH_FILES


def write_manifest(folder: Path, values: dict[str, Any]) -> Manifest:
    """Write a bundle's ``manifest.json`` with the hashes of the folder's files and its seal.

    Parameters
    ----------
    folder : Path
        All other files are there, each graph with its `record`.
    values : dict
        Of the manifest; ``files`` and ``seal`` are made anew.

    Returns
    -------
    WindowManifest or SequenceManifest

    Raises
    ------
    BundleError
        If they make no manifest.
    """
    where = folder / "manifest.json"
    where.unlink(missing_ok=True)
    files = {path.name: _facts(path.read_bytes()) for path in sorted(folder.iterdir())}
    with write_atomic(where) as file:
        file.write(json_text(sealed({**values, "files": files}), indent=1).encode())
    return read_manifest(where.read_bytes(), where=where)


def seal_bundle(bundle: str | Path) -> Manifest:
    """Seal a bundle of this schema as it is, all or nothing.

    Parameters
    ----------
    bundle : path
        Its folder.

    Returns
    -------
    WindowManifest or SequenceManifest

    Raises
    ------
    BundleError
        If the folder is no bundle, or its manifest is of an older schema or one that no bundle can
        have.
    """
    folder = Path(bundle).resolve()
    if not is_bundle(folder):
        raise BundleError(
            f"{folder} is no bundle: expected a manifest.json and only files that it lists"
        )
    values = _read_values(folder / "manifest.json")
    with part_folder(folder) as part:
        for path in folder.iterdir():
            shutil.copyfile(path, part / path.name)
        before = {path.name: _facts(path.read_bytes())["sha256"] for path in part.iterdir()}
        for path in sorted(part.glob("*.onnx")):
            save_graph(onnx.load(path, load_external_data=False), path, facts=record(values))
        _follow(values, part, before)
        made = write_manifest(part, values)
        replace_folder(part, folder)
    return made


def _read_values(where: Path) -> dict[str, Any]:
    try:
        values = parse_json(read_bounded(where, most=MOST_JSON))
    except (OSError, FormatError) as error:
        raise BundleError(
            f"cannot read {where} ({error}): expected the manifest of a bundle; name its folder"
        ) from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{where} is of schema {version}, expected {SCHEMA_VERSION}: export the bundle again"
        )
    stated: dict[str, Any] = {name: value for name, value in values.items() if name != "seal"}
    return stated


def _follow(values: dict[str, Any], folder: Path, before: dict[str, str]) -> None:
    """What else the manifest says of its graphs: sizes, and what an engine was built of."""
    for precision, name in GRAPH_FILES.items():
        path = folder / name
        found = values["parity"].get(precision) or {}
        if path.is_file() and found.get("bytes") is not None:
            found["bytes"] = path.stat().st_size
    after = {before[path.name]: _facts(path.read_bytes())["sha256"] for path in folder.iterdir()}
    for engine in values.get("engines") or []:
        engine["graph_sha256"] = after.get(engine["graph_sha256"], engine["graph_sha256"])


def _facts(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def main() -> None:
    """Seal the bundle that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m dlrsd.export.package.seal BUNDLE")
    try:
        made = seal_bundle(sys.argv[1])
    except (DlrsdError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    assert made.seal is not None  # noqa: S101 - for type checkers
    print(f"{sys.argv[1]} is sealed: sha256 {made.seal.sha256}")


if __name__ == "__main__":
    main()
