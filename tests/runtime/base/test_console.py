"""What strangers named is shown, never obeyed."""

from __future__ import annotations

import pytest

from dlrsd.runtime.base.console import one_line, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Wälzlager 6205 (außen) \U0001f600", "Wälzlager 6205 (außen) \U0001f600"),
        ("two\n  lines\r\n", "two lines"),
        ("\x1b[2J\x07gone\x9b0m", "\ufffd[2J\ufffdgone\ufffd0m"),
        ("left\u202eright", "left\ufffdright"),
    ],
)
def test_a_text_is_one_line_without_controls(text: str, line: str) -> None:
    assert one_line(text) == line
    assert shown(line) == line


def test_a_line_ends() -> None:
    assert one_line("x" * 3000) == "x" * 2000 + "..."
