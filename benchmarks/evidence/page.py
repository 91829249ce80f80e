"""One page in two forms from the same parts: Markdown beside its pictures, and HTML in one file.

A text may hold `code` and **bold**; all else in it is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from benchmarks.evidence import markdown
from benchmarks.evidence.markdown import Figure
from dlrsd.training.report.parts import (
    Bullets,
    Command,
    Folded,
    Heading,
    Note,
    Paragraph,
    Part,
    Section,
    Span,
    Table,
    Text,
    Title,
)
from dlrsd.training.report.rendering import render_page

NAME = "evidence"
# A picture beside a Markdown page has no page to take its colours from.
_ALONE = (
    "<style>svg{color:#1d2530;--faint:#d9dee5;background:#fff;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}</style>"
)


def section(text: str, *parts: Part) -> Part:
    """A part of the page under a heading of its own."""
    return Section(marked(text), parts)


def heading(text: str) -> Part:
    return Heading(marked(text))


def paragraph(text: str) -> Part:
    return Paragraph(marked(text))


def note(text: str) -> Part:
    return Note(marked(text))


def bullets(texts: Sequence[str]) -> Part:
    return Bullets([marked(text) for text in texts])


def command(text: str) -> Part:
    return Command(text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Part:
    """A table of texts, the first column the rows' names; a line break in a cell is kept."""
    return Table([marked(cell) for cell in head], [[marked(cell) for cell in row] for row in rows])


def figure(name: str, svg: Markup, text: str) -> Part:
    """A picture by a name that is unique on the page."""
    return Figure(svg, f"{NAME}-{name}.svg", text)


def folded(text: str, *parts: Part) -> Part:
    """What few will want to read: shown when it is clicked."""
    return Folded(text, parts)


def marked(text: str) -> Text:
    """A text with `code` and **bold** as the spans that these are."""
    spans = []
    for place, piece in enumerate(re.split(r"(`[^`]*`|\*\*.+?\*\*)", text)):
        if not place % 2:
            spans += [Span(piece)] if piece else []
        elif piece.startswith("`"):
            spans.append(Span(piece[1:-1], "code"))
        else:
            spans.append(Span(marked(piece[2:-2]), "b"))
    return spans


def write(folder: Path, title: str, parts: Sequence[Part], made_by: str) -> None:
    """Write the page in both forms and its pictures; pictures of before are removed."""
    whole = [Title(marked(title)), *parts]
    foot = marked(f"Written by `{made_by}`.")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{NAME}-*.svg"):
        old.unlink()
    for picture in _figures(whole):
        (folder / picture.file).write_text(_alone(picture.svg), encoding="utf-8")
    text = markdown.page([*whole, Paragraph(foot)])
    (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
    html = render_page(title, whole, footer=foot, look="broad")
    (folder / f"{NAME}.html").write_text(html, encoding="utf-8")


def _figures(parts: Sequence[Part]) -> Iterator[Figure]:
    for part in parts:
        if isinstance(part, Figure):
            yield part
        elif isinstance(part, (Section, Folded)):
            yield from _figures(part.parts)


def _alone(svg: str) -> str:
    """A picture as a file: with a size, and colours of its own."""
    width, height = (
        round(float(x) * 4 / 3) for x in re.findall(r"[\d.]+", svg[svg.index("viewBox") :])[2:4]
    )
    head = f'<svg width="{width}" height="{height}"'
    return re.sub(r"<svg\b([^>]*>)", lambda tag: head + tag[1] + _ALONE, svg, count=1)
