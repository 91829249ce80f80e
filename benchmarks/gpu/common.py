"""What the measurements on a GPU share."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCHES = (1, 64, 4096, 65536)
SECONDS = 5.0  # of a row
Figures = dict[str, Any]


class Skip(Exception):
    """This machine lacks what an entry needs."""


def need(module: str) -> Any:
    """Import a module, or skip."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Skip(f"{module} cannot be imported: {error}") from error


def seconds(library: Any, call: Callable[[], object], rounds: int = 20) -> float:
    """Median seconds of a call, the GPU's work included."""
    cuda = library.cuda
    wait = getattr(cuda, "synchronize", None) or cuda.runtime.deviceSynchronize  # torch, CuPy
    took = []
    for _ in range(rounds + 2):
        began = time.perf_counter()
        call()
        wait()
        took.append(time.perf_counter() - began)
    return float(np.median(took[2:]))
