"""The word "unknown fault": only of a commissioned machine, and only where no class holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.diagnosis.beside import EvidenceBeside
from dlrsd.runtime.diagnosis.records import Verdict
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.evidence.baseline import Level, baseline_of
from dlrsd.runtime.evidence.commissioned import AtSpeed, Limit, SensorBaseline
from dlrsd.runtime.evidence.network import NetworkBaseline
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels, shape_of
from dlrsd.runtime.evidence.verdict import evidence
from dlrsd.runtime.evidence.windows import Asked
from dlrsd.runtime.streams.source import Chunk
from tests.runtime.evidence.machine import K6205, RATE, faulty, noise, shaft, turns

UNDECIDED = Verdict(
    channel=0, label="undecided", since_s=0.0, share=None, probability=None, novel_share=1.0,
    unfit_share=0.0, reason="unlike the training data", changes=0, latest_changes=[],
)  # fmt: skip


def healthy(seed: int) -> np.ndarray:
    signal: np.ndarray = noise(seed) + shaft(turns())
    return signal


@pytest.fixture(scope="module")
def commissioned() -> SensorBaseline:
    windows = [healthy(seed) for seed in range(20)]
    edges = band_edges(RATE)
    levels = np.array([band_levels(window, RATE, edges) for window in windows])
    at_speed = AtSpeed(
        speed_rpm=K6205.speed_rpm,
        windows=20,
        baseline=baseline_of([evidence(window, RATE, K6205) for window in windows]),
        shape=shape_of(levels, edges),
        score_limit=Limit(2.5),
        shape_limit=Limit(5.0),
    )
    orders = {name: getattr(K6205, name) for name in ORDERS}
    return SensorBaseline(sensor="DE", orders=orders, speeds=[at_speed])


def told(signal: np.ndarray, verdict: Verdict, **known: Any) -> Verdict:
    beside = EvidenceBeside()
    beside.begin(RATE, [Asked(0, K6205, **known)])
    beside.hear(Chunk(np.tile(signal, 3)[None].astype(np.float32), 0))
    return beside.told(verdict)


def test_a_fault_no_class_knows(commissioned: SensorBaseline) -> None:
    said = told(faulty("outer"), UNDECIDED, own=commissioned)
    assert (said.label, said.place) == ("unknown fault", "outer")
    assert "over its healthy level" in str(said.evidence)
    rubbing = 20 * noise(7) * np.sin(2 * np.pi * 2500 * np.arange(len(noise(7))) / RATE)
    said = told(healthy(30) + rubbing, UNDECIDED, own=commissioned)
    assert (said.label, said.place) == ("unknown fault", "unknown")


def test_not_where_the_machine_is_healthy_or_was_not_commissioned(
    commissioned: SensorBaseline,
) -> None:
    said = told(healthy(31), UNDECIDED, own=commissioned)
    assert (said.label, said.place) == ("undecided", "healthy")
    said = told(faulty("outer"), UNDECIDED)
    assert (said.label, said.place) == ("undecided", "outer")


def test_not_where_the_windows_are_too_few_or_classes_differ(commissioned: SensorBaseline) -> None:
    for reason in ("3 of the 7 fit windows that a verdict needs", None):
        said = told(faulty("outer"), structs.replace(UNDECIDED, reason=reason), own=commissioned)
        assert (said.label, said.place) == ("undecided", "outer")


def test_not_where_a_class_holds(commissioned: SensorBaseline) -> None:
    trained = structs.replace(UNDECIDED, label="OR007", share=1.0, probability=0.9)
    said = told(faulty("outer"), trained, own=commissioned)
    assert (said.label, said.place) == ("OR007", "outer")


def test_nothing_is_said_of_a_stream_whose_bearing_is_not_known() -> None:
    beside = EvidenceBeside()
    beside.hear(Chunk(np.zeros((1, 100_000), np.float32), 0))
    assert beside.told(UNDECIDED) == UNDECIDED


BUNDLE = load_bundle("cwru-6205")
NETWORK = NetworkBaseline(
    bundle=BUNDLE.name,
    manifest_sha256=BUNDLE.manifest_sha256,
    classes={"B007": 0.3, "Normal": 0.69, "IR007": 0.01},
    novelty=Level(1.4, 0.1),
    novelty_limit=Limit(2.1),
    centre=[0.0, 0.0],
    scale=[1.0, 1.0],
    distance_limit=Limit(3.0),
)


@pytest.mark.parametrize(
    ("label", "embedding", "says", "place", "reason"),
    [
        # What the network says of the healthy machine as well is no fault.
        ("B007", 0.5, "undecided", "healthy", "B007 by the network, as 30 % of this machine's"),
        # What it seldom or never said of it is.
        ("IR007", 0.5, "IR007", "healthy", None),
        ("Normal", 0.5, "Normal", "healthy", None),
        ("undecided", 0.5, "undecided", "healthy", "this machine's healthy signal is so too"),
        # What has moved away from the healthy machine is not normal.
        ("Normal", 5.0, "undecided", "unknown", "unlike this machine's healthy signal: 5.0 spread"),
        ("undecided", 5.0, "unknown fault", "unknown", "unlike the training data"),
        ("B007", 5.0, "B007", "unknown", None),
    ],
)
def test_the_networks_word_is_held_against_the_healthy_machine(
    commissioned: SensorBaseline,
    label: str,
    embedding: float,
    says: str,
    place: str,
    reason: str | None,
) -> None:
    speeds = [structs.replace(at, network=NETWORK) for at in commissioned.speeds]
    own = structs.replace(commissioned, speeds=speeds)
    beside = EvidenceBeside()
    beside.begin(RATE, [Asked(0, K6205, own=own)], bundle=BUNDLE)
    beside.hear(Chunk(np.tile(healthy(33), 5)[None].astype(np.float32), 0))
    n = 100  # in 10 s
    output = Output(
        np.ones((n, 3), np.float32),
        np.full((n, 2), embedding, np.float32),
        np.full(n, 1.4, np.float32),
    )
    beside.listen(np.zeros(n, np.int64), np.arange(n) / 10, output)
    verdict = UNDECIDED
    if label != "undecided":
        verdict = structs.replace(
            UNDECIDED, label=label, share=1.0, probability=0.9, reason=None, novel_share=0.0
        )
    said = beside.told(verdict)
    assert (said.label, said.place) == (says, place)
    assert (said.share is None) == (says in ("undecided", "unknown fault"))
    assert said.reason is None if reason is None else reason in str(said.reason)
