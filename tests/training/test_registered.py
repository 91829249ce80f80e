"""What varies is one registered object: outside it, no code asks which kind or front end it has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dlrsd.training
from dlrsd.training.frontends.registry import FRONT_ENDS
from dlrsd.training.kinds.registry import KINDS

ROOT = Path(dlrsd.training.__path__[0])
# The implementations, and what reads files of before, in which nothing said of which kind it is.
OWN = (
    "frontends/scalogram", "frontends/order_map", "kinds/plants/", "kinds/vibration/",
    "runs/schema1.py",
)  # fmt: skip
NAMES = {*KINDS, *FRONT_ENDS, *(name.replace("-", "_") for name in FRONT_ENDS)}
CLASSES = {
    each.__name__
    for kind in KINDS.values()
    for each in (type(kind), kind.settings, *FRONT_ENDS.values())
}
OTHERS = [
    path for path in sorted(ROOT.rglob("*.py")) if not str(path.relative_to(ROOT)).startswith(OWN)
]


def questions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Comparisons with the name of a kind or front end, and questions after their classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = {
                c.value for side in sides for c in ast.walk(side) if isinstance(c, ast.Constant)
            }
            if asked & NAMES:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            names = {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
            if names & CLASSES:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Match):
            patterns = [case.pattern for case in node.cases]
            asked = {c.value for p in patterns for c in ast.walk(p) if isinstance(c, ast.Constant)}
            if asked & NAMES:
                yield node.lineno, f"match {ast.unparse(node.subject)}"


def test_the_search_finds_what_it_is_for():
    asked = [
        "if kind.tag == 'sequence': pass",
        "x = 1 if 'order-map' != settings.front_end else 2",
        "y = front_end in ('scalogram', 'x')",
        "if isinstance(settings, (int, SequenceSettings)): pass",
        "issubclass(front_end, OrderMap)",
        "match settings.front_end:\n    case 'scalogram': pass",
    ]
    for source in asked:
        assert len(list(questions(ast.parse(source)))) == 1, source
    for source in ("x = KINDS['sequence']", "isinstance(x, dict)", "x == 'other'"):
        assert not list(questions(ast.parse(source)))


@pytest.mark.parametrize("path", OTHERS, ids=[str(path.relative_to(ROOT)) for path in OTHERS])
def test_nobody_asks_which_it_is(path):
    assert list(questions(ast.parse(path.read_text(encoding="utf-8")))) == []
