"""What `dlrsd.training` promises: these names and no others, loaded when they are asked for."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import dlrsd.training

PROMISED = [
    "Grid", "Recording", "SequenceSettings", "Settings", "compare_methods", "fit",
    "load_recordings", "load_run", "read_table", "simulate_rig", "write_report",
]  # fmt: skip


def test_the_promise_is_this_list():
    assert dlrsd.training.__all__ == PROMISED
    for name in PROMISED:
        promised = getattr(dlrsd.training, name)
        assert callable(promised)
        assert promised.__name__ == name


def test_whatever_is_promised_is_documented():
    for name in PROMISED:
        text = inspect.getdoc(getattr(dlrsd.training, name))
        assert text
        first = text.splitlines()[0]
        assert first.endswith("."), f"{name}: {first}"


def test_another_name_is_none():
    with pytest.raises(AttributeError, match="has no attribute 'train'"):
        dlrsd.training.train  # noqa: B018


def test_it_loads_nothing_before_it_is_asked():
    program = (
        "import sys, dlrsd.training\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'pyarrow', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from dlrsd.training import Recording\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_module_can_be_loaded():
    """A module that nothing loads on the way would else be found broken by a user."""
    modules = pkgutil.walk_packages(dlrsd.training.__path__, "dlrsd.training.")
    assert len([importlib.import_module(module.name) for module in modules]) > 80
