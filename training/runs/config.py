"""What a run's ``config.json`` states, whatever the kind of data."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.rigs import names_of


SCHEMA_VERSION: Literal[2] = 2


class Signal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signal that a run was trained on; ``channel_names`` and ``hold`` are of plants alone."""

    rate_hz: float
    unit: str
    channels: int
    window: int
    hop: int
    channel_names: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    hold: int | msgspec.UnsetType = msgspec.UNSET


class RunConfig(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every run states; a kind of data adds its ``settings`` and what training found out.

    Parameters
    ----------
    method : str
        What the imbalance is met with.
    dataset, statement : str
        What it was trained on, by name and in a sentence.
    split_note : str
        How the split came about.
    balance_ratio : float, optional
        Normal windows for each window of a fault; None where data are taken as they are.
    window_counts : dict
        Windows by part and class.
    temperature : float, optional
        Of the probabilities; None until the run is calibrated.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    created: str = msgspec.field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    dlrsd_version: str = msgspec.field(default_factory=lambda: version("dlrsd"))
    method: str
    settings: Any  # of the kind
    dataset: str
    task: str | None
    protocol: str
    split_note: str
    balance_ratio: float | None
    seed: int
    classifier: str
    statement: str
    classes: list[str]
    normal_class: str | None
    channels: list[str]
    signal: Signal
    window_counts: dict[str, dict[str, int]]
    temperature: float | None = None

    def __post_init__(self) -> None:
        if len(self.channels) != self.signal.channels:
            raise InputError(
                f"got {len(self.channels)} channels by name and a signal of {self.signal.channels}"
            )
        if self.normal_class is not None and self.normal_class not in self.classes:
            raise InputError(f"got the normal class {self.normal_class!r}, which is no class")
        for name in ("protocol", "seed", "classifier"):
            if getattr(self, name) != getattr(self.settings, name):
                raise InputError(f"got a {name} that is not the settings'")


def dataset_name(data: str) -> str:
    """A folder goes by its name: where it lies is nobody's business on the box; several data sets
    by theirs, joined by +."""
    return "+".join(Path(name).expanduser().resolve().name for name in names_of(data))
