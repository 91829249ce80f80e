"""Order maps as a front end: each window by its own machine, and what cannot have one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.training.balance.materials import (
    heatmap_size,
    make_materials,
    new_classifier,
    new_generator,
)
from dlrsd.training.balance.methods import require_suited
from dlrsd.training.cli.options import by_front_end
from dlrsd.training.compare.vibration import Grid, compare, method_names
from dlrsd.training.data.vibration.prepare import Settings, kinematics, prepare
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig
from dlrsd.training.frontends.order_map import fit_order_frontend, order_maps

CONFIG = OrderMapConfig(12000.0, 6144)
SETTINGS = Settings(
    "rig", n_normal=24, balance=6.0, window=6144, hop=3072, front_end="order-map",
    classifier="bands",
)  # fmt: skip
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
    found = order_maps(windows, machines, CONFIG)
    assert found.shape == (5, 2, 8, 32)
    for k, machine in enumerate(two):
        np.testing.assert_array_equal(
            found[which == k], order_map(windows[which == k], CONFIG, machine)
        )


def test_constants_weigh_classes_alike(data):
    drawn = data.drawn
    windows, machines = data.cut(drawn), data.machines(drawn)
    frontend = fit_order_frontend(windows, drawn.label, machines, CONFIG)
    maps = frontend.heatmaps(windows, machines)
    own = [maps[drawn.label == label] for label in range(len(data.classes))]
    mean = np.mean([x.mean(axis=(0, 1, 2)) for x in own], axis=0)
    square = np.mean([(x**2).mean(axis=(0, 1, 2)) for x in own], axis=0)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(square, 1, atol=1e-3)


def test_materials_hold_maps_of_windows_and_noisy_views(data, hurried):
    materials = make_materials(data)
    pool = materials.pools[-1]
    assert pool.heatmaps.shape[1:] == (1, *heatmap_size(data)) == (1, 8, 32)
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
    assert new_generator(data).latent_shape == (32, 2, 8)
    assert new_classifier(data).head.in_features == 32


def test_a_recording_without_speed_or_orders_is_refused(recordings):
    silent = [replace(recordings[0], speed_rpm=None, fault_orders={"bpfo": 3.58}), *recordings[1:]]
    with pytest.raises(InputError, match=r"does not state speed_rpm, bpfi, bsf, ftf: the order"):
        prepare(SETTINGS, silent)
    assert kinematics(recordings[0]) == Kinematics(recordings[0].speed_rpm, **ORDERS)


def test_what_does_not_suit_is_refused(recordings):
    with pytest.raises(InputError, match=r"holds 2.5 revolutions .* windows of 3246 samples"):
        prepare(replace(SETTINGS, window=1024), recordings)
    with pytest.raises(InputError, match="front end 'orders': expected one of scalogram, order"):
        prepare(replace(SETTINGS, front_end="orders"), recordings)
    with pytest.raises(InputError, match="'edge' for the front end order-map: expected bands"):
        new_classifier(prepare(replace(SETTINGS, classifier="edge"), recordings))
    with pytest.raises(InputError, match="'bands' for the front end scalogram: expected edge"):
        new_classifier(prepare(replace(SETTINGS, front_end="scalogram"), recordings))
    with pytest.raises(InputError, match="smote-waveform for order maps"):
        require_suited("smote-waveform", SETTINGS)


def test_defaults_and_methods_follow_the_front_end():
    assert by_front_end("order-map", None, None, None) == (12288, 6144, "bands")
    assert by_front_end("scalogram", None, 100, "vgg11") == (1024, 100, "vgg11")
    every = set(method_names(["all"]))
    assert every - set(method_names(["all"], order_map=True)) == {"smote-waveform"}


def test_a_grid_refuses_what_does_not_suit_before_it_begins(tmp_path):
    for methods, classifiers, why in (
        (["smote-waveform"], ["bands"], "smote-waveform for order maps"),
        (["ros"], ["edge"], "'edge' for the front end order-map"),
    ):
        grid = Grid(SETTINGS, methods, [6.0], classifiers=classifiers)
        with pytest.raises(InputError, match=why):
            compare(grid, tmp_path / "table.parquet", jobs=1)


def test_settings_of_scalograms_are_those_of_before():
    assert "front_end" not in Settings("rig").to_json()
    assert Settings.from_json(SETTINGS.to_json()) == SETTINGS
