"""The stored graphs are those that their source makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

GRAPHS = Path(__file__).parent


def test_the_stored_graphs_are_those_of_their_source() -> None:
    onnx = pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location("make", GRAPHS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name in ("diagnoser", "order_map", "sequence", "synthesizer", "regressor"):
        assert onnx.load(GRAPHS / f"{name}.onnx") == getattr(make, name)()
