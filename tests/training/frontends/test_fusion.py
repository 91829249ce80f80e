"""A fusion as a front end: what the graph computes is what the trained model sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.fusion import NUMBERS, ROWS, SIZE, Fusion
from dlrsd.training.frontends.registry import front_end_from
from dlrsd.training.kinds.vibration.line import prepare, require_trainable
from dlrsd.training.kinds.vibration.settings import Settings

SETTINGS = Settings("rig", n_normal=12, balance=3.0, window=6144, hop=3072, front_end="fusion")


@pytest.fixture(scope="module")
def data():
    return prepare(SETTINGS, simulate_rig(seed=0, seconds=4.0, loads=(0,), n_bearings=2))


@pytest.fixture(scope="module")
def frontend(data) -> FrontEnd:
    windows, machines = data.cut(data.drawn), data.machines(data.drawn)
    return Fusion.fit(windows, data.drawn.label, machines, data.rate_hz)


def test_the_graph_makes_the_same_heatmaps(data, frontend):
    windows, machines = data.cut(data.drawn), data.machines(data.drawn)
    expected = frontend.heatmaps(windows, machines)
    assert expected.shape == (len(windows), 1, *frontend.size)
    assert frontend.size == (6 * SIZE + ROWS, SIZE)
    with torch.inference_mode():
        found = frontend.graph()(torch.from_numpy(frontend.graph_input(windows, machines)))
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)


def test_a_part_of_the_heatmap_is_the_scalogram_of_that_part(data, frontend):
    windows, machines = data.cut(data.drawn), data.machines(data.drawn)
    found = frontend.heatmaps(windows, machines)
    third = frontend.scalogram.heatmaps(windows[:, :, 2048:3072])
    np.testing.assert_allclose(found[:, :, 2 * SIZE : 3 * SIZE], third, atol=1e-4)


def test_numbers_are_standardised_classes_weighing_alike(data, frontend):
    windows, machines = data.cut(data.drawn), data.machines(data.drawn)
    numbers = frontend.heatmaps(windows, machines)[:, 0, -ROWS:].reshape(len(windows), -1)
    assert not numbers[:, NUMBERS:].any()
    labels = data.drawn.label
    means = [numbers[labels == k, :NUMBERS].mean(axis=0) for k in range(len(data.classes))]
    np.testing.assert_allclose(np.mean(means, axis=0), 0, atol=1e-2)


def test_facts_make_the_same_front_end_again(data, frontend):
    facts = {"name": "fusion", **frontend.facts()}
    assert front_end_from(facts, rate_hz=data.rate_hz, window=6144) == frontend


def test_windows_that_hold_no_whole_scalograms_are_refused(data):
    with pytest.raises(
        InputError, match=r"got windows of 6000 .* multiple of 1024, .* such as 6144"
    ):
        Fusion.require(data.recordings, 6000)


@pytest.mark.parametrize("preset", ["edge", "paper"])
@pytest.mark.parametrize("parts", [6, 7])
def test_of_any_number_of_scalograms_a_generator_can_be_made(data, preset, parts):
    """It makes scalograms, whatever the whole heatmap's number of rows is."""
    window = parts * 1024
    assert Fusion.generated_size_of(data.rate_hz, window) == (32, 32)
    require_trainable(replace(SETTINGS, window=window, preset=preset), data)
