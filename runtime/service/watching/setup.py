"""From a ``watch.toml`` to the machines that are watched: every fact read, every mistake named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from msgspec import Struct

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.evidence.commissioned import MachineBaseline, read_baseline
from dlrsd.runtime.machine.facts import Machine
from dlrsd.runtime.machine.file import folder_of, read_machine
from dlrsd.runtime.machine.iso_20816 import limits
from dlrsd.runtime.service.alarms.kinds import rules_of
from dlrsd.runtime.service.alarms.rule import Limits
from dlrsd.runtime.service.sources.base import SignalSource, Source
from dlrsd.runtime.service.sources.standard_input import StandardInput
from dlrsd.runtime.service.watching.channels import require_signal
from dlrsd.runtime.service.watching.watch_file import NO_BUNDLE, MachineEntry, WatchFile


class Setup(Struct, frozen=True, kw_only=True):
    """A machine that is to be watched."""

    machine: Machine
    folder: Path
    sources: Sequence[Source]
    entry: MachineEntry | None = None
    baseline: MachineBaseline | None = None
    bundle: Bundle | None = None
    engine: OnnxCpuEngine | None = None
    limits: Limits = Limits()
    rehearse: bool = False

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def commissioned(self) -> float | None:
        """When its baseline was made, Unix time in s."""
        return commissioned_at(self.baseline) if self.baseline else None

    def is_like(self, other: Setup) -> bool:
        """Whether the same is watched in the same way."""
        bundles = [each.bundle.manifest_sha256 if each.bundle else None for each in (self, other)]
        return bundles[0] == bundles[1] and (
            (self.machine, self.sources, self.entry, self.baseline)
            == (other.machine, other.sources, other.entry, other.baseline)
        )


def commissioned_at(baseline: MachineBaseline) -> float:
    """When a baseline was made, Unix time in s.

    Raises
    ------
    InputError
        If what it states is no time.
    """
    try:
        return datetime.fromisoformat(baseline.created.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"its baseline states that it was made at {baseline.created[:40]!r}: expected a time "
            "such as 2026-01-31T12:00:00+00:00; commission the machine again"
        ) from error


class Bundles:
    """Every bundle and its graph, opened once for all machines."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Bundle, OnnxCpuEngine]] = {}

    def of(self, name: str) -> tuple[Bundle, OnnxCpuEngine]:
        """A bundle of windows of one channel, and its graph on the CPU.

        Raises
        ------
        InputError, BundleError, ExtraMissingError
            If it cannot be opened, or diagnoses something else.
        """
        if name not in self._open:
            bundle = load_bundle(name)
            if bundle.manifest.is_stateful or bundle.channels != 1:
                what = "slow signals" if bundle.manifest.is_stateful else "several channels at once"
                raise InputError(
                    f"bundle {bundle.name} diagnoses {what}: expected one that diagnoses each "
                    "sensor of a machine by itself"
                )
            engine = open_engine(
                bundle,
                engine="onnxruntime",
                device="cpu",
                threads=1,
                kinematics=bundle.trained_kinematics(),
            )
            self._open[name] = bundle, cast(OnnxCpuEngine, engine)
        return self._open[name]


def set_up(file: WatchFile, root: Path) -> tuple[list[Setup], list[str]]:
    """Read what the machines of a file are.

    Parameters
    ----------
    file : WatchFile
    root : Path
        The folder it stands in.

    Returns
    -------
    list of Setup
        Of the machines in which nothing is wrong.
    list of str
        What is wrong, one line each.
    """
    bundles = Bundles()
    wrong: dict[str, list[str]] = {}
    setups: list[Setup] = []
    for entry in file.machines:
        try:
            setup = _machine(entry, file, root, bundles)
            _require_other(setup, setups)
        except DlrsdError as error:
            wrong.setdefault(str(error), []).append(entry.machine)
            continue
        setups.append(setup)
    return setups, [f"{_named(of)}: {text}" for text, of in wrong.items()]


def _named(machines: Sequence[str]) -> str:
    """Machines in which the same is wrong."""
    if len(machines) == 1:
        return f"machine {machines[0]}"
    more = f" and {len(machines) - 3} more" if len(machines) > 3 else ""
    return f"machines {', '.join(machines[:3])}{more}"


def _require_other(setup: Setup, others: Sequence[Setup]) -> None:
    """Refuse a machine that has the name of another, or standard input as another has."""
    for other in others:
        if setup.name == other.name:
            raise InputError(
                f"another one is called {setup.name!r} as well; expected one name a machine: "
                "change the name in its machine.toml"
            )
        if _reads_input(setup) and _reads_input(other):
            raise InputError(
                f"it reads standard input as {other.name!r} does: expected one machine at most"
            )


def _reads_input(setup: Setup) -> bool:
    return any(isinstance(each, StandardInput) for each in setup.sources)


def _machine(entry: MachineEntry, file: WatchFile, root: Path, bundles: Bundles) -> Setup:
    folder = folder_of(root / entry.machine)
    machine = read_machine(folder)
    baseline = read_baseline(folder)
    if baseline is not None:
        commissioned_at(baseline)
    rules_of(entry.rules)
    require_signal(machine, entry.sources)
    name, bundle, engine = entry.bundle or file.bundle, None, None
    if name != NO_BUNDLE:
        own = root / name
        bundle, engine = bundles.of(str(own) if own.exists() else name)
    return Setup(
        machine=machine,
        folder=folder,
        entry=entry,
        sources=[_at(root, source) for source in entry.sources],
        baseline=baseline,
        bundle=bundle,
        engine=engine,
        limits=limits_of(machine, baseline, bundle),
    )


def _at(root: Path, source: Source) -> Source:
    return cast(Source, source.at(root)) if isinstance(source, SignalSource) else source


def limits_of(machine: Machine, baseline: MachineBaseline | None, bundle: Bundle | None) -> Limits:
    """The numbers that rules hold a machine's seconds against."""
    iso = machine.iso_20816_3
    at_speeds: dict[str, dict[float, dict[str, float]]] = {
        own.sensor: {
            at.speed_rpm: {name: level.limit.value for name, level in at.levels.items()}
            for at in own.speeds
        }
        for own in (baseline.sensors if baseline else ())
    }
    return Limits(
        zones=limits(iso) if iso else None,
        baseline={sensor: _highest(speeds.values()) for sensor, speeds in at_speeds.items()},
        at_speeds={sensor: speeds for sensor, speeds in at_speeds.items() if len(speeds) > 1},
        network_known=baseline is not None and bundle is not None and _knows(baseline, bundle),
    )


def _highest(speeds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for levels in speeds:
        for name, limit in levels.items():
            highest[name] = max(limit, highest.get(name, 0.0))
    return highest


def usual_levels(baseline: MachineBaseline | None) -> dict[str, float]:
    """RMS of the acceleration by sensor while a healthy machine runs, m/s2: at its quietest speed;
    of those sensors of which the baseline has it."""
    usual = {
        own.sensor: [
            at.levels["acceleration_m_s2"].usual
            for at in own.speeds
            if "acceleration_m_s2" in at.levels
        ]
        for own in (baseline.sensors if baseline else ())
    }
    return {sensor: min(levels) for sensor, levels in usual.items() if levels}


def _knows(baseline: MachineBaseline, bundle: Bundle) -> bool:
    """Whether every sensor was commissioned with this bundle."""
    networks = [at.network for own in baseline.sensors for at in own.speeds]
    return all(each and each.manifest_sha256 == bundle.manifest_sha256 for each in networks)
