"""How long and how fast a network is trained; a run's config states it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dlrsd.runtime.base.errors import InputError

_Count = Annotated[int, msgspec.Meta(ge=1)]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cycle of AdamW, with early stopping.

    Parameters
    ----------
    epochs : int > 0
        At most.
    steps : int > 0
        Batches of an epoch.
    batch : int > 0
        Samples of a batch.
    learning_rate : float > 0
        The highest of the cycle.
    weight_decay : float >= 0
    patience : int > 0
        Epochs without a better validation loss after which training ends.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    epochs: _Count
    steps: _Count
    batch: _Count
    learning_rate: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    weight_decay: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    patience: _Count

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "batch", "patience"):
            if getattr(self, name) < 1:
                raise InputError(f"got {name} = {getattr(self, name)}: expected 1 or more")
        if not 0 < self.learning_rate < 1 or not 0 <= self.weight_decay < 1:
            raise InputError(
                f"got a learning rate of {self.learning_rate:g} and a weight decay of "
                f"{self.weight_decay:g}: expected 0 < rate < 1 and 0 <= decay < 1"
            )


# The paper trains up to 1500 epochs of Adam at 5e-4. A one-cycle schedule at a higher rate needs
# few.
GENERATOR = Schedule(
    epochs=15, steps=30, batch=64, learning_rate=2e-3, weight_decay=1e-4, patience=10
)
# Adam at 1e-4 in the paper; as for the generator. Weight decay, with the loss's smoothed labels,
# keeps five windows from being learned by heart.
CLASSIFIER = Schedule(
    epochs=20, steps=40, batch=128, learning_rate=3e-3, weight_decay=0.05, patience=15
)
SEQUENCE = Schedule(
    epochs=6, steps=80, batch=40, learning_rate=1.5e-3, weight_decay=0.01, patience=6
)
