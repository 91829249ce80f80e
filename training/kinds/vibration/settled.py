"""Which front end a training gets where nobody states one: what protocol and recordings allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.fusion import PART
from dlrsd.training.data.vibration.recording import Recording, missing_kinematics
from dlrsd.training.frontends.fusion import Fusion
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import AUTO, Settings

_FUSION_SECONDS = 2.048  # of a window: 61 turns at 1800 rpm, 20 at 600


class Settled(NamedTuple):
    """Settings with a front end; and a sentence on it, where the data decided."""

    settings: Settings
    note: str | None


def settled(settings: Settings, recordings: Sequence[Recording]) -> Settled:
    """The settings with a front end: a fusion for other loads, bearings or rigs than trained on, if
    all recordings state their machine and hold a window of 2 s; else the scalogram."""
    if settings.front_end != AUTO:
        return Settled(settings, None)
    usual = replace(settings, front_end=Scalogram.name)
    if not settings.is_elsewhere:
        return Settled(usual, None)
    window = max(1, round(_FUSION_SECONDS * recordings[0].rate / PART)) * PART
    wide = replace(settings, front_end=Fusion.name, window=window, hop=window // 2, classifier=None)
    try:
        _require_for_fusion(settings, recordings, window)
        line.split(wide, recordings)
    except InputError as error:
        return Settled(usual, f"front end scalogram, not fusion: {error}")
    return Settled(
        wide,
        f"front end fusion, windows of {window} samples: all recordings state the shaft's speed "
        "and the bearing's orders",
    )


def _require_for_fusion(settings: Settings, recordings: Sequence[Recording], window: int) -> None:
    """A recording that holds no window would be left out without a word."""
    if settings.n_normal < Fusion.least_drawn * settings.balance:
        raise InputError(
            f"at a balance ratio of {settings.balance:g}, {settings.n_normal} normal windows leave "
            "a single one of every other class, and its experts need two"
        )
    if unknown := [r for r in recordings if missing_kinematics(r)]:
        raise InputError(
            f"{len(unknown)} of {len(recordings)} recordings do not state "
            f"{', '.join(missing_kinematics(unknown[0]))} (the first: {unknown[0].recording_id})"
        )
    if short := [r for r in recordings if r.n_samples < window]:
        raise InputError(
            f"{len(short)} of {len(recordings)} recordings are shorter than its windows of "
            f"{window / recordings[0].rate:.2f} s (the first: {short[0].recording_id})"
        )
