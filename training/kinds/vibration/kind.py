"""Windows of vibration as a kind of data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from dlrsd.training.balance.methods import COMBINATIONS, FORMER_NAMES, KNOWN, METHODS, VARIANTS
from dlrsd.training.base.progress import Progress
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.data.sources import VIBRATION, Source
from dlrsd.training.data.vibration.fitness import described
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.rigs import names_of
from dlrsd.training.data.vibration.splits import PROTOCOLS
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.kinds.kind import Axis, Cell, Kind
from dlrsd.training.kinds.vibration.cell import prepared, run_cell, settled
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.run import TrainedRun, load_run
from dlrsd.training.kinds.vibration.settings import AUTO, Settings, require_suited
from dlrsd.training.models.classifiers import CLASSIFIERS
from dlrsd.training.runs.config import dataset_name
from dlrsd.training.runs.row import Row


class Vibration(Kind[Settings]):
    """Windows of vibration, each diagnosed for itself."""

    source: ClassVar[Source] = VIBRATION
    settings = Settings
    axes: ClassVar[Mapping[str, Axis]] = {
        "seed": Axis(None, (0,)),
        "protocol": Axis(PROTOCOLS, ("block",)),
        "balance": Axis(None, (100.0,)),
        "classifier": Axis(CLASSIFIERS, ()),
    }
    methods: ClassVar[Collection[str]] = METHODS | COMBINATIONS
    compared: ClassVar[Collection[str]] = [*KNOWN, *BASELINES]
    reference: ClassVar[str] = REFERENCE
    former_methods: ClassVar[Mapping[str, str]] = FORMER_NAMES
    figures: ClassVar[tuple[str, ...]] = ("accuracy", "macro_recall", "worst_recall")

    def completed(self, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        is_open = not {"front_end", "window", "hop", "classifier"} & stated.keys()
        return {**stated, "front_end": AUTO} if is_open else stated

    def settled(self, settings: Settings) -> tuple[Settings, str | None]:
        return settled(settings)

    def fit(
        self, settings: Settings, out: Path, *, method: str, progress: Progress
    ) -> dict[str, Any]:
        return fit(settings, out, method=method, progress=progress)

    def run_name(self, settings: Settings) -> str:
        is_one = len(names_of(settings.data)) == 1
        name = (is_one and settings.task) or dataset_name(settings.data)
        name = f"{name}-{settings.protocol}-br{settings.balance:g}-seed{settings.seed}"
        return (
            name
            if settings.front_end in (AUTO, Settings("").front_end)
            else f"{name}-{settings.front_end}"
        )

    def summary(self, settings: Settings, metrics: Mapping[str, Any]) -> list[str]:
        worst = metrics["worst_class"]
        return [
            f"protocol {settings.protocol}, balance ratio 1:{settings.balance:g}, {metrics['n']} "
            "test windows",
            f"accuracy {metrics['accuracy']:.4f}, macro recall {metrics['macro_recall']:.4f}, "
            f"worst recall {metrics['worst_recall']:.4f} ({worst}, "
            f"{metrics['per_class'][worst]['support']} windows)",
            *(
                f"{name}: accuracy {own['accuracy']:.4f}, worst recall {own['worst_recall']:.4f} "
                f"({own['n']:.0f} windows)"
                for name, own in metrics.get("strata", {}).items()
            ),
            *(
                f"{name}, when left out: accuracy {own['accuracy']:.4f}, worst recall "
                f"{min(own['recall'].values()):.4f} ({own['windows']} windows)"
                for name, own in metrics.get("rigs", {}).items()
            ),
            *([metrics["chosen"]] if "chosen" in metrics else []),
            *described(metrics.get("left_out", {})),
        ]

    def load_run(self, folder: Path) -> TrainedRun:
        return load_run(folder)

    @property
    def run_cell(self) -> Callable[[Cell], Row]:
        return run_cell

    def prepared(self, settings: Settings) -> Prepared:
        return prepared(settings)

    def groups(self, settings: Settings) -> dict[str, list[str]]:
        unsuited = settings.frontend.unsuited
        return {
            "all": [name for name in [*METHODS, *BASELINES] if name not in unsuited],
            "combinations": [*COMBINATIONS],
            "ablations": [REFERENCE, *VARIANTS],
        }

    def require_method(self, method: str, settings: Settings) -> None:
        super().require_method(method, settings)
        require_suited(method, settings)

    def notes(self, settings: Sequence[Settings]) -> list[str]:
        lone: dict[float, list[str]] = {}
        for each in settings:
            data = prepared(each)
            counts = counts_by_class(data.drawn, data.classes)
            lone.setdefault(each.balance, [name for name, count in counts.items() if count == 1])
        return [
            f"note: a balance ratio of 1:{balance:g} leaves a single training window of "
            f"{', '.join(names)}: what interpolates has no partner there (see the column notes)"
            for balance, names in lone.items()
            if names
        ]

    def place(self, settings: Settings) -> str:
        return (
            f"protocol {settings.protocol}, balance ratio 1:{settings.balance:g}, seed "
            f"{settings.seed}"
        )
