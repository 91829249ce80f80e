"""One sensor's signal on its way to what its seconds say: levels, evidence, the network's word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.diagnosis.beside import EvidenceBeside, begin_at_machine
from dlrsd.runtime.diagnosis.records import WindowBatch
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine
from dlrsd.runtime.evidence.asking import fill_facts
from dlrsd.runtime.evidence.commissioned import MachineBaseline
from dlrsd.runtime.evidence.finding import Finding
from dlrsd.runtime.evidence.lines import Line
from dlrsd.runtime.evidence.windows import unfit
from dlrsd.runtime.machine.facts import Machine
from dlrsd.runtime.service.indicators.levels import levels_of
from dlrsd.runtime.service.page.live import SignalNow
from dlrsd.runtime.service.said import Levels, Second
from dlrsd.runtime.service.watching.conditions import Conditions
from dlrsd.runtime.service.watching.pieces import Piece
from dlrsd.runtime.streams.facts import unit_factor
from dlrsd.runtime.streams.live import LiveStream, described
from dlrsd.runtime.streams.source import Chunk

_SLOWEST_HZ, _FASTEST_HZ = 20.0, 1e6
_SAME_SPEED = 0.002  # share by which a speed may move before the bundle is told


class Word(Struct, frozen=True, kw_only=True):
    """The latest that was said of a sensor beside its levels."""

    finding: Finding | None = None
    label: str | None = None
    probabilities: dict[str, float] = {}
    novelty: float | None = None


class SensorLine:
    """One sensor: pieces of its signal come in, seconds go out.

    Parameters
    ----------
    machine : Machine
        Its only sensor is this one, as channel 0; a tacho, where there is one, is channel 1.
    rate_hz : float > 0
    unit : {"g", "m/s2"}
        Of the pieces.
    baseline : MachineBaseline, optional
    bundle : Bundle, optional
        Of one channel. Without it there are levels and evidence alone.
    engine : OnnxCpuEngine, optional
        Of the bundle, for any machine.

    Attributes
    ----------
    warnings : list of str
        What a person should know of how it is diagnosed.
    word : Word
    knows_speed : bool
        Whether the shaft's speed was known when it began: without, nothing asks for it later.

    Raises
    ------
    InputError
        If rate, unit or bearing do not fit the bundle or the baseline.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        rate_hz: float,
        unit: str,
        conditions: Conditions = Conditions(),
        baseline: MachineBaseline | None = None,
        bundle: Bundle | None = None,
        engine: OnnxCpuEngine | None = None,
    ) -> None:
        self.name, self._machine = machine.sensors[0].name, machine
        if not _SLOWEST_HZ < rate_hz <= _FASTEST_HZ:
            raise InputError(
                f"{rate_hz:g} samples a second: expected above {_SLOWEST_HZ:g} Hz, which is the "
                f"least for vibration, and at most {_FASTEST_HZ:g} Hz; correct the sensor"
            )
        self._rate_hz = rate_hz
        self._to_m_s2 = np.float32(unit_factor(unit, "m/s2", self.name))
        self._beside = EvidenceBeside(are_fit=True)
        self._diagnosis: Diagnosis | None = None
        self._fits = True
        self.word = Word()
        turning = machine.shaft.tacho is not None or machine.shaft.speed is not None
        facts = described(
            f"{machine.name}, sensor {self.name},",
            rate_hz=rate_hz,
            unit=unit,
            channels=2 if turning else 1,
            speed_rpm=conditions.speed_rpm or None,
            load=conditions.load,
        )
        self.warnings: list[str] = facts["warnings"]
        fill_facts(facts, machine)
        self._speed_rpm: float | None = facts["speed_rpm"]
        self.knows_speed = turning or facts["speed_rpm"] is not None
        self._orders: dict[str, float] | None = facts["orders"]
        self._left_out = 0  # samples that were not fit for evidence, since the last that were
        self._unfit: str | None = None
        if facts["orders"] is not None and (turning or facts["speed_rpm"]):
            begin_at_machine(self._beside, facts, machine, baseline, bundle)
        if bundle is not None and engine is not None:
            self._open(facts | {"channels": 1}, bundle, engine)

    def _open(self, facts: dict[str, Any], bundle: Bundle, engine: OnnxCpuEngine) -> None:
        """Diagnose with a bundle, where what it must know of the machine is known."""
        self._bundle, self._engine = bundle, engine
        kinematics = None
        try:
            self._live = LiveStream(facts, bundle.signal)
            kinematics = bundle.kinematics_of(self._live.stream)
            if kinematics is not None:
                engine = engine.at(kinematics)
            bundle.front_end.require_kinematics(kinematics, bundle.manifest.signal, bundle.name)
        except InputError as error:
            self.warnings.append(f"the bundle says nothing of sensor {self.name}: {error}")
            return
        self._kinematics = kinematics
        # Windows that overlap say little more, and cost as much again.
        self._diagnosis = Diagnosis(
            self._live.stream, bundle, engine, hop=bundle.window, beside=self._beside
        )

    def turn(self, conditions: Conditions) -> None:
        """From now on the machine runs so; a tacho knows the speed better."""
        speed_rpm = conditions.speed_rpm
        if speed_rpm is None or speed_rpm <= 0:
            return
        self._beside.turn(speed_rpm, conditions.load)
        if self._diagnosis is None or self._kinematics is None:
            return
        if abs(speed_rpm / self._kinematics.speed_rpm - 1) > _SAME_SPEED:
            self._kinematics = replace(self._kinematics, speed_rpm=speed_rpm)
            try:
                self._diagnosis.use(self._engine.at(self._kinematics))
                self._fits = True
            except InputError:  # too slow or too fast for the bundle's windows
                self._fits = False

    def take(self, piece: Piece, conditions: Conditions) -> Second | None:
        """What the next piece of signal says.

        Parameters
        ----------
        piece : Piece
            float32 samples, scaled, shape (1 or 2, n).
        conditions : Conditions
            As they are now.
        """
        flag = unfit(piece.samples[0], self._rate_hz)
        self._hear(piece, is_fit=flag is None)
        batches = self._diagnosed(Chunk(piece.samples[:1], piece.gap_before))
        self._listen(batches)
        if not piece.tells:
            return None
        self._unfit = flag = flag if piece.whole else "gap"
        levels = Levels()
        if flag is None:
            (levels,) = levels_of(piece.samples[:1] * self._to_m_s2, self._rate_hz)
        word, classes = self.word, self._bundle.classes if self._diagnosis else ()
        labels = np.concatenate([batch.label for batch in batches]) if batches else _NONE
        finding = word.finding
        turned = finding.speed_rpm if finding else None
        stated = conditions.speed_rpm
        return Second(
            machine=self._machine.name,
            sensor=self.name,
            time=piece.time,
            levels=levels,
            unfit=flag,
            speed_rpm=turned or self._speed_rpm if stated is None else stated,
            load=conditions.load,
            temperature_c=conditions.temperature_c,
            place=finding.verdict if finding else None,
            lines=_levels(finding.lines) if finding else None,
            sentence=finding.sentence if finding else None,
            label=word.label,
            normal_class=self._bundle.manifest.normal_class if self._diagnosis else None,
            labels={classes[i]: n for i, n in Counter(labels[labels >= 0].tolist()).items()},
            novelty=word.novelty,
            windows=len(labels),
            unfit_windows=int((labels < 0).sum()),
        )

    def told(self, samples: NDArray[np.float32], start: float) -> SignalNow:
        """What is said of the sensor's last seconds, given these, in m/s2. Any thread."""
        word, finding = self.word, self.word.finding
        return SignalNow(
            samples=samples,
            rate_hz=self._rate_hz,
            start=start,
            speed_rpm=(finding.speed_rpm if finding else None) or self._speed_rpm,
            orders=self._orders,
            place=finding.verdict if finding else None,
            sentence=finding.sentence if finding else None,
            label=word.label,
            normal_class=self._bundle.manifest.normal_class if self._diagnosis else None,
            probabilities=word.probabilities or None,
            novelty=word.novelty,
            unfit=self._unfit,
        )

    def _hear(self, piece: Piece, *, is_fit: bool) -> None:
        """Evidence comes of signal that is fit alone: what is not is a gap to it."""
        self._left_out += piece.gap_before
        if is_fit:
            self._beside.hear(Chunk(piece.samples, self._left_out))
            self._left_out = 0
        else:
            self._left_out += piece.samples.shape[1]

    def _diagnosed(self, chunk: Chunk) -> list[WindowBatch]:
        if self._diagnosis is None:
            return []
        return [b for part in self._live.push(chunk) for b in self._diagnosis.push(part)]

    def _listen(self, batches: list[WindowBatch]) -> None:
        """Take down what evidence and network say by now."""
        finding = self._beside.finding(0)
        word = structs.replace(self.word, finding=finding)
        fit = [batch for batch in batches if (batch.label >= 0).any()]
        if self._diagnosis is not None and batches:
            (verdict,) = self._diagnosis.verdicts()
            word = structs.replace(word, label=verdict.label if self._fits else None)
            if finding is not None and verdict.place is not None:
                told = structs.replace(
                    finding, verdict=verdict.place, sentence=verdict.evidence or finding.sentence
                )
                word = structs.replace(word, finding=told)
        if fit:
            last = fit[-1]
            row = int(np.flatnonzero(last.label >= 0)[-1])
            of_classes = zip(last.classes, last.probabilities[row].tolist(), strict=True)
            novelty = float(np.median(last.novelty[last.label >= 0]))
            word = structs.replace(word, probabilities=dict(of_classes), novelty=novelty)
        self.word = word


_NONE = np.empty(0, np.int64)


def _levels(lines: Sequence[Line]) -> dict[str, float]:
    """The mean level of each place's own lines, dB; over the baseline's where there is one."""
    own: dict[str, list[float]] = {}
    for line in lines:
        if not line.is_sideband:
            over = line.over_baseline_db
            own.setdefault(line.place, []).append(line.level_db if over is None else over)
    return {place: round(float(np.mean(levels)), 2) for place, levels in own.items()}
