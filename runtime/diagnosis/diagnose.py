"""Diagnose a stream with a bundle, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.diagnosis.sequences import SequenceDiagnosis
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.engines.engine import Engine
from dlrsd.runtime.streams.stream import SampleStream

if TYPE_CHECKING:
    from dlrsd.runtime.engines.onnx_sequence import OnnxSequenceEngine


def diagnose(
    stream: SampleStream, bundle: Bundle, engine: Engine, *, hop: int | None = None
) -> Iterator[dict[str, Any]]:
    """Diagnose a stream record by record.

    Parameters
    ----------
    stream : SampleStream
        From `open_stream`, with ``bundle.signal`` as its default.
    bundle : Bundle
    engine : Engine
        From `open_engine`.
    hop : int > 0, optional
        Samples from one window to the next; the bundle's own by default.

    Yields
    ------
    dict
        A header (``type`` "header"), a record per window and channel ("window") and a summary
        ("summary"), as in the JSONL file.

    Raises
    ------
    InputError
        If the stream's channels do not fit the bundle's, or the hop is not 1 to `MAX_HOP`.
    """
    diagnosis = open_diagnosis(stream, bundle, engine, hop=hop)
    yield diagnosis.header
    for batch in diagnosis:
        yield from batch.records()
    yield diagnosis.summary()


def open_diagnosis(
    stream: SampleStream, bundle: Bundle, engine: Engine, *, hop: int | None = None
) -> Diagnosis:
    """The `Diagnosis` that suits a bundle of windows, or of a sequence; parameters as there."""
    if bundle.is_sequence:
        return SequenceDiagnosis(stream, bundle, cast("OnnxSequenceEngine", engine), hop=hop)
    return Diagnosis(stream, bundle, engine, hop=hop)
