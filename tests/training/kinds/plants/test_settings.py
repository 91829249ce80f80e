"""Settings of plants: they survive JSON and cannot be impossible."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.fitting.schedule import SEQUENCE
from dlrsd.training.kinds.plants.settings import SequenceSettings


def test_settings_survive_json():
    settings = SequenceSettings(
        "plant", protocol="plant", seed=3, classifier="lrcn", window=12, hop=6, sequence=5, hold=2,
        n_plants=4, years=0.5, components=3, zones=2, training=replace(SEQUENCE, epochs=1),
    )  # fmt: skip
    assert msgspec.convert(msgspec.to_builtins(settings), SequenceSettings) == settings
    assert msgspec.json.decode(msgspec.json.encode(settings), type=SequenceSettings) == settings
    assert msgspec.to_builtins(settings)["kind"] == "sequence"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "block"}, "'block' for plant data: expected one of time, plant"),
        ({"classifier": "edge"}, "classifier 'edge' for sequences: expected one of lr_convlstm"),
        ({"window": 0}, "got window = 0: expected 1 or more"),
        ({"hop": 0}, "got hop = 0: expected 1 or more"),
        ({"sequence": 0}, "got sequence = 0: expected 1 or more"),
        ({"hold": -1}, "got hold = -1: expected 0 or more"),
        ({"seed": -1}, "got seed = -1: expected 0 or more"),
    ],
)
def test_settings_cannot_be_built_invalid(changes, said):
    for build in (
        lambda: SequenceSettings("plant", **changes),
        lambda: replace(SequenceSettings("plant"), **changes),
    ):
        with pytest.raises(InputError, match=said) as caught:
            build()
        assert "\n" not in str(caught.value)
