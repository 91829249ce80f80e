"""What `dlrsd.export` promises, and that importing it does not load torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dlrsd.export as api


def test_these_names_are_promised() -> None:
    assert api.__all__ == ["export_bundle"]
    assert api.export_bundle.__name__ == "export_bundle"
    assert "`export_bundle`" in str(api.__doc__)
    with pytest.raises(AttributeError, match="has no attribute 'import_bundle'"):
        _ = api.import_bundle  # type: ignore[attr-defined]


def test_importing_it_does_not_load_torch() -> None:
    program = "import sys, dlrsd.export; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
