"""Plant signals as sequences of labelled windows: settings, parts, and what is cut from them.

Protocols (named beside every figure):

``time``
    Of every plant the first 60 % of its time for training, 10 % for validation, the last 30 % for
    testing, with three hours between: a fault does not depend on anything earlier than that. An
    event that lasts longer than the gap may be on both sides.
``plant``
    Whole plants for each of the three: of a plant that is tested nothing was seen.

A window belongs to a part only if all its samples do. Windows of a part that follow each other
stay in order: `Segment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.missing import hold_last
from dlrsd.training.data.plants.plants import CLASSES, SIMULATION, Plant, load_plants
from dlrsd.training.data.plants.rig import simulate_plants
from dlrsd.training.data.plants.windows import window_labels

PROTOCOLS = ("time", "plant")
PARTS = ("train", "validation", "test")
SHARES = (0.6, 0.1, 0.3)
GAP_S = 3 * 3600.0


@dataclass(frozen=True)
class SequenceSettings:
    """Everything that decides a run on plant data but for the method against the imbalance.

    Parameters
    ----------
    data : str
        A folder of plants, or ``plant``: simulated ones, of every seed others.
    protocol : "time" or "plant"
    seed : int >= 0
    classifier : str
        A name of ``dlrsd.training.models.lr_convlstm.SEQUENCE_CLASSIFIERS``.
    window, hop : int > 0
        Samples of a window, and from one to the next.
    sequence : int > 0
        Windows of a training sequence. The published example has 20; of the same number of
        windows, more and shorter sequences hold more events that differ, and a fault does not
        depend on what lies three hours back. The state goes on over all of a plant afterwards.
    hold : int >= 0
        Samples for which the last value stands in for a missing one.
    n_plants, years, components, zones : of the simulation
    """

    data: str
    protocol: str = "time"
    seed: int = 0
    classifier: str = "lr_convlstm"
    window: int = 24
    hop: int = 4
    sequence: int = 6
    hold: int = 8
    n_plants: int = 8
    years: float = 2.0
    components: int = 2
    zones: int = 1

    def to_json(self) -> dict[str, Any]:
        """The settings, JSON-ready."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> SequenceSettings:
        """The settings that ``to_json`` gave."""
        return cls(**facts)


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of one plant within a part.

    Parameters
    ----------
    plant : int
        Position in ``SequenceData.plants``.
    first : int
        Number of its first window in the plant.
    signal : array [shape=(channels, n)]
        Its samples, held where missing; NaN where missing for long.
    label : array [shape=(windows,)], int
    """

    plant: int
    first: int
    signal: NDArray[np.float32] = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class SequenceData:
    """Plants, cut into parts."""

    settings: SequenceSettings
    plants: list[Plant] = field(repr=False)
    parts: dict[str, list[Segment]] = field(repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        return self.plants[0].channels

    def counts(self, part: str) -> NDArray[np.int64]:
        """Windows of every class in a part, (K,)."""
        labels = np.concatenate([segment.label for segment in self.parts[part]])
        return np.bincount(labels, minlength=len(CLASSES))

    def windows(self, segment: Segment) -> NDArray[np.float32]:
        """All windows of a segment in order, (windows, channels, window); a read-only view."""
        s = self.settings
        return sliding_window_view(segment.signal, s.window, axis=1)[:, :: s.hop].swapaxes(0, 1)


def prepare_sequences(
    settings: SequenceSettings, plants: Sequence[Plant] | None = None
) -> SequenceData:
    """Load or simulate plants, and cut them into parts.

    Raises
    ------
    InputError
        If the settings or the plants cannot be used: unknown protocol, plants of different
        channels, parts without a window.
    """
    _check(settings)
    plants = list(plants) if plants is not None else load_or_simulate(settings)
    first = plants[0]
    for plant in plants[1:]:
        if plant.channels != first.channels:
            raise InputError(
                f"plants {first.name} and {plant.name} have different channels "
                f"({len(first.channels)} and {len(plant.channels)}): expected plants of one "
                "layout; train each layout by itself"
            )
    spans = _by_time(plants) if settings.protocol == "time" else _by_plant(plants, settings.seed)
    parts: dict[str, list[Segment]] = {part: [] for part in PARTS}
    for i, plant in enumerate(plants):
        filled, _ = hold_last(plant.signal, settings.hold)
        label = window_labels(plant, window=settings.window, hop=settings.hop)
        for part, (start, end) in spans[i].items():
            segment = _segment(i, filled, label, start, end, settings)
            if len(segment.label):
                parts[part].append(segment)
    for part in PARTS:
        if not parts[part]:
            raise InputError(
                f"protocol {settings.protocol} leaves no window of {settings.window} samples for "
                f"the {part} part: record longer, or more plants"
            )
    return SequenceData(settings, plants, parts)


def load_or_simulate(settings: SequenceSettings) -> list[Plant]:
    """The settings' plants."""
    if settings.data == SIMULATION:
        return simulate_plants(
            seed=settings.seed,
            n_plants=settings.n_plants,
            years=settings.years,
            components=settings.components,
            zones=settings.zones,
        )
    return load_plants(Path(settings.data))


Spans = list[dict[str, tuple[int, int]]]  # per plant: samples [start, end) of each part it has


def _by_time(plants: Sequence[Plant]) -> Spans:
    spans = []
    for plant in plants:
        n, gap = plant.signal.shape[1], round(GAP_S / plant.step_s)
        bounds = np.round(np.cumsum([0.0, *SHARES]) * n).astype(int)
        spans.append(
            {
                part: (int(bounds[i]) + (gap if i else 0), int(bounds[i + 1]))
                for i, part in enumerate(PARTS)
            }
        )
    return spans


def _by_plant(plants: Sequence[Plant], seed: int) -> Spans:
    if len(plants) < len(PARTS):
        raise InputError(
            f"got {len(plants)} plants for protocol plant: expected {len(PARTS)} or more, some to "
            "train, to validate and to test on; use protocol time"
        )
    order = np.random.default_rng([seed, 4]).permutation(len(plants))
    n_test = max(1, round(SHARES[2] * len(plants)))
    n_validation = max(1, round(SHARES[1] * len(plants)))
    names = ["test"] * n_test + ["validation"] * n_validation
    names += ["train"] * (len(plants) - len(names))
    part = dict(zip(order.tolist(), names, strict=True))
    return [{part[i]: (0, plant.signal.shape[1])} for i, plant in enumerate(plants)]


def _segment(
    plant: int,
    filled: NDArray[np.float32],
    label: NDArray[np.int64],
    start: int,
    end: int,
    settings: SequenceSettings,
) -> Segment:
    window, hop = settings.window, settings.hop
    first = -(-start // hop)
    last = (end - window) // hop  # the last window that lies inside
    chosen = label[first : max(first, last + 1)]
    samples = filled[:, first * hop : first * hop + max(0, len(chosen) - 1) * hop + window]
    return Segment(plant, first, samples, chosen)


def _check(settings: SequenceSettings) -> None:
    if settings.protocol not in PROTOCOLS:
        raise InputError(
            f"got protocol {settings.protocol!r} for plant data: expected one of "
            f"{', '.join(PROTOCOLS)}"
        )
    for name, least in (("window", 1), ("hop", 1), ("sequence", 1), ("hold", 0), ("seed", 0)):
        value = getattr(settings, name)
        if value < least:
            raise InputError(f"got {name} = {value}: expected {least} or more")
