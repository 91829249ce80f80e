"""Where each kind of data comes from: the first source that claims what a user names has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import SIMULATION, is_plant_folder


class Source(NamedTuple):
    """A kind of data before it is read: its tag, its words in messages, and what it claims."""

    tag: str
    words: str
    claims: Callable[[str], bool]

    def refuse_option(self, name: str, doing: str = "") -> None:
        """Say that this kind of data, or doing something with it, has no use for an option, which
        is given by its setting's name.

        Raises
        ------
        InputError
        """
        option = _OPTIONS.get(name, name).replace("_", "-")
        what = f"{doing} {self.words}".lstrip()
        raise InputError(f"got --{option}, of which {what} has no use: leave it out")


def source_of(data: str) -> Source:
    """The source of what a user calls ``data``."""
    return next(source for source in SOURCES if source.claims(data))


def _claims_plants(data: str) -> bool:
    return is_plant_folder(data) or (data == SIMULATION and not Path(data).exists())


_OPTIONS = {"n_normal": "normal_windows"}  # settings whose option has another name

PLANTS = Source("sequence", "plant data", _claims_plants)
# Whatever no other source claims; what it is, reading it tells.
VIBRATION = Source("window", "vibration", lambda data: True)
SOURCES = (PLANTS, VIBRATION)
