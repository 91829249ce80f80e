"""Pages as HTML: one template and one style for a run's report and for the results page.

Everything is escaped but what is ``Markup`` already, and of that there is only the pictures' SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dlrsd.training.report.parts import Part, Text

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render_page(title: str, parts: Sequence[Part], *, footer: Text, look: str = "") -> str:
    """A whole HTML page with everything in it.

    Parameters
    ----------
    title : str
        What a browser's tab shows.
    parts : list of Part
        The page from top to bottom.
    footer : str or list of Span
        The line below.
    look : str, optional
        ``broad`` for a page of wide tables.
    """
    page = _TEMPLATES.get_template("page.html.j2")
    return page.render(title=title, parts=parts, footer=footer, look=look)
