"""Everything that decides a training on sequences of plants but for the method."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dlrsd.training.data.plants.sequences import PROTOCOLS
from dlrsd.training.fitting.schedule import SEQUENCE, Schedule
from dlrsd.training.kinds.checks import MOST, Count, Seed, one_of, require_known, require_least
from dlrsd.training.models.lr_convlstm import SEQUENCE_CLASSIFIERS


class SequenceSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sequence"
):
    """Everything that decides a run on plant data but for the method against the imbalance.

    Parameters
    ----------
    data : str
        A folder of plants, or ``plant``: simulated ones, of every seed others.
    protocol : "time" or "plant"
    seed : int >= 0
        Which plants are simulated or tested, and the network's first weights.
    classifier : str
        A name of ``dlrsd.training.models.lr_convlstm.SEQUENCE_CLASSIFIERS``.
    window, hop : int > 0
        Samples of a window, and from one to the next.
    sequence : int > 0
        Windows of a training sequence. The published example has 20; of the same number of
        windows, more and shorter sequences hold more events that differ, and a fault does not
        depend on what lies three hours back. The state goes on over all of a plant afterwards.
    hold : int >= 0
        Samples for which the last value stands in for a missing one.
    n_plants, years, components, zones : of the simulation
    training : Schedule

    Raises
    ------
    InputError
        If a value is none of those above.
    """

    data: str
    protocol: Annotated[str, one_of(PROTOCOLS)] = "time"
    seed: Seed = 0
    classifier: Annotated[str, one_of(SEQUENCE_CLASSIFIERS)] = "lr_convlstm"
    window: Count = 24
    hop: Count = 4
    sequence: Count = 6
    hold: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 8
    n_plants: int = 8
    years: float = 2.0
    components: int = 2
    zones: int = 1
    training: Schedule = SEQUENCE

    def __post_init__(self) -> None:
        require_known("protocol", self.protocol, PROTOCOLS, " for plant data")
        require_known("classifier", self.classifier, SEQUENCE_CLASSIFIERS, " for sequences")
        require_least(self, window=1, hop=1, sequence=1, hold=0, seed=0)

    def decisive(self) -> SequenceSettings:
        """The settings: all of them decide a row."""
        return self
