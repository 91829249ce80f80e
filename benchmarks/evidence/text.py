"""How the results page writes what the statistics found: numbers, names, commands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from dlrsd.training.balance.methods import COMBINATIONS, METHODS, VARIANTS
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.data.vibration.splits import ELSEWHERE
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.kinds.vibration.settings import Settings

Row = Mapping[str, Any]

FIGURE_NAMES = {
    "accuracy": "accuracy",
    "worst_recall": "worst-class recall",
    "macro_recall": "macro recall",
    "g_mean": "G-mean",
    "macro_auroc": "macro AUROC",
}
#: What each protocol means, in the order of the page.
PROTOCOLS = {
    "block": "every recording is cut in time: no test window shares a sample with training, but "
    "the same physical bearings are on both sides, so it says how well these are known.",
    "bearing": "no physical bearing is on both sides (the one healthy one excepted, whose "
    "recordings are divided by load) and the class is the place of the fault, not its size: with "
    "rig it says most about a new machine.",
    "load": "training at some loads, test at others: it says how the diagnosis carries over to "
    "a load it has not seen.",
    "rig": "no data set is on both sides, and the class is the place of the fault; every recording "
    "is divided by its own RMS, as gains and units differ: a machine of another make.",
    "random": "overlapping windows are dealt out at random, so that test windows share samples "
    "with training ones: it leaks, and serves to compare with published figures made so.",
}
_FRONT_END = Settings("").front_end
_FLAGS = {"n_normal": "normal-windows"}
_NO_OPTION = {"root", "data", "seed", "balance", "protocol", "task", "classifier"}


def estimate(value: Mapping[str, Any] | None, sign: str = "") -> str:
    """Mean and half-width to four digits."""
    if value is None:
        return "–"
    half = value["half_width"]
    mean = f"{value['mean']:{sign}.4f}".replace("-", "−")
    # In one piece, where a narrow page breaks lines.
    return mean + (f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{half:.4f}" if half is not None else "")


def difference(value: Mapping[str, Any] | None) -> str:
    """A paired difference, its number of common seeds, Holm's p, and the verdict seen from
    `REFERENCE`."""
    if value is None:
        return "–"
    p = "" if value["p_holm"] is None else f"; {probability(value['p_holm'])}"
    return f"{estimate(value, '+')}\n{verdict(value)} ({value['n']}{p})"


def verdict(value: Mapping[str, Any]) -> str:
    if value["verdict"].endswith("better"):
        return "**better**" if value["verdict"].startswith(f"{REFERENCE} ") else "**worse**"
    return "not shown"


def probability(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.1g}" if p < 0.01 else f"{p:.2f}"


def number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def ratio(balance: float) -> str:
    return f"1:{balance:g}"


def data_name(row: Row) -> str:
    return row["task"] or row["data"]


def variant(row: Row) -> str:
    """The settings of a group that are not the usual ones of its front end, in words."""
    stated = json.loads(row["variant"])
    front_end = stated["front_end"]
    stated.pop("front_end", None)
    usual = usual_of(front_end)
    words = [] if front_end == _FRONT_END else [front_end.replace("-", " ")]
    return ", ".join(
        words
        + [
            f"{key.replace('_', ' ')} {_plain(value)}"
            for key, value in stated.items()
            if value is not None and value != usual.get(key)
        ]
    )


def has_usual_classifier(row: Row) -> bool:
    """Whether a group's classifier is the usual one of its front end, which need not be named."""
    return row["classifier"] == usual_of(json.loads(row["variant"])["front_end"])["classifier"]


def usual_of(front_end: str) -> dict[str, Any]:
    """The settings that a comparison with this front end has by default, by name."""
    return dict(msgspec.to_builtins(Settings("", front_end=front_end)))


def counts(rows: Sequence[Row], column: str) -> str:
    """Windows of each class over all seeds: the largest class by name, the others as a range."""
    tables = [row[column] for row in rows]
    names = list(dict.fromkeys(name for table in tables for name in table))
    if not names:
        return "–"
    each = {name: [table.get(name, 0) for table in tables] for name in names}
    largest = max(names, key=lambda name: max(each[name]))
    others = [count for name in names if name != largest for count in each[name]]
    if {*others, *each[largest]} == {each[largest][0]}:
        return f"{each[largest][0]:,} of each class"
    return f"{largest} {_range(each[largest])}; others {_range(others)} each"


def commands(rows: Sequence[Row]) -> list[str]:
    """The calls of ``dlrsd-train compare`` that make these rows, which differ in ratio, seed and
    method only."""
    methods: dict[tuple[float, str], set[int]] = {}
    for row in rows:
        methods.setdefault((row["balance"], row["method"]), set()).add(row["seed"])
    blocks: dict[tuple[float, tuple[int, ...]], list[str]] = {}
    for (balance, method), seeds in methods.items():
        blocks.setdefault((balance, tuple(sorted(seeds))), []).append(method)
    calls: dict[tuple[tuple[int, ...], tuple[str, ...]], list[float]] = {}
    for (balance, seeds), names in blocks.items():
        calls.setdefault((seeds, tuple(names)), []).append(balance)
    first = rows[0]
    settings = first["settings"]
    return [
        " ".join(
            [
                f"dlrsd-train compare {settings['data']}",
                *([f"--task {first['task']}"] if first["task"] else []),
                f"--protocols {first['protocol']}",
                f"--balance {','.join(f'{b:g}' for b in sorted(balances, reverse=True))}",
                f"--seeds {_seeds(seeds)}",
                f"--methods {','.join(_methods(names))}",
                *(
                    [f"--classifiers {first['classifier']}"]
                    if first["classifier"] != usual_of(settings["front_end"])["classifier"]
                    else []
                ),
                *_options(settings),
                "--out comparison.parquet",
            ]
        )
        for (seeds, names), balances in calls.items()
    ]


def _methods(names: Sequence[str]) -> list[str]:
    """Names as ``--methods`` takes them: all, combinations, ablations, or one by one."""
    rest, short = list(names), []
    groups = {
        "all": [*METHODS, *BASELINES],
        "combinations": COMBINATIONS,
        "ablations": [REFERENCE, *VARIANTS],
    }
    for word, known in groups.items():
        if set(known) <= set(names):
            short.append(word)
            rest = [name for name in rest if name not in known]
    return short + rest


def _options(stated: Mapping[str, Any]) -> Iterable[str]:
    # Under these protocols the data decide the front end, unless it is stated.
    decided = stated["protocol"] not in ELSEWHERE
    usual = usual_of(stated["front_end"]) | {"front_end": _FRONT_END if decided else None}
    for key, value in stated.items():
        if key in _NO_OPTION or value is None or value == usual.get(key):
            continue
        yield f"--{_FLAGS.get(key, key).replace('_', '-')} {_plain(value).replace(', ', ',')}"


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _seeds(seeds: Sequence[int]) -> str:
    whole = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}-{seeds[-1]}" if whole else ",".join(map(str, seeds))


def _range(values: Sequence[int]) -> str:
    if not values:
        return "0"
    low, high = min(values), max(values)
    return f"{low:,}" if math.isclose(low, high) else f"{low:,} to {high:,}"
