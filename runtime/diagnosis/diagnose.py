"""Diagnose a stream with a bundle, record by record."""

from __future__ import annotations

from collections.abc import Iterator

from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.diagnosis.beside import EvidenceBeside
from dlrsd.runtime.diagnosis.kind import Kind
from dlrsd.runtime.diagnosis.records import Record
from dlrsd.runtime.diagnosis.sequences import SequenceKind
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.engines.engine import Engine
from dlrsd.runtime.streams.stream import SampleStream

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Kind(), SequenceKind())}


def diagnose(
    stream: SampleStream,
    bundle: Bundle,
    engine: Engine,
    *,
    hop: int | None = None,
    risk: float | None = None,
) -> Iterator[Record]:
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
    risk : 0 < float < 1, optional
        Share of the diagnoses given that may be wrong: windows that are not sure enough get no
        label and count for no class. By default every fit window gets one.

    Yields
    ------
    Header, WindowRecord or Summary
        A header, a record for every window and channel, and a summary, as in the JSONL file.

    Raises
    ------
    InputError
        If the stream's channels do not fit the bundle's, the hop is not 1 to `MAX_HOP`, or the
        bundle cannot state the risk.
    """
    diagnosis = open_diagnosis(stream, bundle, engine, hop=hop, risk=risk)
    yield diagnosis.header
    for batch in diagnosis:
        yield from batch.records()
    yield diagnosis.summary()


def open_diagnosis(
    stream: SampleStream,
    bundle: Bundle,
    engine: Engine,
    *,
    hop: int | None = None,
    risk: float | None = None,
    beside: EvidenceBeside | None = None,
) -> Diagnosis:
    """A running diagnosis, for batches of windows in place of records.

    Parameters are those of `diagnose`, and ``beside``, the evidence of the same stream.
    """
    kind = kind_of(bundle)
    point = kind.operating_point(bundle, risk)
    return kind.open(stream, bundle, engine, hop=hop, point=point, beside=beside)


def kind_of(bundle: Bundle) -> Kind:
    """The kind that a bundle is of."""
    return KINDS[bundle.manifest.kind]
