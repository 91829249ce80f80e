"""Diagnose a slow stream with a sequence bundle: a state is carried from window to window.

Missing samples are normal in plant data: they are held as in training, counted, and refuse no
window. A gap of the clock is as so many missing samples, unless it is so long that windows are
skipped: then the state begins anew. A window in which nothing at all was measured, or which the end
of the stream cuts short, is a "gap": it is not diagnosed and leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.diagnosis.records import WindowBatch
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.dsp.missing import Hold
from dlrsd.runtime.dsp.quality import GAP, OK
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.engines.onnx_sequence import OnnxSequenceEngine
from dlrsd.runtime.streams.frames import FILLED_WINDOWS, frames
from dlrsd.runtime.streams.stream import Chunk, SampleStream

_BATCH = 64  # steps after which an interrupt is heeded


class SequenceDiagnosis(Diagnosis):
    """A running diagnosis, step by step; see `Diagnosis`."""

    def __init__(
        self,
        stream: SampleStream,
        bundle: Bundle,
        engine: OnnxSequenceEngine,
        *,
        hop: int | None = None,
    ) -> None:
        if hop not in (None, bundle.hop):
            raise InputError(
                f"got a hop of {hop} samples, but the state of bundle {bundle.name} goes on by "
                f"{bundle.hop} samples a step: omit it"
            )
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
            batch = self._batch(some, np.where(fit, OK, GAP).astype(np.uint8), output)
            batch = replace(batch, missing=1 - measured.mean(axis=(1, 2)))
            self._count(some, batch)
            yield batch

    def summary(self, *, interrupted: bool = False) -> dict[str, Any]:
        """As `Diagnosis.summary`; `samples` are those of all channels."""
        return super().summary(interrupted=interrupted) | {
            "samples": self._samples * self._bundle.channels,
            "missing_samples": self._missing,
        }

    def _describe(self) -> dict[str, Any]:
        signal = self._bundle.manifest["signal"]
        return super()._describe() | {
            "kind": "sequence",
            "channel_names": signal["channel_names"],
            "hold": signal["hold"],
        }

    def _held(self, window: int) -> Iterator[Chunk]:
        """The channels of the stream, held; then one of each that is 1 where it was measured."""
        channels, samples = self._bundle.channels, self._bundle.manifest["signal"]["hold"]
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
