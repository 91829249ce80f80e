"""What `--help` lists is what there is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.cli import choices
from dlrsd.training.cli.options import as_seeds
from dlrsd.training.data.plants import sequences
from dlrsd.training.data.vibration import splits
from dlrsd.training.data.vibration.rig import ORDERS, simulate_stream
from dlrsd.training.frontends.registry import FRONT_ENDS
from dlrsd.training.kinds.registry import KINDS
from dlrsd.training.models.classifiers import CLASSIFIERS
from dlrsd.training.models.generator import PRESETS
from dlrsd.training.models.lr_convlstm import SEQUENCE_CLASSIFIERS


def values(of):
    return [choice.value for choice in of]


def test_seeds_are_numbers_and_ranges_of_them():
    assert as_seeds("0-1,3") == (0, 1, 3)
    assert as_seeds("7") == (7,)
    for text in ("few", "0-", "-1", "1,", "0-99999999999"):
        with pytest.raises(InputError, match=f"got seeds '{text}': expected such as 0-9, or 0,3"):
            as_seeds(text)


def test_choices_are_what_the_registries_hold():
    assert sorted(values(choices.Protocol)) == sorted({*splits.PROTOCOLS, *sequences.PROTOCOLS})
    assert values(choices.FrontEnd) == list(FRONT_ENDS)
    assert sorted(values(choices.Preset)) == sorted(PRESETS)
    assert sorted(values(choices.Classifier)) == sorted({*CLASSIFIERS, *SEQUENCE_CLASSIFIERS})
    assert "bpfo" in ORDERS
    for fault in values(choices.Fault):
        assert simulate_stream(0, 0.5, fault, 0.2)[0].shape == (1, 6000)


def test_every_kind_offers_nothing_else():
    offered = {"protocol": choices.Protocol, "classifier": choices.Classifier}
    for kind in KINDS.values():
        for name, choice in offered.items():
            assert set(kind.axes[name].known) <= set(values(choice))


@pytest.mark.parametrize("command", ["fit", "compare", "inspect", "simulate", "simulate-plant"])
def test_help_lists_them_and_loads_no_network(command):
    program = (
        "import sys\n"
        "from dlrsd.training.cli.app import app\n"
        f"code = app([{command!r}, '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'sklearn', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    if command == "fit":
        for choice in ("bearing", "order-map", "paper", "deep_conv_lstm"):
            assert choice in done.stdout
