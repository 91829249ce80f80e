"""Standings fit a terminal and say what differs."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from dlrsd.training.compare.standings import standings
from dlrsd.training.kinds.vibration.settings import Settings


def test_standings_fit_a_terminal_and_say_what_differs():
    settings = msgspec.to_builtins(Settings("rig"))
    kind = settings.pop("kind")
    accuracy = {"none": (0.80, 0.84, 0.82), "dlrsd-smote": (0.90, 0.92, 0.94)}
    accuracy["dlrsd-smote/no-ce-gradient"] = (0.90, 0.91, 0.96)
    rows = [
        dict.fromkeys(("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_auroc"), value)
        | dict.fromkeys(("data", "task"), "rig")
        | {"method": method, "seed": seed, "settings": settings, "epochs": 20, "seconds": 1.0}
        | {"protocol": protocol, "balance": 400.0, "classifier": "edge", "kind": kind}
        for protocol in ("block", "bearing")
        for method, values in accuracy.items()
        for seed, value in enumerate(values)
    ]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(standings(rows))
    lines = [line.strip() for line in console.export_text().splitlines()]
    assert max(map(len, lines)) < 100
    titles = [line for line in lines if "1:400" in line]
    assert titles == ["block, 1:400, edge", "bearing, 1:400, edge"]
    # Student's t with 2 degrees of freedom: 4.303 * 0.02 / sqrt(3) = 0.0497
    none = next(line for line in lines if line.startswith("none"))
    assert "82.00 ± 4.97" in none
    assert "+10.00 ± 4.97*" in none
    ablation = next(line for line in lines if "no-ce-gradient" in line)
    assert "*" not in ablation
    assert ablation.startswith("dlrsd-smote/no-ce-gradient ")
