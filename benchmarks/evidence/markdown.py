"""The parts of a page as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

from markupsafe import escape

from dlrsd.training.report.parts import (
    Bullets,
    Command,
    Folded,
    Heading,
    Note,
    Paragraph,
    Part,
    Picture,
    Section,
    Table,
    Text,
    Title,
)


@dataclass(frozen=True)
class Figure(Picture):
    """A picture that is a file of its own beside the Markdown form; its text names it there."""

    file: str
    text: str


_MARKS = {"": "{}", "b": "**{}**"}


def page(parts: Sequence[Part]) -> str:
    """A whole page of Markdown."""
    return _join(parts) + "\n"


@singledispatch
def _markdown(part: Part) -> str:
    raise NotImplementedError(f"{type(part).__name__} has no form in Markdown")


@_markdown.register
def _(part: Title) -> str:
    return f"# {_inline(part.text)}"


@_markdown.register
def _(part: Section) -> str:
    return f"## {_inline(part.title)}\n\n{_join(part.parts)}"


@_markdown.register
def _(part: Heading) -> str:
    return f"### {_inline(part.text)}"


@_markdown.register
def _(part: Paragraph | Note) -> str:
    return _inline(part.text)


@_markdown.register
def _(part: Bullets) -> str:
    return "\n".join(f"- {_inline(item)}" for item in part.items)


@_markdown.register
def _(part: Command) -> str:
    return f"```sh\n{part.text}\n```"


@_markdown.register
def _(part: Table) -> str:
    if not part.rows:
        return ""
    cells = [
        [_inline(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row]
        for row in (part.head, *part.rows)
    ]
    cells.insert(1, ["---", *["---:"] * (len(part.head) - 1)])
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


@_markdown.register
def _(part: Figure) -> str:
    return f"![{_inline(part.text)}]({part.file})"


@_markdown.register
def _(part: Folded) -> str:
    head = f"<details><summary>{escape(part.title)}</summary>"
    return f"{head}\n\n{_join(part.parts)}\n\n</details>"


def _join(parts: Sequence[Part]) -> str:
    return "\n\n".join(text for text in map(_markdown, parts) if text)


def _inline(text: Text) -> str:
    if isinstance(text, str):
        return _plain(text)
    return "".join(
        f"`{span.text}`" if span.tag == "code" else _MARKS[span.tag].format(_inline(span.text))
        for span in text
    )


def _plain(text: str) -> str:
    return re.sub(r"([\\_<>$\[\]])", r"\\\1", text)
