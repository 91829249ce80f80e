"""A bundle's folder is there whole or not at all, also where an export is killed."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path

from dlrsd.runtime.base.files import read_bounded
from dlrsd.runtime.base.formats import MOST_JSON, parse_json


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds what a manifest of ours lists and nothing else, so may be replaced."""
    try:
        files = parse_json(read_bounded(folder / "manifest.json", most=MOST_JSON))["files"]
        return {path.name for path in folder.iterdir()} <= {"manifest.json", *files}
    except (OSError, ValueError, LookupError, TypeError):
        return False


def bring_back(out: Path) -> None:
    """Where an export was killed between the two renames of `replace_folder`, undo the first."""
    if not out.exists():
        for old in out.parent.glob(f".{glob.escape(out.name)}-*.old"):
            old.replace(out)
            return


def replace_folder(part: Path, out: Path) -> None:
    """Put the complete new bundle in the old one's place; the old one goes last."""
    old = part.with_name(part.name + ".old")
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)
