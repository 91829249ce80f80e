"""Shared by the tests of what an imbalance is met with."""

from __future__ import annotations

import pytest

from dlrsd.training.balance.materials import Materials
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.run import load_run


@pytest.fixture(scope="session")
def materials(hurried_settings) -> Materials:
    """What methods are given of ``hurried_settings``, with few views. Not to be changed."""
    return line.materials_for("none", hurried_settings, line.prepare(hurried_settings))


@pytest.fixture(scope="session")
def trained(tiny_run):
    """A generator that decodes."""
    return load_run(tiny_run).kept.network
