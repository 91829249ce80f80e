"""Pieces of HTML that a report's sections are put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any


def section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def figure(svg: str) -> str:
    return f'<div class="wide">{svg}</div>'


def table(
    head: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    *,
    caption: str = "",
    marked: Sequence[str] = (),
    kind: str = "",
) -> str:
    """A table of row names and finished cells; ``marked`` are the classes of its first rows."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    marks = [*marked, *[""] * (len(rows) - len(marked))]
    body = "".join(
        f'<tr class="{mark}"><th>{escape(name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
        for mark, (name, cells) in zip(marks, rows, strict=True)
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table class="{kind}">{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def maybe(value: Any, show: Callable[[Any], str]) -> str:
    return "–" if value is None else show(value)


def percent(share: float) -> str:
    """A share in per cent; never 100.0 % for less than all."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = "> 99.9"
    return f"{escape(text)}\N{NO-BREAK SPACE}%"
