"""Order maps as a front end: each window by its own machine, and what cannot have one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.training.data.vibration.recording import kinematics
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig
from dlrsd.training.fitting.classifier import new_classifier
from dlrsd.training.fitting.generator import new_generator
from dlrsd.training.frontends.order_map import OrderMap
from dlrsd.training.kinds.vibration.line import fit_frontend, make_pools, prepare
from dlrsd.training.kinds.vibration.settings import Settings

CONFIG = OrderMapConfig(12000.0, 6144)
SETTINGS = Settings("rig", n_normal=24, balance=6.0, window=6144, hop=3072, front_end="order-map")
OTHER = {"bpfo": 3.05, "bpfi": 4.95, "bsf": 1.99, "ftf": 0.38}


@pytest.fixture(scope="module")
def recordings():
    return simulate_rig(seed=0, seconds=4.0, loads=(0, 1), n_bearings=2)


@pytest.fixture(scope="module")
def data(recordings):
    return prepare(SETTINGS, recordings)


def test_every_window_goes_by_its_own_machine():
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((5, 2, 6144)).astype(np.float32)
    two = (Kinematics(1750.0, **ORDERS), Kinematics(2900.0, **OTHER))
    which = np.array([0, 1, 1, 0, 1])
    machines = np.array([list(vars(two[k]).values()) for k in which])
    frontend = OrderMap(CONFIG, (0.0,) * 32, (1.0,) * 32)
    found = frontend.graph_input(windows, machines)
    assert found.shape == (5, 2, 8, 32)
    for k, machine in enumerate(two):
        np.testing.assert_array_equal(
            found[which == k], order_map(windows[which == k], CONFIG, machine)
        )


def test_constants_weigh_classes_alike(data):
    drawn = data.drawn
    windows, machines = data.cut(drawn), data.machines(drawn)
    frontend = OrderMap.fit(windows, drawn.label, machines, data.rate_hz)
    assert frontend.config == CONFIG
    maps = frontend.heatmaps(windows, machines)
    own = [maps[drawn.label == label] for label in range(len(data.classes))]
    mean = np.mean([x.mean(axis=(0, 1, 2)) for x in own], axis=0)
    square = np.mean([(x**2).mean(axis=(0, 1, 2)) for x in own], axis=0)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(square, 1, atol=1e-3)


def test_materials_hold_maps_of_windows_and_noisy_views(data, hurried):
    settings = replace(SETTINGS, training=hurried)
    materials = make_pools(settings, data, fit_frontend(settings, data))
    size = OrderMap.size_of(data.rate_hz, data.window)
    pool = materials.pools[-1]
    assert pool.heatmaps.shape[1:] == (1, *size) == (1, 8, 32)
    (members,) = np.nonzero(data.drawn.label == len(data.classes) - 1)
    machines = data.machines(data.drawn)
    expected = materials.frontend.heatmaps(materials.windows[-1], machines[members])
    np.testing.assert_allclose(pool.drawn, expected, atol=1e-4)
    # A view is its window but for some noise, which blurs lines a little and moves none.
    views, parents = pool.heatmaps[pool.n_drawn :], pool.parent[pool.n_drawn :]
    own = np.abs(views - pool.drawn[parents]).mean()
    others = np.abs(views - pool.drawn[(parents + 1) % pool.n_drawn]).mean()
    assert own < 0.8 * others


def test_networks_take_maps(data):
    size = OrderMap.size_of(data.rate_hz, data.window)
    shape = {"channels": 1, "n_classes": 4, "seed": 0}
    assert new_generator("edge", size=size, **shape).latent_shape == (32, 2, 8)
    for name in OrderMap.classifiers:
        classifier = new_classifier(name, **shape)
        assert classifier.head.in_features == 32
        logits, _ = classifier(torch.zeros(2, 1, *size))
        assert logits.shape == (2, 4)


def test_a_recording_without_speed_or_orders_is_refused(recordings):
    silent = [
        dataclasses.replace(recordings[0], speed_rpm=None, fault_orders={"bpfo": 3.58}),
        *recordings[1:],
    ]
    with pytest.raises(InputError, match=r"does not state speed_rpm, bpfi, bsf, ftf: the order"):
        prepare(SETTINGS, silent)
    assert kinematics(recordings[0]) == Kinematics(recordings[0].speed_rpm, **ORDERS)


def test_too_short_a_window_is_refused(recordings):
    with pytest.raises(InputError, match=r"holds 2.5 revolutions .* windows of 3246 samples"):
        prepare(replace(SETTINGS, window=1024), recordings)
