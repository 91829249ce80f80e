"""One page in two forms, Markdown beside its pictures and HTML in one file, from the same pieces.

A text may hold `code` and **bold**; all else in it is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

NAME = "evidence"
# What the page of a run has no need of.
_CSS = """
main { max-width: 82rem; }
table { font-size: 0.84rem; }
th, td { padding: 0.28rem 0.5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.82rem; margin: 0.4rem 0;
  padding: 0.5rem 0.8rem; border: 1px solid var(--faint); border-radius: 8px; }
code { font-size: 0.9em; }
h3 { margin-top: 1.4rem; }
li { margin: 0.3rem 0; max-width: 52rem; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: 0.9rem; }
td, tbody th { vertical-align: top; white-space: normal; }
"""
# A picture beside a Markdown page has no page to take its colours from.
_ALONE = (
    "<style>svg{color:#1d2530;--faint:#d9dee5;background:#fff;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}</style>"
)


class Piece(NamedTuple):
    """A part of the page in both forms, and the files that its Markdown shows."""

    markdown: str
    html: str
    files: dict[str, str] = {}  # noqa: RUF012 - never written to


def title(text: str) -> Piece:
    return Piece(f"# {_markdown(text)}", f"<h1>{_html(text)}</h1>")


def section(text: str, *pieces: Piece) -> Piece:
    """A part of the page under a heading of its own."""
    inner = join(pieces)
    html = f"<section><h2>{_html(text)}</h2>\n{inner.html}\n</section>"
    return Piece(f"## {_markdown(text)}\n\n{inner.markdown}", html, inner.files)


def heading(text: str) -> Piece:
    return Piece(f"### {_markdown(text)}", f"<h3>{_html(text)}</h3>")


def paragraph(text: str) -> Piece:
    return Piece(_markdown(text), f"<p>{_html(text)}</p>")


def note(text: str) -> Piece:
    return Piece(_markdown(text), f'<p class="note">{_html(text)}</p>')


def bullets(texts: Sequence[str]) -> Piece:
    items = "".join(f"<li>{_html(text)}</li>" for text in texts)
    return Piece("\n".join(f"- {_markdown(text)}" for text in texts), f"<ul>{items}</ul>")


def command(text: str) -> Piece:
    return Piece(f"```sh\n{text}\n```", f"<pre><code>{escape(text)}</code></pre>")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Piece:
    """A table of texts, the first column the rows' names; a line break in a cell is kept."""
    if not rows:
        return Piece("", "")
    cells = [[_markdown(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row]
             for row in (head, *rows)]  # fmt: skip
    cells.insert(1, ["---", *["---:"] * (len(head) - 1)])
    shown = [[_html(cell).replace("\n", "<br>") for cell in row] for row in rows]
    top = "".join(f"<th>{_html(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>"
        for first, *rest in shown
    )
    html = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return Piece(
        "\n".join(f"| {' | '.join(row)} |" for row in cells), f'<div class="wide">{html}</div>'
    )


def figure(name: str, svg: str, text: str) -> Piece:
    """A picture (an ``<svg>`` element as of ``dlrsd.training.report.plots``); its text names it."""
    file = f"{NAME}-{name}.svg"
    width, height = (
        round(float(x) * 4 / 3) for x in re.findall(r"[\d.]+", svg[svg.index("viewBox") :])[2:4]
    )
    head = f'<svg width="{width}" height="{height}"'
    alone = re.sub(r"<svg\b([^>]*>)", lambda tag: head + tag[1] + _ALONE, svg, count=1)
    return Piece(f"![{_markdown(text)}]({file})", f'<div class="wide">{svg}</div>', {file: alone})


def folded(text: str, *pieces: Piece) -> Piece:
    """What few will want to read: shown when it is clicked."""
    inner = join(pieces)
    head = f"<details><summary>{_html(text)}</summary>"
    return Piece(
        f"{head}\n\n{inner.markdown}\n\n</details>", f"{head}{inner.html}</details>", inner.files
    )


def join(pieces: Sequence[Piece]) -> Piece:
    return Piece(
        "\n\n".join(piece.markdown for piece in pieces if piece.markdown),
        "\n".join(piece.html for piece in pieces),
        {name: text for piece in pieces for name, text in piece.files.items()},
    )


def write(folder: Path, page_title: str, pieces: Sequence[Piece], made_by: str) -> None:
    """Write the page in both forms and the pictures; pictures of before are removed."""
    page = join([title(page_title), *pieces])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{NAME}-*.svg"):
        old.unlink()
    for file, svg in page.files.items():
        (folder / file).write_text(svg, encoding="utf-8")
    foot = f"Written by `{made_by}`."
    (folder / f"{NAME}.md").write_text(f"{page.markdown}\n\n{_markdown(foot)}\n", encoding="utf-8")
    # The look of a run's report, which is a template of its own.
    template = (files("dlrsd.training.report") / "report.html").read_text(encoding="utf-8")
    head, _, _ = template.partition("</style>")
    (folder / f"{NAME}.html").write_text(
        f"{head.replace('$title', escape(page_title))}{_CSS}</style>\n</head>\n<body>\n<main>\n"
        f"{page.html}\n<footer>{_html(foot)}</footer>\n</main>\n</body>\n</html>\n",
        encoding="utf-8",
    )


def _html(text: str) -> str:
    return _inline(text, lambda code: f"<code>{escape(code)}</code>", escape, "<b>{}</b>")


def _markdown(text: str) -> str:
    def plain(part: str) -> str:
        return re.sub(r"([\\_<>$\[\]])", r"\\\1", part)

    return _inline(text, lambda code: f"`{code}`", plain, "**{}**")


def _inline(text: str, code: Callable[[str], str], plain: Callable[[str], str], bold: str) -> str:
    parts = re.split(r"`([^`]*)`", text)
    shown = [code(part) if i % 2 else plain(part) for i, part in enumerate(parts)]
    return re.sub(r"\*\*(.+?)\*\*", lambda found: bold.format(found[1]), "".join(shown))
