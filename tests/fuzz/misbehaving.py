"""Targets that do what no target may, to see that it is seen."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def _raises(folder: Path, rng: random.Random) -> None:
    print(1 // 0)


def _hangs(folder: Path, rng: random.Random) -> None:
    time.sleep(60)


def _dies(folder: Path, rng: random.Random) -> None:
    os.abort()


def _grows(folder: Path, rng: random.Random) -> None:
    np.ones(1_200_000_000, np.uint8)


def _looks_around(folder: Path, rng: random.Random) -> None:
    Path("/etc/hostname").read_text()


def _prints(folder: Path, rng: random.Random) -> None:
    os.write(2, b"a library has something to say\n")


TARGETS: dict[str, Callable[[Path, random.Random], None]] = {
    "raises": _raises,
    "hangs": _hangs,
    "dies": _dies,
    "grows": _grows,
    "looks around": _looks_around,
    "prints": _prints,
}


def warm_up() -> None:
    """Nothing to import."""
