"""A bundle's folder is there whole or not at all, also where an export is killed."""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dlrsd.runtime.base.files import read_bounded
from dlrsd.runtime.base.formats import MOST_JSON, parse_json
from dlrsd.runtime.base.locks import open_folder, try_lock

_OF_A_BUNDLE = re.compile(
    r"\.?(manifest\.json|anchors\.npz|(diagnoser|synthesizer)[\w.-]*)(\.\d+\.part)?"
)


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds what a manifest of ours lists and nothing else, so may be replaced."""
    try:
        files = parse_json(read_bounded(folder / "manifest.json", most=MOST_JSON))["files"]
        return {path.name for path in folder.iterdir()} <= {"manifest.json", *files}
    except (OSError, ValueError, LookupError, TypeError):
        return False


@contextmanager
def part_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` for what shall take its place; it is gone in the end.

    It is locked: what killed exports left of the same bundle is told from it, and removed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    _clean(out)
    part, fd = _locked_part(out)
    try:
        part.chmod(0o755)
        yield part
    except OSError as error:
        # Some writers do not say which file it was; nobody knows the hidden folder.
        where = error.filename2 or error.filename or out
        error.filename, error.filename2 = str(where).replace(str(part), str(out)), None
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if fd is not None:
            os.close(fd)


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


def _locked_part(out: Path) -> tuple[Path, int | None]:
    while True:
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        # Until it is locked another export may take it for one that was left.
        with suppress(FileNotFoundError):
            fd = open_folder(part)
            if fd is None or (try_lock(fd) and part.exists()):
                return part, fd
            os.close(fd)


def _clean(out: Path) -> None:
    """Remove the folders that `part_folder` and `replace_folder` of killed exports left."""
    for left in out.parent.glob(f".{glob.escape(out.name)}-*"):
        name = re.fullmatch(r"[a-z0-9_]{8}(\.old)?", left.name[len(out.name) + 2 :])
        if name is None or left.is_symlink() or not left.is_dir():
            continue
        with suppress(FileNotFoundError):  # an export ended meanwhile
            if not all(_OF_A_BUNDLE.fullmatch(each.name) for each in left.iterdir()):
                continue
            fd = open_folder(left)
            try:
                if fd is not None and try_lock(fd):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                if fd is not None:
                    os.close(fd)
