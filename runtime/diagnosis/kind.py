"""How bundles of a kind are diagnosed, what their records say besides, and how that reads.

`Kind` is the kind of windows of vibration; others are subclasses. To add one, write it beside its
diagnosis and name it in `dlrsd.runtime.diagnosis.diagnose`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.certainty import OperatingPoint, operating_point
from dlrsd.runtime.diagnosis.beside import EvidenceBeside, begin_evidence
from dlrsd.runtime.diagnosis.records import Header, Summary
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.engines.engine import Engine
from dlrsd.runtime.streams.stream import SampleStream


class Kind:
    """Windows of vibration, each diagnosed on its own."""

    name: ClassVar[str] = "window"
    # Columns of `WindowBatch.extra`.
    columns: ClassVar[tuple[str, ...]] = ()
    # Whether a machine is commissioned with such a bundle.
    hears_machines: ClassVar[bool] = True

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
        """A running diagnosis; parameters as of `open_diagnosis`."""
        return Diagnosis(stream, bundle, engine, hop=hop, point=point, beside=beside)

    def operating_point(self, bundle: Bundle, risk: float | None) -> OperatingPoint | None:
        """What of a bundle keeps a risk; errors as of the function of this name."""
        if risk is None:
            return None
        return operating_point(bundle.manifest.certainty, risk, bundle.name)

    def evidence(
        self,
        description: dict[str, Any],
        machine: str | Path | None,
        beside: EvidenceBeside,
        bundle: Bundle,
    ) -> None:
        """Begin to look at a stream's lines; parameters as of `begin_evidence`."""
        begin_evidence(beside, description, machine, bundle)

    def filled(self, signal: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
        """A recorded signal (channels, samples) with what stands for missing samples."""
        return signal

    def is_fit(self, windows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which windows (n, channels, window) of a recorded signal the graph can be given."""
        return np.asarray(np.isfinite(windows).all(axis=(1, 2)))

    def pace(self, header: Header) -> str:
        """How fast samples come: "at 12000 Hz"."""
        return f"at {header.rate_hz:g} Hz"

    def assumed_rate(self, header: Header) -> str:
        """How a rate that nobody stated reads."""
        return f"{header.stream['assumed']['rate']}"

    def whose(self, channel: int) -> str:
        """What stands before what is said of a channel."""
        return f"channel {channel}: "

    def moment(self, seconds: float) -> str:
        """A time from the start of the stream."""
        return f"{seconds:.3f} s"

    def length(self, seconds: float) -> str:
        """A length of signal."""
        return f"{seconds:.1f} s"

    def totals(self, summary: Summary) -> list[str]:
        """Lines that end a summary."""
        return []
