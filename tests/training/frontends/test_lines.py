"""Fault lines as a front end: each window by its own machine, and no noise added to any."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.fault_lines import SHAPE, fault_lines
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig
from dlrsd.training.fitting.classifier import new_classifier
from dlrsd.training.fitting.generator import new_generator
from dlrsd.training.frontends.lines import Lines
from dlrsd.training.frontends.registry import front_end_from
from dlrsd.training.kinds.vibration.line import fit_frontend, make_pools, prepare
from dlrsd.training.kinds.vibration.settings import Settings

SETTINGS = Settings("rig", n_normal=24, balance=6.0, window=6144, hop=3072, front_end="lines")
OTHER = {"bpfo": 3.05, "bpfi": 4.95, "bsf": 1.99, "ftf": 0.38}


@pytest.fixture(scope="module")
def recordings():
    return simulate_rig(seed=0, seconds=4.0, loads=(0, 1), n_bearings=2)


@pytest.fixture(scope="module")
def data(recordings):
    return prepare(SETTINGS, recordings)


@pytest.fixture(scope="module")
def frontend(data):
    return fit_frontend(SETTINGS, data)


def test_every_window_goes_by_its_own_machine():
    windows = np.random.default_rng(0).standard_normal((5, 2, 6144)).astype(np.float32)
    two = (Kinematics(1750.0, **ORDERS), Kinematics(1900.0, **OTHER))
    which = np.array([0, 1, 1, 0, 1])
    machines = np.array([list(vars(two[k]).values()) for k in which])
    frontend = Lines(12000.0, ((0.0,) * 16,) * 4, ((1.0,) * 16,) * 4)
    found = frontend.graph_input(windows, machines)
    assert found.shape == (5, 2, *SHAPE)
    for k, machine in enumerate(two):
        np.testing.assert_array_equal(
            found[which == k], fault_lines(windows[which == k], 12000.0, machine)
        )


def test_constants_make_training_windows_standard(data, frontend):
    heatmaps = frontend.of(data, data.drawn)
    weight = 1 / np.bincount(data.drawn.label)[data.drawn.label]
    mean = np.average(heatmaps[:, 0], axis=0, weights=weight)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    assert (heatmaps[:, :, 3, 13:] == 0).all()  # columns that nothing fills


def test_the_graph_says_the_same(data, frontend):
    index = data.drawn
    raw = frontend.graph_input(data.cut(index), frontend.machines(data, index))
    with torch.inference_mode():
        graph = frontend.graph()(torch.from_numpy(raw)).numpy()
    np.testing.assert_allclose(graph, frontend.of(data, index), atol=1e-5)


def test_facts_make_it_again(frontend):
    again = front_end_from({"name": "lines", **frontend.facts()}, rate_hz=12000.0, window=6144)
    assert again == frontend


def test_a_bundle_is_told_the_ranges_trained_on(data, frontend):
    facts = frontend.bundle_facts(data)
    assert facts["speed_rpm"] == [1775.0, 1797.0]
    assert facts["bpfi"] == [ORDERS["bpfi"]] * 2


def test_no_noise_is_added_to_windows(data, frontend):
    materials = make_pools(SETTINGS, data, frontend)
    for pool in materials.pools:
        assert len(pool.heatmaps) == pool.n_drawn


def test_the_networks_take_them(frontend):
    classifier = new_classifier("lines", channels=1, n_classes=4, seed=0).eval()
    logits, embedding = classifier(torch.zeros(3, 1, *frontend.size))
    assert (logits.shape, embedding.shape) == ((3, 4), (3, 32))
    generator = new_generator("edge", n_classes=4, channels=1, size=frontend.size, seed=0)
    heatmaps = torch.zeros(2, 1, *frontend.size)
    assert generator.decode(generator.encode(heatmaps)).shape == heatmaps.shape


def test_what_has_no_lines_is_refused(recordings):
    with pytest.raises(InputError, match="revolutions of a shaft"):
        Lines.require(recordings, 2048)
    nameless = [dataclasses.replace(recordings[0], fault_orders={})]
    with pytest.raises(InputError, match="does not state bpfo"):
        Lines.require(nameless, 24000)
