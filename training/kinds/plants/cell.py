"""One cell of a comparison on plant data: a method and a network on one split, as a row of figures.

The plants and their parts, the initial weights of a network, the number and size of its batches and
the test part are the same for all methods of a seed.
"""

from __future__ import annotations

import time
from functools import lru_cache

from msgspec.structs import replace

from dlrsd.training.base.threads import one_thread
from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import SequenceData
from dlrsd.training.kinds.kind import Cell
from dlrsd.training.kinds.plants import line
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.runs.config import dataset_name
from dlrsd.training.runs.row import Row, row_of


def run_plant_cell(cell: Cell) -> Row:
    """Train and test, on one thread, so that the row is the same in every process.

    Returns
    -------
    Row
        Its balance ratio is None, for plants are taken as they are. ``notes`` hold the challenge's
        score of every plant.

    Raises
    ------
    InputError
        If the settings cannot be used.
    """
    settings: SequenceSettings = cell.settings
    started = time.process_time()
    with one_thread():
        data = prepared(settings)
        sequences = line.balance(settings, cell.method, data)
        model, _ = line.fit_network(settings, data, sequences)
        metrics, _ = line.evaluate(settings, data, model)
    scores = {name: found["score"] for name, found in metrics["events"].items()}
    notes = [f"official score of {name}: {score:g}" for name, score in scores.items()]
    if metrics["simulated"]:
        notes.insert(0, "simulated")
    return row_of(
        settings,
        metrics,
        method=cell.method,
        epochs=settings.training.epochs,
        started=started,
        data=dataset_name(settings.data),
        task=None,
        balance=None,
        train_windows=dict(zip(CLASSES, data.counts("train").tolist(), strict=True)),
        counts={
            name: {what: float(of_class[name]) for what, of_class in sequences.facts.items()}
            for name in CLASSES
        },
        notes=notes,
    )


def prepared(settings: SequenceSettings) -> SequenceData:
    """`line.prepare`, kept for the next cell of the same data."""
    return _prepared(replace(settings, classifier="lr_convlstm"))


@lru_cache(maxsize=1)
def _prepared(settings: SequenceSettings) -> SequenceData:
    return line.prepare(settings)
