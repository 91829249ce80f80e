"""The ready bundle for any bearing on machines simulated anew, of designations none trained on."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.training.data.vibration.recording import kinematics
from dlrsd.training.data.vibration.spalls import UNSEEN, simulate_spalls

SEED = 991
SURE = 0.8


@pytest.fixture(scope="module")
def said():
    """Of windows: the true class, the named one and its probability, and the novelty."""
    bundle = load_bundle("any-bearing")
    rows = []
    for recording in simulate_spalls(UNSEEN, seed=SEED, machines=25, seconds=4.0):
        engine = open_engine(bundle, kinematics=kinematics(recording))
        windows = recording.signal.reshape(1, 2, bundle.window).swapaxes(0, 1)
        found = engine.run(windows)
        for probability, novelty in zip(found.probabilities, found.novelty, strict=True):
            rows.append(
                (
                    recording.label.replace("ball", "rolling_element"),
                    bundle.classes[int(probability.argmax())],
                    probability.max(),
                    novelty,
                )
            )
    truth, named, sure, novelty = map(np.array, zip(*rows, strict=True))
    return truth, named, sure, novelty


def test_of_the_faults_that_it_names_nearly_all_are_right(said):
    truth, named, _, _ = said
    spoken = (named != "normal") & (truth != "normal")
    assert spoken.sum() > 0.25 * (truth != "normal").sum()  # the others are mostly buried
    assert (named == truth)[spoken].mean() >= 0.95


def test_where_it_is_sure_it_is_right(said):
    truth, named, sure, _ = said
    spoken = (named != "normal") & (sure >= SURE)
    assert spoken.sum() > 10
    assert (named == truth)[spoken].mean() == 1


def test_healthy_machines_are_seldom_called_faulty(said):
    truth, named, _, _ = said
    assert (named != "normal")[truth == "normal"].mean() <= 0.04


def test_machines_never_seen_are_not_novel_for_that(said):
    assert (said[3] > 1).mean() <= 0.02
