"""The one folder beyond what a command names that this package writes to: the user's cache."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where TensorRT engines and CuPy's kernels are kept; ``XDG_CACHE_HOME`` moves it."""
    # Imported here: only who uses a GPU needs it, and a start without should not pay for it.
    from platformdirs import user_cache_path

    if moved := os.environ.get("XDG_CACHE_HOME"):
        return Path(moved) / "dlrsd"
    return user_cache_path("dlrsd", appauthor=False)


def keep_kernels_here() -> None:
    """CuPy, if it is loaded after this, keeps its kernels in that folder and makes none of its own.

    Whoever has set ``CUPY_CACHE_DIR`` keeps what they set.
    """
    os.environ.setdefault("CUPY_CACHE_DIR", str(cache_folder() / "cupy"))
