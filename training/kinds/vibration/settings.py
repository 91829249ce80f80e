"""Everything that decides a training on windows of vibration but for the method."""

from __future__ import annotations

import math
import os
from typing import Annotated, cast

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.mansourifar_deep_smote import STEPS
from dlrsd.training.balance.pools import VIEWS
from dlrsd.training.data.vibration.splits import ELSEWHERE, PROTOCOLS
from dlrsd.training.fitting.schedule import CLASSIFIER, GENERATOR, Schedule
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.registry import FRONT_ENDS
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.kinds.checks import Count, Seed, one_of, require_known, require_least
from dlrsd.training.models.classifiers import CLASSIFIERS
from dlrsd.training.models.generator import PRESETS

AUTO = "auto"  # the front end that suits the protocol, and what recordings say of their machine


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long and how fast the networks of a run are trained.

    Parameters
    ----------
    generator, classifier : Schedule
    probe_epochs : int > 0
        Of the classifiers that only calibrate, see :mod:`dlrsd.training.evaluate.calibrate`.
    pair_steps : int > 0
        Of Deep SMOTE's network.
    views : int > 0
        Heatmaps of real windows that a class offers at least.
    """

    generator: Schedule = GENERATOR
    classifier: Schedule = CLASSIFIER
    probe_epochs: Count = 10
    pair_steps: Count = STEPS
    views: Count = VIEWS

    def __post_init__(self) -> None:
        require_least(self, probe_epochs=1, pair_steps=1, views=1)


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="window"
):
    """Everything that decides a run but for the method against the imbalance.

    Parameters
    ----------
    data, root, task, channels, label
        As in :func:`dlrsd.training.data.vibration.load.load_recordings`.
    protocol : "random", "block", "load", "bearing" or "rig"
    train_loads, test_loads : for the protocol ``load``
    balance : float >= 1
        Balance ratio BR: ``n_normal`` normal windows, ``n_normal`` / BR of every fault class.
    n_normal : int > 0
    target : int > 0, optional
        Windows of a class after balancing, those held out for validation not counted; default: of
        the largest class.
    seed : int >= 0
        Which part is tested, which windows are drawn, and the networks' first weights.
    rate : float >= 1, optional
        The model's sampling rate in Hz; default: the lowest of the recordings.
    window, hop : int > 0, optional
        Samples of a window, and between test windows; default: the front end's usual ones.
    preset : "edge" or "paper"
        Of the generator.
    classifier : str, optional
        A name of ``dlrsd.training.models.classifiers.CLASSIFIERS`` that takes the front end's
        heatmaps; default: the front end's usual one.
    front_end : str
        What windows are turned into: a name of ``FRONT_ENDS``; or "auto", until recordings are read
        (`dlrsd.training.kinds.vibration.settled`).
    training : Training

    Raises
    ------
    InputError
        If a value is none of those above, or the classifier takes other heatmaps.
    """

    data: str
    root: str | None = None
    task: str | None = None
    channels: tuple[str, ...] | None = None
    label: str | None = None
    protocol: Annotated[str, one_of(PROTOCOLS)] = "block"
    train_loads: tuple[float, ...] | None = None
    test_loads: tuple[float, ...] | None = None
    balance: float = 1.0
    n_normal: Count = 2000
    target: Count | None = None
    seed: Seed = 0
    rate: Annotated[float, msgspec.Meta(ge=1)] | None = None
    window: Count = cast(int, None)  # the front end's usual one, from the first line on
    hop: Count = cast(int, None)
    preset: Annotated[str, one_of(PRESETS)] = "edge"
    classifier: Annotated[str, one_of(CLASSIFIERS)] = cast(str, None)
    front_end: Annotated[str, one_of([*FRONT_ENDS, AUTO])] = Scalogram.name
    training: Training = Training()

    def __post_init__(self) -> None:
        require_known("protocol", self.protocol, PROTOCOLS)
        require_known("front end", self.front_end, [*FRONT_ENDS, AUTO])
        require_known("preset", self.preset, PRESETS)
        for name, usual in self.frontend.usual._asdict().items():
            if getattr(self, name) is None:
                msgspec.structs.force_setattr(self, name, usual)
        require_least(self, window=1, hop=1, target=1, n_normal=1, seed=0)
        if self.rate is not None and not 1 <= self.rate < math.inf:
            raise InputError(f"got a rate of {self.rate:g} Hz: expected 1 Hz or more")
        if self.classifier not in self.frontend.classifiers:
            raise InputError(
                f"got classifier {self.classifier!r} for the front end {self.front_end}: expected "
                f"{' or '.join(self.frontend.classifiers)}"
            )

    @property
    def frontend(self) -> type[FrontEnd]:
        return FRONT_ENDS.get(self.front_end, Scalogram)

    def decisive(self) -> Settings:
        """The settings without what decides nothing: where the data lie, how a folder is spelled,
        and loads of another protocol than ``load``."""
        data = os.path.normpath(self.data)
        same = msgspec.structs.replace(self, root=None, data=self.data if data == "rig" else data)
        if self.protocol == "load":
            return same
        return msgspec.structs.replace(same, train_loads=None, test_loads=None)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the model is for other loads, speeds, bearings or rigs than it is trained on."""
        return self.protocol in ELSEWHERE

    @property
    def is_for_any_rig(self) -> bool:
        """Whether the model shall diagnose streams of rigs that are in no training."""
        return self.protocol == "rig" and not self.frontend.sees_level

    @property
    def is_varied(self) -> bool:
        """Whether a classifier is trained on variations of heatmaps."""
        return self.is_elsewhere and self.frontend.varies


def require_suited(method: str, settings: Settings) -> None:
    """Make sure that a method suits the settings' front end.

    Raises
    ------
    InputError
        If it does not.
    """
    if why := settings.frontend.unsuited.get(method):
        raise InputError(f"got method {method} for the front end {settings.front_end}: {why}")
