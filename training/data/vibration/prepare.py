"""From settings to windows: recordings, split, drawn training windows, test windows.

What this returns depends on the settings alone, so that export can cut a run's test part again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import ORDERS, Kinematics, OrderMapConfig, require_fit
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.recording import Recording, classes_of, normal_class, to_rate
from dlrsd.training.data.vibration.splits import PROTOCOLS, Split, by_fault_location, split
from dlrsd.training.data.vibration.windows import (
    WindowIndex,
    cut,
    draw_windows,
    grid_windows,
)

FRONT_ENDS = ("scalogram", "order-map")


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, stated in its config.

    Parameters
    ----------
    data, root, task, channels, label
        As in :func:`dlrsd.training.data.vibration.recording.load_recordings`.
    protocol : "random", "block", "load" or "bearing"
    train_loads, test_loads : for the protocol ``load``
    balance : float >= 1
        Balance ratio BR: ``n_normal`` normal windows, ``n_normal`` / BR of every fault class.
    n_normal : int > 0
    target : int > 0, optional
        Windows of a class after balancing, those held out for validation not counted; default: of
        the largest class.
    seed : int
        Of the split, the draw and the training.
    rate : float, optional
        Model's sampling rate, Hz; default: the lowest of the recordings.
    window, hop : int > 0
        Samples of a window, and between test windows.
    preset : "edge" or "paper"
        Of the generator.
    classifier : str
        A name of ``dlrsd.training.models.classifiers.CLASSIFIERS``; "bands" for order maps, and for
        nothing else.
    front_end : "scalogram" or "order-map"
        What a window is turned into. An order map needs the shaft's speed and the fault orders of
        every recording, and windows of eight revolutions or more.
    """

    data: str
    root: str | None = None
    task: str | None = None
    channels: tuple[str, ...] | None = None
    label: str | None = None
    protocol: str = "block"
    train_loads: tuple[float, ...] | None = None
    test_loads: tuple[float, ...] | None = None
    balance: float = 1.0
    n_normal: int = 2000
    target: int | None = None
    seed: int = 0
    rate: float | None = None
    window: int = 1024
    hop: int = 512
    preset: str = "edge"
    classifier: str = "edge"
    front_end: str = "scalogram"

    @property
    def has_order_map(self) -> bool:
        return self.front_end == "order-map"

    @property
    def is_varied(self) -> bool:
        """Whether a classifier is trained on variations of heatmaps: an order map follows the
        speed already."""
        return self.is_elsewhere and not self.has_order_map

    @property
    def is_elsewhere(self) -> bool:
        """Whether the model is for other loads, speeds or bearings than it is trained on."""
        return self.protocol in ("load", "bearing")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON gives them back: lists for tuples.

        A scalogram goes without saying, so that tables and runs from before there was another
        front end can be gone on with.
        """
        facts = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        if not self.has_order_map:
            del facts["front_end"]
        return facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Settings:
        """The settings that ``to_json`` gave."""
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class Prepared:
    """Recordings at the model's rate, their split, and the drawn training windows."""

    settings: Settings
    recordings: list[Recording] = field(repr=False)
    classes: list[str]
    normal: str | None
    split: Split = field(repr=False)
    drawn: WindowIndex = field(repr=False)

    @property
    def rate_hz(self) -> float:
        return self.recordings[0].rate

    @property
    def unit(self) -> str:
        return self.recordings[0].unit

    @property
    def channels(self) -> tuple[str, ...]:
        return self.recordings[0].channels

    def cut(self, index: WindowIndex) -> NDArray[np.float32]:
        """Windows (n, channels, window)."""
        return cut(self.recordings, index, self.settings.window)

    def machines(self, index: WindowIndex) -> NDArray[np.float64] | None:
        """Of every window speed (rpm) and orders bpfo, bpfi, bsf, ftf, (n, 5), where the front
        end needs them."""
        if not self.settings.has_order_map:
            return None
        facts = np.array([astuple(kinematics(r)) for r in self.recordings])
        return facts[index.recording]

    def test_index(self, *, hop: int | None = None) -> WindowIndex:
        """Windows of the test part, every ``hop`` samples (default: the settings')."""
        return grid_windows(
            self.recordings,
            self.split.test,
            self.classes,
            window=self.settings.window,
            hop=hop or self.settings.hop,
        )

    def train_index(self, *, hop: int | None = None) -> WindowIndex:
        """All windows of the training part on a grid, drawn or not: for design choices."""
        return grid_windows(
            self.recordings,
            self.split.train,
            self.classes,
            window=self.settings.window,
            hop=hop or self.settings.hop,
        )


def prepare(settings: Settings, recordings: Sequence[Recording] | None = None) -> Prepared:
    """Load, resample, split and draw.

    Parameters
    ----------
    settings : Settings
    recordings : list of Recording, optional
        Already loaded by the same settings, where several runs share them.

    Raises
    ------
    InputError
        If the data, the protocol or the ratio cannot be used; two classes at least are needed.
    """
    _check(settings)
    if recordings is None:
        recordings = load(settings)
    if settings.protocol == "bearing":
        recordings = by_fault_location(recordings)
    classes = classes_of(recordings)
    if len(classes) < 2:
        raise InputError(
            f"got recordings of one class ({classes[0]}): expected at least two to tell apart"
        )
    units = sorted({r.unit for r in recordings})
    if len(units) > 1:
        raise InputError(f"got recordings in {', '.join(units)}: expected one unit for all")
    if settings.has_order_map:
        config = OrderMapConfig(rate_hz=recordings[0].rate, window=settings.window)
        # From the slowest on, which asks for the longest window.
        for machine in sorted(map(kinematics, recordings), key=lambda m: m.speed_rpm):
            require_fit(config, machine)
    parts = split(
        recordings,
        protocol=settings.protocol,
        seed=settings.seed,
        window=settings.window,
        hop=settings.hop,
        train_loads=settings.train_loads,
        test_loads=settings.test_loads,
    )
    normal = normal_class(recordings)
    drawn = draw_windows(
        recordings,
        parts.train,
        classes,
        window=settings.window,
        balance_ratio=settings.balance,
        n_normal=settings.n_normal,
        normal=normal,
        seed=settings.seed,
    )
    return Prepared(settings, list(recordings), classes, normal, parts, drawn)


def kinematics(recording: Recording) -> Kinematics:
    """Speed and fault orders of a recording.

    Raises
    ------
    InputError
        If it does not state them.
    """
    if missing := missing_kinematics(recording):
        raise InputError(
            f"recording {recording.recording_id} does not state {', '.join(missing)}: the order "
            "map needs the shaft's speed and the bearing's fault orders of all; state them (in a "
            "folder: speed_rpm and orders in format.json), or use the scalogram"
        )
    assert recording.speed_rpm is not None
    return Kinematics(recording.speed_rpm, **recording.fault_orders)


def missing_kinematics(recording: Recording) -> list[str]:
    """What a recording does not state of its speed and fault orders."""
    stated = {"speed_rpm": recording.speed_rpm, **recording.fault_orders}
    return [name for name in ("speed_rpm", *ORDERS) if not stated.get(name)]


def require_classifier(settings: Settings) -> None:
    """Make sure that the settings' classifier is one for their front end.

    Raises
    ------
    InputError
        If it is not.
    """
    if (settings.classifier == "bands") != settings.has_order_map:
        suits = "bands" if settings.has_order_map else "edge or another than bands"
        raise InputError(
            f"got classifier {settings.classifier!r} for the front end {settings.front_end}: "
            f"expected {suits}"
        )


def load(settings: Settings) -> list[Recording]:
    """The settings' recordings at the model's rate."""
    recordings = load_recordings(
        settings.data,
        root=settings.root,
        task=settings.task,
        channels=settings.channels,
        label=settings.label,
        rig_seed=settings.seed,
    )
    return to_rate(recordings, settings.rate)


def _check(settings: Settings) -> None:
    if settings.protocol not in PROTOCOLS:
        raise InputError(
            f"got protocol {settings.protocol!r}: expected one of {', '.join(PROTOCOLS)}"
        )
    if settings.front_end not in FRONT_ENDS:
        raise InputError(
            f"got front end {settings.front_end!r}: expected one of {', '.join(FRONT_ENDS)}"
        )
    for name, least in (("window", 1), ("hop", 1), ("target", 1), ("seed", 0)):
        value = getattr(settings, name)
        if value is not None and value < least:
            raise InputError(f"got {name} = {value}: expected {least} or more")
    if settings.rate is not None and not settings.rate > 0:
        raise InputError(f"got a rate of {settings.rate:g} Hz: expected more than 0")
