"""Programs that some tests need and Python's own packages do not bring.

``python3 tasks.py setup`` installs them where it may. A test without its program is skipped by
name; where the environment says CI it fails, for nothing may be left untested there.
"""

from __future__ import annotations

import os
import shutil

import pytest

_PLACES = {"mosquitto": ("/usr/sbin/mosquitto",), "chromium": ("/usr/bin/chromium",)}


def needs(program: str) -> str:
    """Path of a program; without it the test is skipped, or in CI fails."""
    for place in (program, *_PLACES.get(program, ())):
        if found := shutil.which(place):
            return found
    why = f"needs {program}, which `python3 tasks.py setup` installs where it may"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
