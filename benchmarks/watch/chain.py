"""From signal to the seconds that rules look at: quality, lines and network, as `diagnose` has it.

The service's own loop does the same for machines that are watched; this is it for a study, with
the scores of each window beside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from msgspec import structs

from benchmarks.watch.healthy_streams import SECONDS, Healthy
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.commissioning.commission import commission
from dlrsd.runtime.diagnosis.beside import EvidenceBeside, begin_evidence
from dlrsd.runtime.diagnosis.diagnose import open_diagnosis
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.evidence.asking import fill_facts
from dlrsd.runtime.evidence.commissioned import write_baseline
from dlrsd.runtime.evidence.windows import WindowEvidence
from dlrsd.runtime.machine.facts import Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import read_machine, write_machine
from dlrsd.runtime.service.said import Levels, Second
from dlrsd.runtime.streams.resample import resample
from dlrsd.runtime.streams.source import Chunk
from dlrsd.runtime.streams.stream import open_stream
from dlrsd.runtime.streams.stream_format import StreamFormat

_BAND_HZ = (10.0, 1000.0)


class _Beside(EvidenceBeside):
    """The evidence beside a diagnosis, with its latest windows to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[WindowEvidence] = []

    def watch(self) -> None:
        """Keep the windows that come."""
        (tracker,) = self._trackers.values()
        add = tracker.add

        def kept(window: WindowEvidence) -> None:
            self.windows.append(structs.replace(window, samples=window.samples[:0]))
            add(window)

        tracker.add = kept  # type: ignore[method-assign]


def commissioned(machine: Healthy, folder: Path, bundle: Bundle, seconds: float) -> list[float]:
    """Commission a machine into a folder; the velocity of each second of it."""
    folder.mkdir()
    orders = {order: getattr(machine.kinematics, order) for order in ORDERS}
    facts = Machine(
        schema_version=1,
        name=folder.name,
        shaft=Shaft(speed_rpm=machine.kinematics.speed_rpm),
        sensors=[Sensor(name="DE", channel=0, orders=orders)],
    )
    write_machine(facts, folder)
    recording = folder.with_suffix(".bin")
    pieces = list(islice(machine.pieces(False), round(seconds / SECONDS)))
    np.concatenate(pieces).tofile(recording)
    baseline = commission([str(recording)], facts, _form(machine), bundle=bundle, accept_lines=True)
    recording.unlink()
    write_baseline(baseline, folder)
    return [
        velocity(half, machine.rate_hz) for piece in pieces for half in np.array_split(piece, 2)
    ]


def seconds_of(
    machine: Healthy, folder: Path, bundle: Bundle, seconds: float, *, is_known: bool
) -> Iterator[tuple[Second, list[WindowEvidence]]]:
    """The seconds of a watch, each with the windows of evidence that it completes.

    Parameters
    ----------
    machine : Healthy
    folder : Path
        Of the machine, as `commissioned` left it.
    bundle : Bundle
    seconds : float
        For how long.
    is_known : bool
        Whether its baseline is used.
    """
    beside = _Beside()
    form = _form(machine, with_orders=not is_known)
    pieces = islice(machine.pieces(True), round(seconds / SECONDS))
    halves = (half for piece in pieces for half in np.array_split(piece, 2))
    first = folder.with_suffix(".first.bin")  # by which the stream is described
    np.zeros(1024, np.float32).tofile(first)
    levels: deque[float] = deque()

    def chunks() -> Iterator[Chunk]:
        for half in halves:
            chunk = Chunk(half[None], 0)
            levels.append(velocity(half, machine.rate_hz))
            beside.hear(chunk)
            yield chunk

    with open_stream(first, form, default=bundle.signal) as stream:
        if is_known:
            fill_facts(stream.description, read_machine(folder))
        begin_evidence(beside, stream.description, folder if is_known else None, bundle)
        beside.watch()
        engine = open_engine(bundle, kinematics=bundle.kinematics_of(stream), threads=1)
        stream.chunks = chunks()
        if machine.rate_hz != stream.rate_hz:
            stream.chunks = resample(
                chunks(), rate_hz=machine.rate_hz, target_hz=stream.rate_hz, channels=1
            )
        diagnosis = open_diagnosis(stream, bundle, engine, beside=beside)
        for at, _ in enumerate(diagnosis):
            (verdict,) = diagnosis.summary().verdicts
            windows, beside.windows = beside.windows, []
            yield (
                Second(
                    machine=folder.name,
                    sensor="DE",
                    time=float(at),
                    levels=Levels(velocity_mm_s=levels.popleft()),
                    place=verdict.place,
                    sentence=verdict.evidence,
                    label=verdict.label,
                    normal_class=bundle.manifest.normal_class,
                ),
                windows,
            )


def velocity(x: np.ndarray, rate_hz: float) -> float:
    """RMS of the velocity from 10 to 1000 Hz in mm/s, of acceleration in g."""
    spectrum = np.fft.rfft(x.astype(np.float64) * 9.80665)
    hz = np.fft.rfftfreq(len(x), 1 / rate_hz)
    inside = (hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])
    power = np.abs(spectrum[inside] / (2 * np.pi * hz[inside])) ** 2
    return float(1e3 * np.sqrt(2 * power.sum()) / len(x))


def _form(machine: Healthy, *, with_orders: bool = False) -> StreamFormat:
    orders = {order: getattr(machine.kinematics, order) for order in ORDERS}
    return StreamFormat(
        dtype="f32le",
        rate=machine.rate_hz,
        channels=1,
        unit="g",
        speed_rpm=machine.kinematics.speed_rpm,
        orders=orders if with_orders else None,
    )
