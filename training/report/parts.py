"""What a page is made of: plain data, which the templates turn into HTML.

All text is text: what looks like markup in it is shown as it is. Only a picture's SVG is markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from markupsafe import Markup


class Span(NamedTuple):
    """A piece of a text: plain, bold (``b``) or code."""

    text: Text
    tag: Literal["", "b", "code"] = ""


Text: TypeAlias = "str | Sequence[Span]"


@dataclass(frozen=True)
class Part:
    """A part of a page; ``macro`` in ``parts.html.j2`` is how it looks: its class's name."""

    macro: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.macro = getattr(cls, "macro", cls.__name__.lower())


@dataclass(frozen=True)
class Title(Part):
    """The title of a whole page."""

    text: Text


@dataclass(frozen=True)
class Heading(Part):
    """A heading within a section."""

    text: Text


@dataclass(frozen=True)
class Paragraph(Part):
    """A paragraph."""

    text: Text


@dataclass(frozen=True)
class Note(Part):
    """A paragraph in small print."""

    text: Text


@dataclass(frozen=True)
class Bullets(Part):
    """A list of sentences."""

    items: Sequence[Text]


@dataclass(frozen=True)
class Command(Part):
    """Lines that a reader may type."""

    text: str


@dataclass(frozen=True)
class Picture(Part):
    """An ``<svg>`` element as :func:`dlrsd.training.base.plot_style.as_svg` makes it."""

    svg: Markup


@dataclass(frozen=True)
class Table(Part):
    """A table: the first cell of a row names it; ``looks`` are style classes of the first rows."""

    head: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    caption: str = ""
    looks: Sequence[str] = ()
    look: str = ""


@dataclass(frozen=True)
class Definitions(Part):
    """Terms, each with what it means."""

    items: Sequence[tuple[str, str]]


class Card(NamedTuple):
    """Pictures of one thing under its name, and what is to be said of it."""

    title: str
    svgs: Sequence[Markup]
    text: Text = ""


@dataclass(frozen=True)
class Gallery(Part):
    """Cards side by side, as many as fit."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Folded(Part):
    """Parts that few will want to read: shown when the title is clicked."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Section(Part):
    """Parts on a card of their own under a title."""

    title: Text
    parts: Sequence[Part]


class Tile(NamedTuple):
    """One figure with what it is."""

    value: str
    label: str
    look: str = ""


@dataclass(frozen=True)
class Verdict(Part):
    """The top of a run's page: what was reached, in words and figures, and what that means."""

    run: str
    headline: str
    sentences: Sequence[Text]
    meaning: Sequence[str]
    tiles: Sequence[Tile]
