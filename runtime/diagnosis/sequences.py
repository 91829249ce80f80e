"""Diagnose a slow stream with a sequence bundle: a state is carried from window to window.

Missing samples are normal in plant data: they are held as in training, counted, and refuse no
window. A gap of the clock is as so many missing samples, unless it is so long that windows are
skipped: then the state begins anew. A window in which nothing at all was measured, or which the end
of the stream cuts short, is a "gap": it is not diagnosed and leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.certainty import OperatingPoint
from dlrsd.runtime.bundle.sequence import SlowSignal
from dlrsd.runtime.diagnosis.beside import EvidenceBeside
from dlrsd.runtime.diagnosis.kind import Kind
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.dsp.missing import Hold, hold_last
from dlrsd.runtime.dsp.quality import GAP, OK
from dlrsd.runtime.engines.engine import Engine, Output, StatefulEngine
from dlrsd.runtime.streams.frames import FILLED_WINDOWS, frames
from dlrsd.runtime.streams.stream import Chunk, SampleStream

_BATCH = 64  # steps after which an interrupt is heeded


class SequenceDiagnosis(Diagnosis):
    """A running diagnosis, step by step; see `Diagnosis`."""

    def __init__(
        self,
        stream: SampleStream,
        bundle: Bundle,
        engine: StatefulEngine,
        *,
        hop: int | None = None,
    ) -> None:
        if hop not in (None, bundle.hop):
            raise InputError(
                f"got a hop of {hop} samples, but the state of bundle {bundle.name} goes on by "
                f"{bundle.hop} samples a step: omit it"
            )
        self._signal = _slow(bundle)
        super().__init__(stream, bundle, engine)
        self._steps = engine
        self._missing = 0

    def __iter__(self) -> Iterator[WindowBatch]:
        """Batches of steps in order of time, each as soon as its last window is complete."""
        channels, window = self._bundle.channels, self._bundle.window
        state = self._steps.zero_state()
        held = self._held(window)
        for some in frames(held, window=window, hop=self._hop, batch=_BATCH, fill=np.nan):
            if some.skipped:
                state = self._steps.zero_state()
            windows, measured = some.samples[:, :channels], some.samples[:, channels:] == 1
            is_cut_short = some.start + window > self._samples
            fit = measured.any(axis=(1, 2)) & ~is_cut_short
            output = None
            if not is_cut_short.all():
                # Where nothing was measured there is nothing to say, but time goes on, as it
                # did in training.
                output, state = self._steps.advance(windows[~is_cut_short], state)
                output = Output(*(part[fit[~is_cut_short]] for part in output))
            batch = self._batch(some, np.where(fit, OK, GAP).astype(np.uint8), fit, output)
            batch = structs.replace(batch, extra={"missing": 1 - measured.mean(axis=(1, 2))})
            self._count(some, batch)
            if len(batch):
                yield batch

    def summary(self, *, interrupted: bool = False) -> Summary:
        """As `Diagnosis.summary`; `samples` are those of all channels."""
        return structs.replace(
            super().summary(interrupted=interrupted),
            samples=self._samples * self._bundle.channels,
            missing_samples=self._missing,
        )

    def _describe(self) -> Header:
        return structs.replace(
            super()._describe(),
            quality={},
            kind="sequence",
            channel_names=self._signal.channel_names,
            hold=self._signal.hold,
        )

    def _held(self, window: int) -> Iterator[Chunk]:
        """The channels of the stream, held; then one of each that is 1 where it was measured."""
        channels, samples = self._bundle.channels, self._signal.hold
        hold = Hold(channels, samples)

        def stacked(part: NDArray[np.floating]) -> NDArray[np.float32]:
            filled, missing = hold(part)
            self._missing += int(missing.sum())
            return np.concatenate([filled, ~missing], axis=0, dtype=np.float32)

        for chunk in self._counted():
            gap, held = chunk.gap_before, chunk.gap_before
            if gap - samples > FILLED_WINDOWS * window:
                held = samples  # the rest is left to `frames`, which skips windows there
            if held:
                yield Chunk(stacked(np.full((channels, held), np.nan, np.float32)))
            self._missing += (gap - held) * channels
            yield Chunk(stacked(chunk.samples), gap - held)


class SequenceKind(Kind):
    """Slow signals, diagnosed step by step."""

    name = "sequence"
    columns = ("missing",)
    hears_machines = False

    def open(
        self,
        stream: SampleStream,
        bundle: Bundle,
        engine: Engine,
        *,
        hop: int | None,
        point: OperatingPoint | None = None,
        beside: EvidenceBeside | None = None,
    ) -> Diagnosis:
        return SequenceDiagnosis(stream, bundle, cast(StatefulEngine, engine), hop=hop)

    def operating_point(self, bundle: Bundle, risk: float | None) -> OperatingPoint | None:
        if risk is not None:
            raise InputError("bundles of slow signals state no risk: leave --risk out")
        return None

    def evidence(
        self,
        description: dict[str, Any],
        machine: str | Path | None,
        beside: EvidenceBeside,
        bundle: Bundle,
    ) -> None:
        stated = description["stated_by"]
        for fact, option in (("speed_rpm", "--speed"), ("orders", "--bearing or --orders")):
            if stated.get(fact) == "option":
                raise InputError(f"slow signals have no use for {option}: leave it out")
        if machine is not None:
            raise InputError("slow signals have no use for --machine: leave it out")

    def filled(self, signal: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
        return hold_last(signal, _slow(bundle).hold)[0]

    def is_fit(self, windows: NDArray[np.float32]) -> NDArray[np.bool_]:
        return np.ones(len(windows), bool)  # the graph takes what is missing

    def pace(self, header: Header) -> str:
        step = _clock(header.hop / header.rate_hz)
        return f"every {_clock(1 / header.rate_hz)}, a step every {step},"

    def assumed_rate(self, header: Header) -> str:
        return f"a sample every {_clock(1 / header.rate_hz)}"

    def whose(self, channel: int) -> str:
        return ""  # all channels together are diagnosed

    def moment(self, seconds: float) -> str:
        return _clock(seconds)

    def length(self, seconds: float) -> str:
        return _clock(seconds)

    def totals(self, summary: Summary) -> list[str]:
        missing, samples = summary.missing_samples or 0, summary.samples or 0
        return [
            f"{missing} of {samples} sample{'s' * (samples != 1)} "
            f"({100 * missing / max(1, samples):.1f} %) were not measured"
        ]


def _slow(bundle: Bundle) -> SlowSignal:
    """The signal of a sequence bundle."""
    return cast(SlowSignal, bundle.manifest.signal)


def _clock(seconds: float) -> str:
    """A long time as "0:15:00" or "2 days, 6:00:00"."""
    return str(timedelta(seconds=round(seconds)))
