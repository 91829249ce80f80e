"""Settings of windows: they survive JSON, complete themselves, and cannot be impossible."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.fitting.schedule import CLASSIFIER, GENERATOR, Schedule
from dlrsd.training.frontends.registry import FRONT_ENDS
from dlrsd.training.kinds.vibration.settings import Settings, Training, require_suited


@pytest.mark.parametrize(
    "settings",
    [
        Settings("rig"),
        Settings(
            "cwru12k", root="/data", task="cwru10", channels=("DE", "FE"), label="a+b",
            protocol="load", train_loads=(0.0, 1.0), test_loads=(2.0,), balance=400.0, n_normal=7,
            target=9, seed=3, rate=8000.0, window=512, hop=100, preset="paper", classifier="vgg16",
        ),
        Settings("rig", front_end="order-map", window=6144),
        Settings("rig", training=Training(generator=replace(GENERATOR, epochs=3), views=7)),
    ],
)  # fmt: skip
def test_settings_survive_json(settings):
    stated = msgspec.to_builtins(settings)
    assert msgspec.convert(stated, Settings) == settings
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings
    assert msgspec.json.decode(msgspec.json.encode(stated)) == msgspec.json.decode(
        msgspec.json.encode(settings)
    )
    assert stated["kind"] == "window"


def test_what_is_not_stated_is_what_is_usual_for_the_front_end():
    def usual(*which, **stated):
        settings = Settings("rig", **stated)
        return tuple(getattr(settings, name) for name in ("window", "hop", "classifier"))

    assert usual() == (1024, 512, "edge")
    assert usual(front_end="order-map") == (12288, 6144, "bands")
    assert usual(front_end="scalogram", hop=100, classifier="vgg11") == (1024, 100, "vgg11")
    for front_end in FRONT_ENDS.values():
        assert usual(front_end=front_end.name) == tuple(front_end.usual)
    # What the front end says is stated from then on: the same as if a person had.
    assert Settings("rig") == Settings("rig", window=1024, hop=512, classifier="edge")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "blocks"}, "got protocol 'blocks': expected one of random, block, load"),
        ({"preset": "huge"}, "got preset 'huge': expected one of paper, edge"),
        ({"front_end": "orders"}, "front end 'orders': expected one of scalogram, order"),
        ({"classifier": "vgg19"}, "got classifier 'vgg19' for the front end scalogram: .* edge"),
        ({"front_end": "order-map", "classifier": "edge"}, "'edge' for the front end order-map: e"),
        ({"classifier": "bands"}, "'bands' for the front end scalogram: expected edge"),
        ({"window": 0}, "got window = 0: expected 1 or more"),
        ({"hop": 0}, "got hop = 0: expected 1 or more"),
        ({"hop": 2**31}, "got hop = 2147483648: expected at most 2147483647"),
        ({"target": 0}, "got target = 0"),
        ({"n_normal": 0}, "got n_normal = 0: expected 1 or more"),
        ({"seed": -1}, "got seed = -1: expected 0 or more"),
        ({"seed": 10**20}, "got seed = 1{1}0{20}: expected at most 2147483647"),
        ({"rate": -5.0}, "got a rate of -5 Hz"),
        ({"rate": float("nan")}, "got a rate of nan Hz"),
        ({"rate": 1e-9}, "got a rate of 1e-09 Hz: expected 1 Hz or more"),
    ],
)
def test_settings_cannot_be_built_invalid(changes, said):
    for build in (
        lambda: Settings("rig", **changes),
        lambda: replace(Settings("rig"), **changes),
    ):
        with pytest.raises(InputError, match=said) as caught:
            build()
        assert "\n" not in str(caught.value)
    # Of numbers, what is read is refused by the format's own bounds.
    (name,) = set(changes) - {"front_end"} or {"front_end"}
    with pytest.raises(msgspec.ValidationError, match=rf"{said}|Expected `\w+` [<>]= .*\$\.{name}"):
        msgspec.convert({"kind": "window", "data": "rig", **changes}, Settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"probe_epochs": 0}, "got probe_epochs = 0: expected 1 or more"),
        ({"pair_steps": 0}, "got pair_steps = 0"),
        ({"views": 0}, "got views = 0"),
    ],
)
def test_a_training_cannot_be_impossible(changes, said):
    with pytest.raises(InputError, match=said):
        Training(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "got epochs = 0: expected 1 or more"),
        ({"steps": 0}, "got steps = 0"),
        ({"batch": -1}, "got batch = -1"),
        ({"patience": 0}, "got patience = 0"),
        ({"learning_rate": 0.0}, "got a learning rate of 0"),
        ({"learning_rate": float("nan")}, "got a learning rate of nan"),
        ({"weight_decay": 1.0}, "a weight decay of 1"),
    ],
)
def test_a_schedule_cannot_be_impossible(changes, said):
    facts = msgspec.to_builtins(CLASSIFIER) | changes
    with pytest.raises(InputError, match=said):
        Schedule(**facts)


def test_what_decides_nothing_is_left_out_of_what_decides():
    here, there = (Settings("rig", root=root, train_loads=(1.0,)) for root in ("/a", "/b"))
    assert here.decisive() == there.decisive() == Settings("rig")
    loads = replace(here, protocol="load")
    assert loads.decisive() == replace(loads, root=None) != here.decisive()


def test_a_method_that_does_not_suit_the_front_end_is_refused():
    order_map = Settings("rig", front_end="order-map")
    with pytest.raises(InputError, match="method smote-waveform for the front end order-map: a bl"):
        require_suited("smote-waveform", order_map)
    require_suited("smote", order_map)
    require_suited("smote-waveform", Settings("rig"))
