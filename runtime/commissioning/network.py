"""What a bundle's network says of the healthy recordings, and the limits that follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.commissioning.tail import FEWEST, limit_passed_once_in
from dlrsd.runtime.diagnosis.beside import EvidenceBeside
from dlrsd.runtime.diagnosis.diagnose import kind_of
from dlrsd.runtime.diagnosis.heard import NetworkHeard
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.evidence.asking import fill_facts
from dlrsd.runtime.evidence.baseline import Level
from dlrsd.runtime.evidence.limit import Limit
from dlrsd.runtime.evidence.network import (
    LEAST_DISTANCE,
    LEAST_NOVELTY,
    Heard,
    NetworkBaseline,
    distance,
    scale_of,
)
from dlrsd.runtime.machine.facts import Machine
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

Stretches = dict[tuple[int, int], Heard]
_FAR = 3.0  # times what was farthest, where no rate can be stated


def listen(
    source: str, form: StreamFormat, bundle: Bundle, machine: Machine, *, seconds: float
) -> Stretches:
    """What the network says of each stretch of a recording, by channel and number of the stretch.

    Raises
    ------
    InputError
        If the bundle is for slow signals, or the recording does not fit it.
    """
    kind = kind_of(bundle)
    if not kind.hears_machines:
        raise InputError(
            f"bundle {bundle.name} is for slow signals: expected one for vibration, or leave "
            "--bundle out"
        )
    found: Stretches = {}

    def keep(channel: int, stretch: int, heard: Heard) -> None:
        found[channel, stretch] = heard

    gathered = NetworkHeard(seconds, keep)
    with open_stream(source, form, default=bundle.signal) as stream:
        fill_facts(stream.description, machine)
        engine = open_engine(bundle, kinematics=bundle.kinematics_of(stream))
        for _ in kind.open(stream, bundle, engine, hop=None, beside=EvidenceBeside(gathered)):
            pass
    gathered.end()
    return found


def network_baseline(bundle: Bundle, heard: Sequence[Heard], n_month: float) -> NetworkBaseline:
    """What the network says of a healthy sensor at one speed.

    Parameters
    ----------
    bundle : Bundle
    heard : sequence of Heard, not empty
    n_month : float > 1
        Verdicts of which one may pass a limit.
    """
    novelty = np.array([each.novelty for each in heard])
    means = np.array([each.mean for each in heard])
    centre, scale = np.median(means, axis=0), scale_of(np.array([each.spread for each in heard]))
    counts = np.bincount(
        np.concatenate([each.labels for each in heard]), minlength=len(bundle.classes)
    )
    middle = float(np.median(novelty))
    return NetworkBaseline(
        bundle=bundle.name,
        manifest_sha256=bundle.manifest_sha256,
        classes=dict(zip(bundle.classes, (counts / counts.sum()).round(4).tolist(), strict=True)),
        novelty=Level(middle, max(float(novelty.std()), 1e-6)),
        novelty_limit=_limit(novelty, n_month, LEAST_NOVELTY * middle),
        centre=centre.tolist(),
        scale=scale.tolist(),
        distance_limit=_limit(distance(means, centre, scale), n_month, LEAST_DISTANCE),
    )


def _limit(figures: NDArray[np.float64], n_month: float, least: float) -> Limit:
    if len(figures) < FEWEST:
        return Limit(max(least, _FAR * float(figures.max())))
    found = limit_passed_once_in(n_month, figures)
    return structs.replace(found, value=max(least, found.value))
