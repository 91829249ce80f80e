"""Evidence of a stream, one block of seconds after the other, each channel on its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.dsp.quality import OK, QUALITY, QualityLimits, window_quality
from dlrsd.runtime.evidence.commissioned import AtSpeed, SensorBaseline, outside
from dlrsd.runtime.evidence.spectral_shape import (
    band_levels,
    difference_in_words,
    distance,
)
from dlrsd.runtime.evidence.turning import Tacho, Turned, at_one_speed
from dlrsd.runtime.evidence.verdict import Evidence, evidence, stands_alone
from dlrsd.runtime.streams.blocks import Block, Blocks
from dlrsd.runtime.streams.source import Chunk

SECONDS = 2.0  # of a window, unless stated
MOST_SECONDS = 60.0
_PIECE = 1024  # samples that are judged fit or not at once
_FOLLOWED_DB = 3.0  # by which lines over their surroundings differ where both moved
_MOST_UNFIT = 0.1  # of a window's pieces
_ANY_LEVEL = QualityLimits(level_low=0.0, level_high=1e30)


class Asked(Struct, frozen=True):
    """What is looked for in a channel.

    Parameters
    ----------
    channel : int >= 0
    kinematics : Kinematics
        Of the bearing that its sensor is mounted at.
    teeth : sequence of int > 0
        Of the gears on the shaft.
    sensor : str, optional
        Its name in the facts on the machine.
    own : SensorBaseline, optional
        Of this sensor, when the machine was healthy.
    tacho : Tacho, optional
        By which the speed of each window is known, in place of that of ``kinematics``.
    doubt : str, optional
        Why no verdict can be given, whatever the signal says.
    load : float, optional
        At which the machine ran, in its own unit.
    """

    channel: int
    kinematics: Kinematics
    teeth: Sequence[int] = ()
    sensor: str | None = None
    own: SensorBaseline | None = None
    tacho: Tacho | None = None
    doubt: str | None = None
    load: float | None = None


class WindowEvidence(Struct, frozen=True):
    """What was found in one channel of one window.

    Attributes
    ----------
    channel : int
    time_s : float
        Start of the window, from the start of the stream.
    samples : array, shape (n,), float32
    evidence : Evidence
        Undecided, with the reason, where the window is unfit.
    unfit : str or None
        The quality flag, where it is.
    """

    channel: int
    time_s: float
    samples: NDArray[np.float32]
    evidence: Evidence
    unfit: str | None = None


class EvidenceWindows:
    """Evidence of a stream as its chunks come in. Memory is that of one window and one chunk.

    Parameters
    ----------
    rate_hz : float > 0
        Of the chunks.
    asked : sequence of Asked
    seconds : float, 0.1 to `MOST_SECONDS`
        Of a window.
    are_fit : bool
        Whether who pushes chunks has looked with `unfit` and leaves out what is not fit.

    Raises
    ------
    InputError
        If the seconds are others.
    """

    def __init__(
        self,
        rate_hz: float,
        asked: Sequence[Asked],
        seconds: float = SECONDS,
        *,
        are_fit: bool = False,
    ) -> None:
        if not 0.1 <= seconds <= MOST_SECONDS:
            raise InputError(
                f"got windows of {seconds:g} s: expected 0.1 to {MOST_SECONDS:g} s, and at least "
                "eight turns of the shaft"
            )
        self._rate_hz = rate_hz
        self._asked = asked
        self._are_fit = are_fit
        self._blocks = Blocks(max(1, round(seconds * rate_hz)))

    def push(self, chunk: Chunk) -> Iterator[WindowEvidence]:
        """The evidence of each window that the chunk completes, channel by channel."""
        for block in self._blocks.push(chunk):
            for asked in self._asked:
                yield self._of(block, asked)

    def turn(self, speed_rpm: float, load: float | None) -> None:
        """From now on the shaft turns at this speed, but where a tacho tells it, at this load."""
        self._asked = [
            structs.replace(
                each,
                kinematics=each.kinematics
                if each.tacho
                else replace(each.kinematics, speed_rpm=speed_rpm),
                load=load,
            )
            for each in self._asked
        ]

    def _of(self, block: Block, asked: Asked) -> WindowEvidence:
        x = block.samples[asked.channel]
        time_s = block.start / self._rate_hz
        flag = None if self._are_fit else unfit(x, self._rate_hz)
        if flag is not None:
            found = _undecided(f"the signal is unfit: {flag}", len(x) / self._rate_hz)
            return WindowEvidence(asked.channel, time_s, x, found, flag)
        return WindowEvidence(asked.channel, time_s, x, self._judged(block.samples, asked))

    def _judged(self, samples: NDArray[np.float32], asked: Asked) -> Evidence:
        x, rate_hz, kinematics = samples[asked.channel], self._rate_hz, asked.kinematics
        seconds, remark = len(x) / rate_hz, None
        if asked.doubt is not None:
            return _undecided(asked.doubt, seconds)
        turned = Turned(x, rate_hz, kinematics.speed_rpm)
        if asked.tacho is not None:
            try:
                turned = at_one_speed(samples, asked.channel, rate_hz, asked.tacho)
            except InputError as error:
                return _undecided(str(error), seconds)
            kinematics = replace(kinematics, speed_rpm=turned.speed_rpm)
            remark = turned.remark
        healthy = asked.own.at(turned.speed_rpm) if asked.own else None
        if asked.own is not None and (doubt := outside(asked.own, turned.speed_rpm, asked.load)):
            return _undecided(doubt, seconds)
        found = evidence(
            turned.x,
            turned.rate_hz,
            kinematics,
            teeth=asked.teeth,
            baseline=healthy.baseline if healthy else None,
        )
        if healthy is not None and found.verdict == "healthy":
            found = _or_unknown(found, x, rate_hz, healthy)
        if healthy is not None and found.verdict == "healthy":
            found = _or_suspected(found, healthy)
        if remark is not None:
            reason = f"{found.reason}; {remark}" if found.reason else remark
            found = structs.replace(found, reason=reason, sentence=f"{found.sentence} ({remark})")
        return found


def evidence_windows(
    chunks: Iterable[Chunk], rate_hz: float, asked: Sequence[Asked], *, seconds: float = SECONDS
) -> Iterator[WindowEvidence]:
    """Evidence of every window of a stream; parameters as of `EvidenceWindows`."""
    windows = EvidenceWindows(rate_hz, asked, seconds)
    for chunk in chunks:
        yield from windows.push(chunk)


def _undecided(reason: str, seconds: float) -> Evidence:
    return Evidence(
        verdict="undecided", sentence=f"undecided: {reason}", reason=reason, seconds=seconds
    )


def unfit(x: NDArray[np.float32], rate_hz: float) -> str | None:
    """The quality flag that most unfit pieces of a signal have, if a tenth of them are unfit.

    Parameters
    ----------
    x : array, shape (n > 0,), float32
        Of any level and unit; a piece has 1024 samples. One sample alone is flat.
    rate_hz : float > 0
    """
    if len(x) < 2:
        return "flat"
    size = min(_PIECE, len(x))
    pieces = x[: len(x) // size * size].reshape(-1, 1, size)
    codes = window_quality(pieces, _ANY_LEVEL, rate_hz=rate_hz)[:, 0]
    flagged = codes[codes != OK]
    if len(flagged) <= _MOST_UNFIT * len(codes):
        return None
    return QUALITY[int(np.bincount(flagged).argmax())]


def _or_unknown(
    found: Evidence, x: NDArray[np.float32], rate_hz: float, healthy: AtSpeed
) -> Evidence:
    """The same, or "unknown" where no line stands out and the signal is unlike the healthy one."""
    shape = healthy.shape
    levels = band_levels(x, rate_hz, np.array(shape.edges_hz))
    if distance(levels, shape) <= healthy.shape_limit.value:
        return found
    over = [line.over_baseline_db or 0.0 for line in found.lines if line.place == "shaft"]
    lines_too = bool(over) and abs(float(np.median(over))) < _FOLLOWED_DB
    how = difference_in_words(levels, shape, lines_too=lines_too)
    sentence = f"unknown: {how}; {found.sentence}"
    return structs.replace(found, verdict="unknown", sentence=sentence)


def _or_suspected(found: Evidence, healthy: AtSpeed) -> Evidence:
    """The same, or undecided where the lines are those that commissioning took for a fault's."""
    place = stands_alone(found)
    if place not in healthy.suspected:
        return found
    reason = (
        f"lines of {place} stand out, as they did when the machine was commissioned: check the "
        "bearing; if it is sound, commission again with --accept-lines"
    )
    return structs.replace(
        found, verdict="undecided", reason=reason, sentence=f"undecided: {reason}"
    )
