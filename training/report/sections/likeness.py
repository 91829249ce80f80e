"""How like real heatmaps the synthetic ones are, in figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlrsd.training.evaluate.fidelity import DEFINITIONS
from dlrsd.training.report.parts import Definitions, Note, Section, Table
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.words import maybe


def likeness(run: Run) -> Section | None:
    """Figures by the field's definitions, and as the DLRSD-SMOTE paper computes them."""
    fidelity = run.metrics.get("fidelity")
    if not fidelity or not fidelity["per_class"]:
        return None
    own = [name for name in DEFINITIONS if not name.endswith("_paper")]
    paper = [name for name in DEFINITIONS if name.endswith("_paper")]
    return Section(
        "How like the real ones they are",
        [
            _table(fidelity, own, "Field-standard definitions, each with its ideal value"),
            Note(
                "Real heatmaps are those of the test part, which the generator has not seen. “Real "
                "against real” compares one random half of the real heatmaps with the other, about "
                "what a perfect generator would score. Paired figures better than that usually "
                "mean heatmaps smoother than real ones, or very close to single ones."
            ),
            _definitions(own),
            _table(fidelity, paper, "As the DLRSD-SMOTE paper computes them"),
            Note(
                "For comparison with its tables only. On pictures scaled to 0..1 even unrelated "
                "noise has a cosine similarity of about 0.9."
            ),
            _definitions(paper),
        ],
    )


def _table(fidelity: Mapping[str, Any], names: Sequence[str], caption: str) -> Table:
    def cells(row: Mapping[str, Any]) -> list[str]:
        return [maybe(row.get(name), lambda value: f"{value:#.3g}") for name in names]

    rows = [["mean over classes", *cells(fidelity["overall"])]]
    if any(value is not None for value in fidelity.get("reference", {}).values()):
        rows.append(["real against real", *cells(fidelity["reference"])])
    looks = ["total", "reference"][: len(rows)]
    rows += [[name, *cells(row)] for name, row in fidelity["per_class"].items()]
    head = [
        f"{DEFINITIONS[name].label} →\N{NO-BREAK SPACE}{DEFINITIONS[name].ideal}" for name in names
    ]
    return Table(["", *head], rows, caption=caption, looks=looks)


def _definitions(names: Iterable[str]) -> Definitions:
    return Definitions([(DEFINITIONS[name].label, DEFINITIONS[name].text) for name in names])
