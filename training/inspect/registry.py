"""How each kind of data is inspected: a new one is a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rich.console import RenderableType

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.data.plants.plants import SIMULATION
from dlrsd.training.data.sources import PLANTS, VIBRATION, source_of
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.inspect import data as vibration
from dlrsd.training.inspect import plants


class _Inspector(NamedTuple):
    look: Callable[..., RenderableType]
    options: tuple[str, ...]


def look(data: str, **options: Any) -> RenderableType:
    """What there is to say of data, for a terminal of 80 columns, of plants 100.

    Parameters
    ----------
    data : str
        As :func:`dlrsd.training.data.sources.source_of` takes it.
    options : those of the command; None where not given

    Raises
    ------
    InputError
        If the data cannot be read, or an option is of no use for their kind.
    """
    source = source_of(data)
    inspector = INSPECTORS[source.tag]
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in inspector.options:
            source.refuse_option(name, "inspecting")
    return inspector.look(data, **given)


def _vibration(
    data: str, *, window: int = ScalogramConfig().window, seed: int = 0, **options: Any
) -> RenderableType:
    recordings = load_recordings(data, rig_seed=seed, **options)
    return vibration.render(vibration.inspect(recordings, window=window, seed=seed))


def _plants(data: str, **options: Any) -> RenderableType:
    if data == SIMULATION:
        raise InputError(
            f"got {data!r}: expected a folder; write simulated plants with `dlrsd-train "
            "simulate-plant FOLDER` and inspect that"
        )
    return plants.render(plants.inspect_plants(data, **options), **options)


INSPECTORS = {
    VIBRATION.tag: _Inspector(_vibration, ("root", "task", "channels", "label", "window", "seed")),
    PLANTS.tag: _Inspector(_plants, ("window", "hop")),
}
