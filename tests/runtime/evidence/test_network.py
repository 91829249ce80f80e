"""What a network said of the healthy machine, and how far another signal is from that."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.base.formats import FormatError, checked
from dlrsd.runtime.evidence.baseline import Level
from dlrsd.runtime.evidence.limit import Limit
from dlrsd.runtime.evidence.network import Heard, NetworkBaseline, distance, moved, scale_of

OWN = NetworkBaseline(
    bundle="b",
    manifest_sha256="0" * 64,
    classes={"Normal": 0.9, "IR": 0.1},
    novelty=Level(1.9, 0.03),
    novelty_limit=Limit(2.85),
    centre=[1.0, -2.0],
    scale=[0.5, 2.0],
    distance_limit=Limit(3.0),
)


def heard(*mean: float, novelty: float = 1.9) -> Heard:
    return Heard(novelty, np.array(mean), np.ones(2), np.zeros(5, np.int64))


def test_the_distance_is_in_spreads_of_single_windows() -> None:
    # 2 and 1 scales away: root of (4 + 1) / 2.
    apart = distance(np.array([[2.0, 0.0], [1.0, -2.0]]), np.array(OWN.centre), np.array(OWN.scale))
    np.testing.assert_allclose(apart, [np.sqrt(2.5), 0.0])


def test_what_hardly_moves_on_a_machine_is_not_weighed_more() -> None:
    scale = scale_of(np.array([[3.0, 0.0], [4.0, 0.0]]))
    np.testing.assert_allclose(scale, [np.sqrt(12.5), 0.1 * np.sqrt(12.5 / 2)])


def test_novel_is_what_this_machine_was_not_when_healthy() -> None:
    """A novelty of 1.9, far above the bundle's threshold of 1, is this machine's own."""
    assert moved(heard(1.0, -2.0), OWN) is None
    assert "a novelty of 2.90, 1.90 on this machine's" in str(moved(heard(1, -2, novelty=2.9), OWN))
    assert "3.5 spreads from this machine's healthy" in str(moved(heard(1 + 2.5, -2.0), OWN))


@pytest.mark.parametrize(
    "change", [{"scale": [0.5]}, {"scale": [0.5, 0.0]}, {"manifest_sha256": "x"}, {"centre": []}]
)
def test_what_no_commissioning_writes_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        checked({**structs.asdict(OWN), **change}, NetworkBaseline)
