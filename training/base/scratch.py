"""Keeping the user's folder as it was."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path


def leave_no_fonts() -> None:
    """Matplotlib, when it is loaded after this, keeps its list of fonts for this process alone.

    Of its own accord it makes two folders in the user's. The list is then of the fonts that come
    with it, which takes a moment, where those of a whole system can take ten seconds. Whoever has
    set ``MPLCONFIGDIR`` keeps what they set.
    """
    folder = Path(tempfile.gettempdir()) / f"dlrsd-{secrets.token_hex(8)}"
    if os.environ.setdefault("MPLCONFIGDIR", str(folder)) == str(folder):
        os.environ.setdefault("MPL_IGNORE_SYSTEM_FONTS", "1")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
