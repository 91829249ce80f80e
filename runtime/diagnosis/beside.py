"""What physics says beside the network's word: evidence of the same stream, at its own rate.

The evidence is imported where it begins, for a diagnosis without it shall begin at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.diagnosis.records import Verdict
from dlrsd.runtime.diagnosis.verdict import UNDECIDED, UNLIKE
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.streams.source import Chunk

if TYPE_CHECKING:
    from dlrsd.runtime.bundle.bundle import Bundle
    from dlrsd.runtime.diagnosis.heard import NetworkHeard
    from dlrsd.runtime.engines.engine import Output
    from dlrsd.runtime.evidence.commissioned import AtSpeed, MachineBaseline
    from dlrsd.runtime.evidence.finding import Finding, FindingTracker
    from dlrsd.runtime.evidence.network import Heard
    from dlrsd.runtime.evidence.windows import Asked, EvidenceWindows
    from dlrsd.runtime.machine.facts import Machine

UNKNOWN_FAULT = "unknown fault"
_NO_SAMPLES = np.empty(0, np.float32)
_SOUND = ("healthy", "undecided")


class EvidenceBeside:
    """Evidence of a stream that is being diagnosed.

    Its `hear` is what `open_stream` tells of the stream; before the stream is known to have what
    evidence needs, and where it has not, it does nothing.

    Parameters
    ----------
    network : NetworkHeard, optional
        Is given what the network says of the stream's windows.
    are_fit : bool
        As of `EvidenceWindows`.
    """

    def __init__(self, network: NetworkHeard | None = None, *, are_fit: bool = False) -> None:
        self._are_fit = are_fit
        self._windows: EvidenceWindows | None = None
        self._asked: dict[int, Asked] = {}
        self._trackers: dict[int, FindingTracker] = {}
        self._network = network
        self._bundle: Bundle | None = None
        self._last: dict[int, deque[Heard]] = {}

    def begin(
        self,
        rate_hz: float,
        asked: Sequence[Asked],
        *,
        seconds: float | None = None,
        bundle: Bundle | None = None,
    ) -> None:
        """Look at a stream from now on.

        Parameters
        ----------
        rate_hz : float > 0
            Of the chunks that are heard.
        asked : sequence of Asked
        seconds : float, optional
            Of a window, if not `SECONDS`.
        bundle : Bundle, optional
            That diagnoses the stream: where a machine was commissioned with it, its network's word
            is held against what it said then.
        """
        from dlrsd.runtime.evidence.finding import LAST, FindingTracker
        from dlrsd.runtime.evidence.windows import SECONDS, EvidenceWindows

        self._windows = EvidenceWindows(rate_hz, asked, seconds or SECONDS, are_fit=self._are_fit)
        self._asked = {each.channel: each for each in asked}
        self._trackers = {each.channel: FindingTracker(each.channel) for each in asked}
        if bundle is not None:
            from dlrsd.runtime.diagnosis.heard import NetworkHeard

            self._bundle = bundle
            self._last = {each.channel: deque(maxlen=LAST) for each in asked}
            self._network = NetworkHeard(seconds or SECONDS, self._keep)

    def hear(self, chunk: Chunk) -> None:
        """Take in the next chunk of the stream."""
        if self._windows is None:
            return
        for window in self._windows.push(chunk):
            # Nobody asks for the samples, and hundreds of machines may be listened to.
            self._trackers[window.channel].add(structs.replace(window, samples=_NO_SAMPLES))

    def turn(self, speed_rpm: float, load: float | None = None) -> None:
        """From now on the shaft turns at this speed, unless a tacho tells it, at this load."""
        if self._windows is not None:
            self._windows.turn(speed_rpm, load)

    def finding(self, channel: int) -> Finding | None:
        """What the lines of a channel say; None where they are not looked at."""
        tracker = self._trackers.get(channel)
        return tracker.finding() if tracker else None

    def listen(
        self, channel: NDArray[np.int64], time_s: NDArray[np.float64], output: Output
    ) -> None:
        """Take in what the network says of n windows, in order of time; arrays of shape (n,)."""
        if self._network is not None:
            self._network.add(channel, time_s, output)

    def _keep(self, channel: int, _: int, heard: Heard) -> None:
        if channel in self._last:
            self._last[channel].append(heard)

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict of a channel with the place that its lines name.

        Where the signal is unlike all that was trained on, and the machine was commissioned, it is
        an unknown fault if the lines name one, or the network tells the signal from the machine's
        healthy one. A fault that the network named of the healthy machine as well is none.
        """
        finding = self.finding(verdict.channel)
        if finding is None:
            return verdict
        verdict = structs.replace(verdict, place=finding.verdict, evidence=finding.sentence)
        own = self._asked[verdict.channel].own
        at = own.at(finding.speed_rpm) if own is not None and finding.speed_rpm else None
        alike = self._against_healthy(verdict, at) if at is not None else None
        if alike is not None:
            verdict = alike
        is_unlike = verdict.label == UNDECIDED and (verdict.reason or "").startswith(UNLIKE)
        if is_unlike and own is not None and verdict.place not in _SOUND:
            verdict = structs.replace(verdict, label=UNKNOWN_FAULT)
        return verdict

    def _against_healthy(self, verdict: Verdict, at: AtSpeed) -> Verdict | None:
        """The verdict held against what the network said of the healthy machine, where known."""
        heard, own = self._last.get(verdict.channel), at.network
        if not heard or own is None or self._bundle is None:
            return None
        is_of_it = own.manifest_sha256 == self._bundle.manifest_sha256
        if not is_of_it or len(own.centre) != len(heard[-1].mean):
            return None
        from dlrsd.runtime.evidence.network import OWN_SHARE, moved

        how = [text for each in heard if (text := moved(each, own)) is not None]
        is_moved = 2 * len(how) > len(heard)
        reason, normal = verdict.reason, self._bundle.manifest.normal_class
        if is_moved:
            if verdict.place == "healthy":
                verdict = structs.replace(
                    verdict, place="unknown", evidence=f"unknown: {how[-1]}; {verdict.evidence}"
                )
            if verdict.label == normal:
                verdict = _undecided(verdict, f"unlike this machine's healthy signal: {how[-1]}")
        elif verdict.place == "healthy":
            share = own.classes.get(verdict.label, 0.0)
            if verdict.label == UNDECIDED and (reason or "").startswith(UNLIKE):
                said = f"{reason}; this machine's healthy signal is so too"
                verdict = structs.replace(verdict, reason=said)
            elif verdict.label not in (UNDECIDED, normal) and share >= OWN_SHARE:
                verdict = _undecided(
                    verdict,
                    f"{verdict.label} by the network, as {100 * share:.0f} % of this machine's "
                    "healthy windows were",
                )
        return verdict


def _undecided(verdict: Verdict, reason: str) -> Verdict:
    return structs.replace(verdict, label=UNDECIDED, share=None, probability=None, reason=reason)


def begin_evidence(
    beside: EvidenceBeside,
    description: dict[str, Any],
    machine: str | Path | None,
    bundle: Bundle,
) -> None:
    """Look at a stream if its speed and bearing are known, by itself or from the machine's folder.

    Parameters
    ----------
    beside : EvidenceBeside
    description : dict
        Of the stream that it hears.
    machine : str or Path, optional
        The machine's folder; its baseline is used where it was commissioned.
    bundle : Bundle
        That diagnoses the stream.

    Raises
    ------
    InputError
        If a machine is given and does not fit the stream, or options state a speed without a
        bearing or a bearing without a speed.
    """
    if machine is None:
        orders, speed = description["orders"], description["speed_rpm"]
        tacho = description["tacho"]
        if orders is None or (speed is None and tacho is None):
            _refuse_half(description["stated_by"])
            return
        if why := odd_orders(Kinematics(speed or 1.0, **orders)):
            description["warnings"].append(
                f"no lines are looked for: the orders stated fit no rolling bearing: {why}"
            )
            return
        from dlrsd.runtime.evidence.asking import asked_of

        beside.begin(description["rate_hz"], asked_of(description))
        return
    from dlrsd.runtime.evidence.commissioned import read_baseline
    from dlrsd.runtime.machine.file import folder_of, read_machine

    baseline = read_baseline(folder_of(machine))
    begin_at_machine(beside, description, read_machine(machine), baseline, bundle)


def begin_at_machine(
    beside: EvidenceBeside,
    description: dict[str, Any],
    machine: Machine,
    baseline: MachineBaseline | None,
    bundle: Bundle | None,
) -> None:
    """Look at a stream of a machine; parameters and errors as of `begin_evidence`."""
    from dlrsd.runtime.evidence.asking import asked_of

    asked = asked_of(description, machine=machine, baseline=baseline)
    seconds = baseline.seconds if baseline else None
    known = _bundles_of(baseline) if baseline is not None else {}
    is_known = bundle is not None and bundle.manifest_sha256 in known
    beside.begin(
        description["rate_hz"], asked, seconds=seconds, bundle=bundle if is_known else None
    )
    if known and bundle is not None and not is_known:
        names = " and ".join(f"bundle {name} ({sha[:12]})" for sha, name in known.items())
        description["warnings"].append(
            f"the machine was commissioned with {names}, not with this one: what is novel is "
            "judged by the bundle's own threshold"
        )


def _bundles_of(baseline: MachineBaseline) -> dict[str, str]:
    """The names of the bundles it was made with, by their hash."""
    return {
        at.network.manifest_sha256: at.network.bundle
        for each in baseline.sensors
        for at in each.speeds
        if at.network is not None
    }


def _refuse_half(stated_by: dict[str, str]) -> None:
    if stated_by.get("speed_rpm") == "option":
        raise InputError(
            "got --speed and no bearing: give --bearing, --geometry or --orders too, for its lines "
            "to be looked at, or leave --speed out"
        )
    if stated_by.get("orders") == "option":
        raise InputError(
            "got a bearing and no speed of the shaft: give --speed too, for the bearing's lines to "
            "be looked at, or leave the bearing out"
        )
