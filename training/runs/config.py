"""What a run's ``config.json`` states, whatever the kind of data."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec


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

    schema_version: Literal[2] = 2
    created: str = msgspec.field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    dlrsd_version: str = msgspec.field(default_factory=lambda: version("dlrsd"))
    method: str
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


def dataset_name(data: str) -> str:
    """A folder goes by its name: where it lies is nobody's business on the box."""
    return Path(data).expanduser().resolve().name
