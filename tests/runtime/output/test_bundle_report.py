"""A bundle in words: what `dlrsd-runtime info` tells of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.output.bundle_report import info_lines
from tests.runtime.certainty import stating


def test_info_states_what_it_was_trained_on(make_bundle: Callable[..., Path]) -> None:
    text = "\n".join(info_lines(load_bundle(make_bundle())))
    assert "Trained on nothing; tells three levels apart." in text
    assert "It fits that machine and sensor" in text
    assert "accuracy 1.0000 (protocol block)" in text


def test_info_states_what_a_sequence_carries_and_holds(make_sequence: Callable[..., Path]) -> None:
    lines = info_lines(load_bundle(make_sequence(hop=4)))
    text = "\n".join(lines)
    assert "2 channel(s), a sample every 900 s in as recorded, windows of 2 h (8 samples)" in text
    assert "every 1 h" in text
    assert "channels    S1, R1" in lines
    assert "a value is held for 0.75 h" in text
    assert "level [1], means [2]" in text
    assert "It fits that plant and its sensors" in text
    assert not any(line.startswith("quality") for line in lines)


def test_info_states_sets_and_risks_where_there_are_some(make_bundle: Callable[..., Path]) -> None:
    lines = info_lines(load_bundle(make_bundle("stating", change=stating())))
    at = lines.index(
        "sets        hold the right class for 0.9 of the windows of left-out bearings, 3 to 5 of a "
        "class"
    )
    assert lines[at + 1] == (
        "risk        0.01 from a probability of 0.8750 on (50 % given), 0.05 from a probability of "
        "0.5000 on (75 % given)"
    )
    few = load_bundle(make_bundle("few", change=stating(left_out="window", points=[])))
    lines = info_lines(few)
    at = lines.index("risk        none can be stated")
    assert lines[at - 1].endswith("for 0.9 of left-out windows, 100 to 300 of a class")
    plain = info_lines(load_bundle(make_bundle()))
    assert not any(line.startswith(("sets", "risk")) for line in plain)


def test_info_states_what_an_order_map_needs(make_order_map: Callable[..., Path]) -> None:
    def add_another(manifest: dict[str, Any]) -> None:
        other = {"speed_rpm": [1500, 1500], "bpfo": 2.6, "bpfi": 3.585, "bsf": 1.8, "ftf": 0.37}
        manifest["front_end"]["machines"].append(other)

    lines = info_lines(load_bundle(make_order_map(change=add_another)))
    at = lines.index("signal      1 channel(s) at 4000 Hz in g, windows of 2048 samples every 1024")
    assert lines[at + 1] == (
        "front end   order map: 4 bands from 200 to 1500 Hz; needs the shaft's speed; trained on "
        "bearings bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398 at 1700 to 1800 rpm; bpfo 2.6, bpfi "
        "3.585, bsf 1.8, ftf 0.37 at 1500 rpm"
    )
    text = "\n".join(lines)
    assert "--speed and --orders give another bearing or machine" in text
    assert "It fits" not in text


def test_what_a_bundle_says_cannot_move_the_cursor(make_bundle: Callable[..., Path]) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["training"]["dataset"] = "\x1b[2Jnone"

    lines = info_lines(load_bundle(make_bundle(change=change)))
    assert all(line.isprintable() for line in lines)
    assert any("data \ufffd[2Jnone" in line for line in lines)


@pytest.mark.parametrize("name", ["a\x1b[0m", "a\n", "\x00", "a\x9f"])
def test_a_name_with_a_control_in_it_is_refused(
    name: str, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle(change=lambda manifest: manifest["classes"].append(name))
    with pytest.raises(BundleError, match=r"has classes\[3\] = ") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)
