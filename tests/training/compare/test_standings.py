"""Standings fit a terminal and say what differs."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from dlrsd.training.compare.standings import standings
from dlrsd.training.kinds.vibration.settings import Settings


def test_parts_of_the_test_stand_below_with_their_own_figures():
    settings = msgspec.to_builtins(Settings("rig"))
    kind = settings.pop("kind")
    rows = [
        dict.fromkeys(("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_auroc"), 0.5)
        | {"data": "rig", "task": None, "method": method, "seed": seed, "settings": settings}
        | {"epochs": 20, "seconds": 1.0, "balance": 5.0, "classifier": "edge", "kind": kind}
        | {"protocol": protocol, "strata": parts if protocol == "bearing" else {}}
        for protocol in ("block", "bearing")
        for method in ("forest", "ros")
        for seed, parts in enumerate(
            (
                {"grade Y": {"accuracy": 0.9, "worst_recall": 0.7, "n": 30.0}},
                {
                    "grade N": {"accuracy": 0.2, "worst_recall": 0.1, "n": 10.0},
                    "grade Y": {"accuracy": 0.8, "worst_recall": 0.6, "n": 30.0},
                },
            )
        )
    ]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(standings(rows))
    text = console.export_text()
    assert text.count("by part of the test") == 1
    parts = text.partition("bearing, 1:5, edge, by part of the test")[2].splitlines()
    found = [line.split() for line in parts if line.strip().startswith("grade")]
    assert [line[:4] for line in found] == [
        ["grade", letter, method, n]
        for letter, n in (("N", "1"), ("Y", "2"))
        for method in ("ros", "forest")
    ]
    # Two seeds: Student's t with 1 degree of freedom, 12.706 * 0.0707 / sqrt(2)
    assert found[0][4:] == ["20.00", "10.00"]
    assert found[2][4:] == ["85.00", "±", "63.53", "65.00", "±", "63.53"]


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
