"""The records of a diagnosis: a header, one for every window and channel, and a summary.

They are lines of a JSONL file; ``records.schema.json`` is their published form. Windows travel in
batches of columns, because a record per window would cost more than the diagnosis itself;
`WindowBatch.records` gives them to who wants them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
from msgspec import Meta, Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.formats import json_schema
from dlrsd.runtime.bundle.certainty import Certainty, OperatingPoint
from dlrsd.runtime.bundle.parts import Novelty, VerdictRule
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.dsp.quality import QUALITY, Quality
from dlrsd.runtime.evidence.place import Place

SCHEMA_VERSION: Final = 1

_Seconds = Annotated[float, Meta(description="From the start of the stream.")]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Dated = Annotated[str | None, Meta(description="Time of day, where the stream's start is known.")]


class BundleName(Struct, frozen=True):
    """Which bundle diagnosed."""

    name: str
    created: str
    manifest_sha256: Annotated[str, Meta(description="Hash of all, by way of the files' hashes.")]


class Header(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="header"):
    """The first record: what is diagnosed by what."""

    schema_version: Annotated[Literal[1], Meta(description="Of the records.")]
    dlrsd_version: str
    bundle: BundleName
    engine: Annotated[str, Meta(description="onnxruntime, tensorrt or tensorrt_rtx.")]
    engine_version: str
    device: Annotated[str, Meta(description="cpu or cuda.")]
    precision: Annotated[str, Meta(description="fp32, fp16 or int8.")]
    classes: Annotated[list[str], Meta(description="In the order of the probabilities.")]
    normal_class: str | None
    rate_hz: Annotated[float, Meta(description="Of the windows.")]
    unit: Annotated[str, Meta(description="Of the windows.")]
    channels: Annotated[int, Meta(description="Of the stream.")]
    channels_per_window: Annotated[int, Meta(description="1: each is diagnosed on its own.")]
    window: Annotated[int, Meta(description="Samples of a window.")]
    hop: Annotated[int, Meta(description="Samples from one window to the next.")]
    start: Annotated[str | None, Meta(description="ISO 8601 time of the first sample.")]
    stream: Annotated[dict[str, Any], Meta(description="The stream as found.")]
    novelty: Novelty
    quality: Annotated[dict[str, Any], Meta(description="Limits of the quality flags.")]
    verdict: VerdictRule
    kind: Annotated[str, Meta(description="Of the bundle.")] = "window"
    channel_names: Annotated[list[str] | None, Meta(description="Of a sequence.")] = None
    hold: Annotated[int | None, Meta(description="Of a sequence: samples.")] = None
    kinematics: Annotated[Kinematics | None, Meta(description="That order maps are of.")] = None
    segment: Annotated[
        int, Meta(ge=0, description="Which of the diagnoses that one output holds, from 0.")
    ] = 0
    certainty: Annotated[
        Certainty | None, Meta(description="Of the bundle: what the verdicts' classes are by.")
    ] = None
    risk: Annotated[
        OperatingPoint | None,
        Meta(description="Asked for: a window less probable than its limit has no label."),
    ] = None


class WindowRecord(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="window"
):
    """The diagnosis of a window; null where its quality leaves none to make."""

    window: Annotated[int, Meta(description="Its number.")]
    channel: Annotated[int, Meta(description="0 where all channels are diagnosed together.")]
    time_s: _Seconds
    time: _Dated = None
    label: Annotated[str | None, Meta(description="The most probable class.")]
    probability: Annotated[_Share | None, Meta(description="Of the most probable class.")]
    probabilities: Annotated[dict[str, _Share] | None, Meta(description="By class.")]
    novelty: Annotated[float | None, Meta(description="Distance to the training data.")]
    quality: Annotated[Quality, Meta(description="ok, or what is wrong with the window.")]
    missing: Annotated[
        _Share | None, Meta(description="Of a sequence: share of the samples not measured.")
    ] = None
    reason: Annotated[
        Literal["unsure"] | None,
        Meta(description="Why a diagnosed window has no label: not sure enough for the risk."),
    ] = None


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of verdict."""

    time_s: _Seconds
    label: str
    decided_s: Annotated[float, Meta(description="Start of the window that decided it.")]
    time: _Dated = None
    decided: _Dated = None


class Verdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict on a channel; what does not apply is null."""

    channel: int
    label: Annotated[str, Meta(description="A class, unknown fault or undecided.")]
    since_s: Annotated[float | None, Meta(description="From the start of the stream.")]
    share: Annotated[
        _Share | None, Meta(description="Of the diagnosed windows since, with the label.")
    ]
    probability: Annotated[_Share | None, Meta(description="Mean on those.")]
    novel_share: Annotated[
        _Share | None, Meta(description="Of those, unlike the training data: novel or flagged.")
    ]
    unfit_share: Annotated[
        _Share | None, Meta(description="Of all windows of the recording, not diagnosed.")
    ]
    reason: Annotated[str | None, Meta(description="Where the label needs a word.")]
    changes: Annotated[int, Meta(description="How often the verdict changed.")]
    latest_changes: Annotated[list[Change], Meta(description="The last of them.")]
    since: _Dated = None
    place: Annotated[
        Place | None,
        Meta(description="What the lines of bearing, shaft and gears say, where they are known."),
    ] = None
    evidence: Annotated[str | None, Meta(description="The same in words.")] = None
    classes: Annotated[
        list[str] | None,
        Meta(
            description="Those in the sets of more than half of the last windows that are fit and "
            "not novel; none where most windows are like no class."
        ),
    ] = None


class Summary(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="summary"
):
    """The last record: verdicts and totals."""

    windows: int
    records: Annotated[int, Meta(description="A window has one for every channel.")]
    skipped_windows: Annotated[int, Meta(description="Wholly inside a long gap.")]
    quality: Annotated[dict[str, int], Meta(description="Records by quality.")]
    labels: Annotated[list[dict[str, int]], Meta(description="Of every channel, records by class.")]
    verdicts: list[Verdict]
    signal_s: Annotated[float, Meta(description="Length of the signal.")]
    elapsed_s: Annotated[float, Meta(description="How long the diagnosis took.")]
    times_real_time: Annotated[float, Meta(description="The one over the other.")]
    trailing_bytes: Annotated[int, Meta(description="No whole frame of raw samples.")]
    warnings: list[str]
    interrupted: bool
    samples: Annotated[int | None, Meta(description="Of a sequence: of all channels.")] = None
    missing_samples: Annotated[int | None, Meta(description="Of a sequence.")] = None
    unsure: Annotated[
        int | None, Meta(description="Where a risk was asked for, records not sure enough.")
    ] = None


Record = Header | WindowRecord | Summary


def records_schema() -> dict[str, Any]:
    """The content of the published ``records.schema.json``: a line of a JSONL file."""
    return json_schema(
        Record,
        identifier=f"dlrsd-records-{SCHEMA_VERSION}",
        title=f"A record of a dlrsd diagnosis, schema version {SCHEMA_VERSION}",
    )


class WindowBatch(Struct, frozen=True):
    """Diagnoses of n windows in order of time; a window of c channels diagnosed singly is c rows.

    Parameters
    ----------
    classes : tuple of str
        The K classes.
    window, channel : array, shape (n,), int
        Index of the window and of the channel (0 where the bundle takes all channels at once).
    time_s : array, shape (n,), float
        Start of the window, s from the start of the stream.
    time : array, shape (n,), datetime64[us], or None
        The same as time of day, where the stream's start is known; in UTC if ``utc``.
    label : array, shape (n,), int
        Index of the most probable class, -1 where the window is not diagnosed.
    probabilities, novelty : arrays, shape (n, K) and (n,), float32
        NaN where the window is not diagnosed.
    quality : array, shape (n,), uint8
        Index into `QUALITY`: "ok", or what is wrong with the window.
    extra : mapping of str to array, shape (n,), float
        What bundles of a kind say besides (`Kind.columns`), from 0 to 1.
    unsure : array, shape (n,), bool, or None
        Where a risk was asked for, which windows are not sure enough: what is written of them has
        no label.
    """

    classes: tuple[str, ...]
    window: NDArray[np.int64]
    channel: NDArray[np.int64]
    time_s: NDArray[np.float64]
    time: NDArray[np.datetime64] | None
    utc: bool
    label: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    novelty: NDArray[np.float32]
    quality: NDArray[np.uint8]
    extra: Mapping[str, NDArray[np.float64]] = {}
    unsure: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def probability(self) -> NDArray[np.float32]:
        """Of the most probable class, shape (n,), NaN where a window is not diagnosed."""
        largest: NDArray[np.float32] = self.probabilities.max(axis=1)
        return largest

    @property
    def is_unsure(self) -> NDArray[np.bool_]:
        """Which windows are not sure enough, shape (n,); none where no risk was asked for."""
        return np.zeros(len(self), bool) if self.unsure is None else self.unsure

    def after(self, rows: int) -> WindowBatch:
        """The same without its first rows."""
        columns = {
            name: values[rows:]
            for name, values in structs.asdict(self).items()
            if isinstance(values, np.ndarray)
        }
        extra = {name: values[rows:] for name, values in self.extra.items()}
        return structs.replace(self, **columns, extra=extra)

    def iso_times(self) -> list[str] | None:
        """ISO 8601 time of day of each window's start, or None where it is not known."""
        if self.time is None:
            return None
        zone = "Z" if self.utc else ""
        return [f"{text}{zone}" for text in np.datetime_as_string(self.time, unit="us")]

    def records(self) -> Iterator[WindowRecord]:
        """A record for every row; None for what was not diagnosed."""
        probabilities = np.round(self.probabilities.astype(float), 6).tolist()
        novelty = np.round(self.novelty.astype(float), 6).tolist()
        times, unsure = self.iso_times(), self.is_unsure
        for row, label in enumerate(self.label.tolist()):
            fit = label >= 0
            yield WindowRecord(
                window=int(self.window[row]),
                channel=int(self.channel[row]),
                time_s=round(float(self.time_s[row]), 6),
                time=times[row] if times is not None else None,
                label=self.classes[label] if fit and not unsure[row] else None,
                probability=probabilities[row][label] if fit else None,
                probabilities=(
                    dict(zip(self.classes, probabilities[row], strict=True)) if fit else None
                ),
                novelty=novelty[row] if fit else None,
                quality=QUALITY[self.quality[row]],
                reason="unsure" if unsure[row] else None,
                **{name: round(float(values[row]), 6) for name, values in self.extra.items()},
            )
