"""A grid of methods, balance ratios, protocols, seeds and classifiers on windows of vibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.training.balance.methods import (
    COMBINATIONS,
    KNOWN,
    METHODS,
    NOT_OF_ORDER_MAPS,
    VARIANTS,
    require_suited,
)
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.compare.filling import Comparison, Say, check_names, fill_table
from dlrsd.training.data.vibration.prepare import FRONT_ENDS, Settings, require_classifier
from dlrsd.training.data.vibration.splits import PROTOCOLS
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.kinds.vibration.cell import Cell, prepared, run_cell
from dlrsd.training.kinds.vibration.fit import CLASSIFIER_EPOCHS
from dlrsd.training.models.classifiers import CLASSIFIERS
from dlrsd.training.models.generator import PRESETS


@dataclass(frozen=True)
class Grid:
    """What is compared: all combinations.

    Parameters
    ----------
    settings : Settings
        What all cells have in common; its protocol, balance, seed and classifier are not used.
    methods, balances, protocols, seeds, classifiers
        Of each at least one.
    epochs : int > 0
        Of the classifier's training, the same for every method.
    """

    settings: Settings
    methods: Sequence[str]
    balances: Sequence[float]
    protocols: Sequence[str] = ("block",)
    seeds: Sequence[int] = (0,)
    classifiers: Sequence[str] = ("edge",)
    epochs: int = CLASSIFIER_EPOCHS


def compare(
    grid: Grid,
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress = silent,
    say: Say = lambda line: None,
) -> Comparison:
    """Fill a table with the cells of a grid.

    Parameters
    ----------
    grid : Grid
    out : Path
        ``NAME.parquet`` or ``NAME.csv``; a row is in it as soon as its cell is done. A table that
        is there is gone on with.
    jobs : int >= 1, optional
        Processes, each on one thread; default: the cores that this process may use.
    progress : function, optional
        As in `dlrsd.training.kinds.vibration.fit.fit`.
    say : function, optional
        Takes a line on what is there, on every cell that is done, and on every one that failed.

    Raises
    ------
    InputError
        If a name, the data under a protocol and ratio, or the file cannot be used; nothing was
        computed then. A cell that fails later does not keep the others from being done.
    """
    _check_names(grid)
    return fill_table(
        _groups(grid), out, run=run_cell, check=_check_data, jobs=jobs, progress=progress, say=say
    )


def method_names(names: Sequence[str], *, order_map: bool = False) -> tuple[str, ...]:
    """Names with ``all`` replaced by the twelve methods, ``combinations`` by those of re-balancing
    and weights, and ``ablations`` by DLRSD-SMOTE and its own; without what order maps rule out."""
    groups = {
        "all": [name for name in METHODS if not (order_map and name in NOT_OF_ORDER_MAPS)],
        "combinations": [*COMBINATIONS],
        "ablations": [REFERENCE, *VARIANTS],
    }
    return tuple(method for name in names for method in groups.get(name, [name]))


def _groups(grid: Grid) -> list[list[Cell]]:
    """Cells by what they share. Seed after seed, so that an unfinished table compares all; of a
    group, the methods that train most first, so that no long cell is the last of all."""
    methods = [name for name in [*KNOWN][::-1] if name in grid.methods]
    return [
        [
            Cell(_settings(grid, protocol, balance, seed, classifier), method, grid.epochs)
            for method in methods
            for classifier in dict.fromkeys(grid.classifiers)
        ]
        for seed in dict.fromkeys(grid.seeds)
        for protocol in dict.fromkeys(grid.protocols)
        for balance in dict.fromkeys(grid.balances)
    ]


def _settings(grid: Grid, protocol: str, balance: float, seed: int, classifier: str) -> Settings:
    settings = replace(
        grid.settings, protocol=protocol, balance=balance, seed=seed, classifier=classifier
    )
    if protocol == "load":
        return settings
    return replace(settings, train_loads=None, test_loads=None)  # they decide nothing


def _check_names(grid: Grid) -> None:
    check_names(
        method=(grid.methods, KNOWN),
        balance=(grid.balances, None),
        protocol=(grid.protocols, PROTOCOLS),
        seed=(grid.seeds, None),
        classifier=(grid.classifiers, CLASSIFIERS),
        preset=([grid.settings.preset], PRESETS),
        front_end=([grid.settings.front_end], FRONT_ENDS),
    )
    for classifier in grid.classifiers:
        require_classifier(replace(grid.settings, classifier=classifier))
    for method in grid.methods:
        require_suited(method, grid.settings)


def _check_data(groups: Sequence[Sequence[Cell]]) -> list[str]:
    """Refuse what cannot be prepared; a note on every ratio that leaves a class a single window."""
    lone: dict[float, list[str]] = {}
    for settings in (group[0].settings for group in groups if group):
        try:
            data = prepared(settings)
        except DlrsdError as error:
            where = f"protocol {settings.protocol}, balance ratio 1:{settings.balance:g}"
            raise InputError(f"{where}, seed {settings.seed}: {error}") from error
        counts = counts_by_class(data.drawn, data.classes)
        lone.setdefault(settings.balance, [name for name, count in counts.items() if count == 1])
    return [
        f"note: a balance ratio of 1:{balance:g} leaves a single training window of "
        f"{', '.join(names)}: what interpolates has no partner there (see the column notes)"
        for balance, names in lone.items()
        if names
    ]
