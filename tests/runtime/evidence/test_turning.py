"""A shaft whose speed moves within a window: its tacho brings the lines back."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.evidence.turning import Tacho, at_one_speed
from dlrsd.runtime.evidence.windows import Asked, evidence_windows
from dlrsd.runtime.streams.source import Chunk
from tests.runtime.evidence.machine import K6205, RATE, noise, shaft, strikes

SECONDS = 4.0
T = np.arange(round(SECONDS * RATE)) / RATE
RPM = 1500 + 120 * T  # 1500 to 1980


def run_up(*, fault: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """An outer race's fault on a shaft that gains speed, and its angle in turns."""
    angle = np.concatenate([[0.0], np.cumsum((RPM[1:] + RPM[:-1]) / 2 / 60 / RATE)])
    signal = noise(2, SECONDS) + shaft(angle) + fault * strikes(angle, K6205.bpfo)
    return signal, angle


def pulses(angle: np.ndarray, per_turn: int = 1) -> np.ndarray:
    return (np.mod(angle * per_turn, 1) < 0.2).astype(float) * 5


def verdicts(*channels: np.ndarray, tacho: Tacho | None) -> list[str]:
    asked = [Asked(0, K6205, tacho=tacho)]
    chunk = Chunk(np.stack(channels).astype(np.float32), 0)
    found = list(evidence_windows([chunk], RATE, asked, seconds=SECONDS))
    return [window.evidence.verdict for window in found]


@pytest.mark.parametrize(
    "tacho", [Tacho(1), Tacho(2, 8), Tacho(3, None)], ids=["a turn", "eight a turn", "rpm"]
)
def test_the_lines_come_back(tacho: Tacho) -> None:
    signal, angle = run_up()
    channels = (signal, pulses(angle), pulses(angle, 8), RPM)
    assert verdicts(*channels, tacho=None) != ["outer"]
    assert verdicts(*channels, tacho=tacho) == ["outer"]
    healthy, _ = run_up(fault=0.0)
    assert verdicts(healthy, *channels[1:], tacho=tacho) == ["healthy"]


def test_a_steady_shaft_is_left_as_it_is() -> None:
    angle = T * 29.5
    samples = np.stack([noise(1, SECONDS), pulses(angle)])
    turned = at_one_speed(samples, 0, RATE, Tacho(1))
    assert np.array_equal(turned.x, samples[0])
    assert turned.rate_hz == RATE
    assert turned.speed_rpm == pytest.approx(60 * 29.5, rel=1e-3)
    assert turned.remark is None


def test_missing_pulses_are_said() -> None:
    signal, angle = run_up()
    own = pulses(angle)
    own[(angle > 40) & (angle < 41)] = 0
    asked = [Asked(0, K6205, tacho=Tacho(1))]
    chunk = Chunk(np.stack([signal, own]).astype(np.float32), 0)
    (window,) = evidence_windows([chunk], RATE, asked, seconds=SECONDS)
    assert window.evidence.verdict == "outer"
    assert "tacho: 1 pulse missing at" in str(window.evidence.reason)


def test_no_pulses_is_undecided() -> None:
    signal, _ = run_up()
    asked = [Asked(0, K6205, tacho=Tacho(1))]
    chunk = Chunk(np.stack([signal, np.zeros(len(signal))]).astype(np.float32), 0)
    (window,) = evidence_windows([chunk], RATE, asked, seconds=SECONDS)
    assert window.evidence.verdict == "undecided"
    assert "has no pulses" in window.evidence.sentence
