"""A diagnosis of windows: through quality checks and the engine to records and verdicts.

Windows go through in batches of columns. Only sound windows reach the engine: those that are fit,
and those whose flag may be the machine's own doing. Any other keeps its place with a null
diagnosis, so that nothing is dropped silently. Memory is constant.

Where more windows are complete than fit into a batch, the engine works on the next batches while
the records of one are made and written. It never waits for samples that are not there yet.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.certainty import OperatingPoint
from dlrsd.runtime.diagnosis.beside import EvidenceBeside
from dlrsd.runtime.diagnosis.day_time import dated, microseconds, start_time
from dlrsd.runtime.diagnosis.records import (
    SCHEMA_VERSION,
    BundleName,
    Change,
    Header,
    Summary,
    Verdict,
    WindowBatch,
)
from dlrsd.runtime.diagnosis.verdict import VerdictTracker
from dlrsd.runtime.dsp.quality import NON_FINITE, QUALITY, StreamQuality, is_sound, worst_of
from dlrsd.runtime.engines.engine import Engine, Output
from dlrsd.runtime.streams.frames import Framer, Frames, frames
from dlrsd.runtime.streams.stream import Chunk, SampleStream

MAX_HOP = 2**31  # samples; 50 hours at 12 kHz
# Diagnoses in a batch, at least: what a batch costs by itself is then small beside what its
# windows cost.
_BATCH = 1024
_AHEAD = 2  # batches that the engine may work on while another one is written


class Diagnosis:
    """A running diagnosis: iterate over it for batches of windows, ask it for the verdicts.

    Parameters are those of `diagnose`, the simpler way where speed does not matter, but ``point``.
    ``header`` is the first record; `summary` gives the last one at any time.
    """

    def __init__(
        self,
        stream: SampleStream,
        bundle: Bundle,
        engine: Engine,
        *,
        hop: int | None = None,
        point: OperatingPoint | None = None,
        beside: EvidenceBeside | None = None,
    ) -> None:
        self._beside = beside or EvidenceBeside()
        self._hop = bundle.hop if hop is None else hop
        if not 1 <= self._hop <= MAX_HOP:
            raise InputError(f"got a hop of {self._hop} samples, expected 1 to {MAX_HOP}")
        if bundle.channels not in (1, stream.channels):
            raise InputError(
                f"the stream has {stream.channels} channels, bundle {bundle.name} diagnoses "
                f"{bundle.channels} together: give a stream of these channels"
            )
        self._point = point
        self._limits = np.array(found.limits) if (found := bundle.manifest.certainty) else None
        self._stream = stream
        self._bundle = bundle
        self._engine = engine
        # A bundle of one channel diagnoses every channel of the stream on its own.
        self._rows = stream.channels if bundle.channels == 1 else 1
        self._numbers = stream.numbers if bundle.channels == 1 else [0]
        rule = bundle.manifest.verdict
        self._trackers = [
            VerdictTracker(
                bundle.classes,
                last=rule.last,
                hold=rule.hold,
                novelty_threshold=bundle.manifest.novelty.threshold,
                channel=channel,
            )
            for channel in self._numbers
        ]
        self._changes: list[tuple[int, Change]] = []
        self._windows = self._skipped = self._samples = self._unsure = 0
        self._quality = np.zeros(len(QUALITY), dtype=np.int64)
        self._labels = np.zeros((self._rows, len(bundle.classes)), dtype=np.int64)
        self._start, self._utc = start_time(stream.start)
        self._framer = Framer(window=bundle.window, hop=self._hop, batch=_BATCH)
        self._quality_of = StreamQuality(
            bundle.quality,
            window=bundle.window,
            hop=self._hop,
            rate_hz=bundle.rate_hz,
            channels=stream.channels,
        )
        self.header = self._describe()
        self._began = time.perf_counter()

    def __iter__(self) -> Iterator[WindowBatch]:
        """Batches of windows in order of time, each as soon as its last window is complete."""
        engine, length = self._engine, self._bundle.window
        size = max(1, max(_BATCH, engine.batch) // self._rows)
        waiting: deque[_Begun] = deque()
        # Two batches at once keep every core busy to the end of each; a GPU takes one at a time.
        with ThreadPoolExecutor(min(_AHEAD, engine.threads)) as pool:
            for some in frames(self._counted(), window=length, hop=self._hop, batch=size):
                begun = self._begin(some)
                if some.more or waiting:
                    begun = begun._replace(output=pool.submit(begun.output).result)
                waiting.append(begun)
                while waiting and (len(waiting) > _AHEAD or not some.more):
                    begun = waiting.popleft()
                    if len(batch := self._finish(begun)):
                        yield batch

    def push(self, chunk: Chunk) -> Iterator[WindowBatch]:
        """In place of iterating: batches of the windows that the next chunk completes.

        The chunk is as `SampleStream` gives it. Nothing is computed ahead.
        """
        self._samples += chunk.gap_before + chunk.samples.shape[1]
        for some in self._framer.push(chunk):
            if len(batch := self._finish(self._begin(some))):
                yield batch

    def use(self, engine: Engine) -> None:
        """From the next windows on, this engine of the same bundle."""
        self._engine = engine

    def verdicts(self) -> list[Verdict]:
        """The verdict on each channel as it stands."""
        return [self._beside.told(tracker.verdict()) for tracker in self._trackers]

    def take_changes(self) -> list[tuple[int, Change]]:
        """Changes of verdict since the last call, each with its channel."""
        changes, self._changes = self._changes, []
        return changes

    def summary(self, *, interrupted: bool = False) -> Summary:
        """The summary record of what was diagnosed so far, the verdicts among it."""
        elapsed = time.perf_counter() - self._began
        signal_s = self._samples / self._stream.rate_hz
        return Summary(
            windows=self._windows,
            records=int(self._quality.sum()),
            skipped_windows=self._skipped,
            quality=dict(zip(QUALITY, self._quality.tolist(), strict=True)),
            labels=[
                {"channel": channel} | dict(zip(self._bundle.classes, counts, strict=True))
                for channel, counts in zip(self._numbers, self._labels.tolist(), strict=True)
            ],
            verdicts=[dated(verdict, self._start, self._utc) for verdict in self.verdicts()],
            signal_s=round(signal_s, 6),
            elapsed_s=round(elapsed, 3),
            times_real_time=round(signal_s / max(elapsed, 1e-9), 1),
            trailing_bytes=self._stream.description.get("trailing_bytes", 0),
            warnings=list(self._stream.description.get("warnings", [])),
            interrupted=interrupted,
            unsure=self._unsure if self._point else None,
        )

    def _describe(self) -> Header:
        bundle, engine, stream = self._bundle, self._engine, self._stream
        manifest = bundle.manifest
        return Header(
            schema_version=SCHEMA_VERSION,
            dlrsd_version=VERSION,
            bundle=BundleName(bundle.name, manifest.created, bundle.manifest_sha256),
            engine=engine.name,
            engine_version=engine.version,
            device=engine.device,
            precision=engine.precision,
            classes=manifest.classes,
            normal_class=manifest.normal_class,
            rate_hz=stream.rate_hz,
            unit=stream.unit or bundle.unit,
            channels=stream.channels,
            channels_per_window=bundle.channels,
            window=bundle.window,
            hop=self._hop,
            start=stream.start.isoformat() if stream.start else None,
            stream=deepcopy(stream.description),
            novelty=manifest.novelty,
            quality=bundle.quality.asdict(),
            verdict=manifest.verdict,
            kinematics=engine.kinematics,
            certainty=manifest.certainty,
            risk=self._point,
        )

    def _counted(self) -> Iterator[Chunk]:
        for chunk in self._stream:
            self._samples += chunk.gap_before + chunk.samples.shape[1]
            yield chunk

    def _begin(self, some: Frames) -> _Begun:
        codes = self._quality_of.judge(some.signal, some.start, some.gap)
        sound = is_sound(codes, some.samples, self._bundle.quality)
        if self._bundle.channels == 1:
            quality, sound = codes.reshape(-1), sound.reshape(-1)
            windows = some.samples.reshape(len(quality), 1, -1)
        else:
            quality, sound = worst_of(codes, sound), np.asarray(sound.all(axis=1))
            windows = some.samples
        if not sound.all():
            windows = windows[sound]
        run = partial(self._engine.run, windows) if len(windows) else lambda: None
        return _Begun(some, quality, sound, run)

    def _finish(self, begun: _Begun) -> WindowBatch:
        self._count(begun.some, batch := self._batch(*begun[:3], begun.output()))
        return batch

    def _batch(
        self,
        some: Frames,
        quality: NDArray[np.uint8],
        sound: NDArray[np.bool_],
        output: Output | None,
    ) -> WindowBatch:
        """What the engine says of the ``sound`` windows, and nothing of the others."""
        n, classes = len(some.index), self._bundle.classes
        probabilities = np.full((len(quality), len(classes)), np.nan, dtype=np.float32)
        novelty = np.full(len(quality), np.nan, dtype=np.float32)
        if output is not None:
            probabilities[sound], novelty[sound] = output.probabilities, output.novelty
        # A graph that overflows on a window (half precision can) has not diagnosed it.
        failed = sound & ~np.isfinite(probabilities.sum(axis=1) + novelty)
        if failed.any():
            quality = np.where(failed, NON_FINITE, quality)
            probabilities[failed] = novelty[failed] = np.nan
        time_s = np.repeat(some.start / self._stream.rate_hz, self._rows)
        channel = np.tile(self._numbers, n)
        if output is not None:
            self._beside.listen(channel[sound], time_s[sound], output)
        return WindowBatch(
            classes=classes,
            window=np.repeat(some.index, self._rows),
            channel=channel,
            time_s=time_s,
            time=None if self._start is None else self._start + microseconds(time_s),
            utc=self._utc,
            label=np.where(sound & ~failed, probabilities.argmax(axis=1), -1),
            probabilities=probabilities,
            novelty=novelty,
            quality=quality,
            unsure=probabilities.max(axis=1) < self._point.limit if self._point else None,
        )

    def _count(self, some: Frames, batch: WindowBatch) -> None:
        self._windows += len(some.index)
        self._skipped += some.skipped
        self._quality += np.bincount(batch.quality, minlength=len(QUALITY))
        probability, unsure = batch.probability, batch.is_unsure
        sets = None if self._limits is None else batch.probabilities >= self._limits
        self._unsure += int(unsure.sum())
        given = np.where(unsure, -1, batch.label)
        for channel, tracker in enumerate(self._trackers):
            mine = slice(channel, None, self._rows)
            counts = np.bincount(given[mine] + 1, minlength=len(self._bundle.classes) + 1)
            self._labels[channel] += counts[1:]
            changes = tracker.update(
                batch.time_s[mine],
                batch.label[mine],
                probability[mine],
                batch.novelty[mine],
                batch.quality[mine],
                unsure[mine],
                None if sets is None else sets[mine],
            )
            self._changes += [
                (self._numbers[channel], dated(change, self._start, self._utc))
                for change in changes
            ]


class _Begun(NamedTuple):
    """Windows that the engine has been given, or will be when ``output`` is called."""

    some: Frames
    quality: NDArray[np.uint8]
    sound: NDArray[np.bool_]
    output: Callable[[], Output | None]
