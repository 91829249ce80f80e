from __future__ import annotations

from urllib.parse import unquote

import pytest

from dlrsd.runtime.service.sinks.lines import level, one_line
from tests.runtime.service.sinks.made import ODD


@pytest.mark.parametrize(
    "mark", ["\n", "\r\n", "\x00", "\x1b[2J", "\x85", "\u2028", "\udcff", "\u202e", "\u200b"]
)
def test_a_line_is_one(mark: str) -> None:
    line = one_line(f"a{mark}b{mark}")
    assert line.splitlines() == [line]
    assert line.isprintable()
    assert line.encode()
    assert line.startswith("a ")


def test_a_long_line_is_cut() -> None:
    assert one_line("x" * 50, most=10) == "xxxxxxx..."
    assert one_line("x" * 10, most=10) == "x" * 10


@pytest.mark.parametrize("name", ["pump1", ODD, "../..", "$SYS", "a/b", "a b", "\x00", "Ж"])
def test_a_name_is_one_level_of_a_topic_and_can_be_read_back(name: str) -> None:
    found = level(name)
    assert not set("/#+$ \x00") & set(found)
    assert found.isascii()
    assert unquote(found) == name


def test_two_names_are_two_topics() -> None:
    names = ["a/b", "a b", "a_b", "a%2Fb", "A_B", "a+b"]
    assert len({level(name) for name in names}) == len(names)
