"""What a comparison and the commands are told of windows of vibration."""

from __future__ import annotations

from dlrsd.training.balance.methods import COMBINATIONS, METHODS, VARIANTS
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.settings import Settings

KIND = Vibration()


def test_names_that_stand_for_several_methods():
    settings = Settings("rig")
    assert KIND.named(["all"], settings) == (*METHODS, *BASELINES)
    assert KIND.named(["combinations", "none"], settings) == (*COMBINATIONS, "none")
    assert KIND.named(["none", "ablations"], settings) == ("none", "dlrsd-smote", *VARIANTS)


def test_methods_that_do_not_suit_the_front_end_are_left_out_of_all():
    every = set(KIND.named(["all"], Settings("rig")))
    others = set(KIND.named(["all"], Settings("rig", front_end="order-map")))
    assert every - others == {"smote-waveform"}


def test_a_run_is_named_by_what_decides_it():
    assert KIND.run_name(Settings("/data/my rig", balance=20, seed=3)) == "my rig-block-br20-seed3"
    assert KIND.run_name(Settings("cwru12k", task="cwru10", protocol="bearing")) == (
        "cwru10-bearing-br1-seed0"
    )
    order_map = Settings("rig", front_end="order-map", balance=2.5)
    assert KIND.run_name(order_map) == "rig-block-br2.5-seed0-order-map"
