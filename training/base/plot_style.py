"""How pictures look and how they become SVG, shared by all that draw them.

Text and lines take the page's own colours (``currentColor``), so a picture fits a light page, a
dark page and paper alike. Drawn with matplotlib's object-oriented interface: no global state.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stand-ins that `as_svg` replaces by the page's colours.
INK, FAINT = "#010203", "#040506"
_PAGE_COLOURS = {INK: "currentColor", FAINT: "var(--faint)"}
# Blue and orange of one lightness, told apart with any colour vision and on any background.
BLUE, ORANGE, GREEN, GREY = "#3b82c4", "#e07b22", "#2a9d78", "#8a8f98"
# Any: matplotlib types the keys as a list of all its settings.
STYLE: Any = {
    "svg.fonttype": "none",
    # A class name is text, never a formula.
    "text.parse_math": False,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
COLOUR_MAP = "viridis"
WIDTH = 8.6  # inches: 826 pixels of a page
TICKS_HZ = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


def as_svg(figure: Figure, name: str, description: str) -> Markup:
    """A figure as an ``<svg>`` element that is ready to stand in a page.

    Parameters
    ----------
    figure : matplotlib Figure
    name : str
        An identifier, unique on the page: all identifiers in the element begin with it.
    description : str
        What the picture is, for who cannot see it.
    """
    buffer = io.StringIO()
    no_metadata: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata=no_metadata, transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Tags only: what stands between them may be a class name.
    text = re.sub(r"<[^>]+>", lambda tag: _page_tag(tag[0], name), text)
    width = round(96 * figure.get_figwidth())
    head = Markup(
        '<svg role="img" aria-label="{}" style="max-width:{}px;--narrowest:{}px" '
    ).format(description, width, round(0.8 * width))
    # The one place where text becomes markup: matplotlib has escaped all that it was given.
    return Markup(text.replace("<svg ", head, 1))  # noqa: S704


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a picture, the first one at the top."""
    axes.set_yticks(range(len(names)), [short_name(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.5, -0.5)


def hertz(frequency: float) -> str:
    """A frequency in Hz as short as an axis needs it: 500, 2k."""
    return f"{frequency / 1000:g}k" if frequency >= 1000 else f"{frequency:g}"


def short_name(name: str) -> str:
    """A name cut to what fits beside a row."""
    return name if len(name) <= 26 else f"{name[:25]}…"


def _page_tag(tag: str, name: str) -> str:
    if tag.startswith("<svg "):
        tag = re.sub(r' (width|height)="[^"]*"', "", tag)
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag)
    tag = re.sub(r"font-family: [^;]*; ", "", tag)
    for stand_in, colour in _PAGE_COLOURS.items():
        tag = tag.replace(stand_in, colour)
    return tag
