"""What a run keeps to make more of a class on the box: a generator, or a network of pairs.

Registered by the method that it belongs to; a run of another method keeps none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_model
from torch import nn

from dlrsd.training.balance.mansourifar_deep_smote import PairRegressor
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.over_sampling import pair_regressor
from dlrsd.training.balance.pools import RealPool
from dlrsd.training.balance.training_set import Plan, TrainingSet
from dlrsd.training.fitting.generator import decode, encode
from dlrsd.training.models.generator import Generator, make_generator
from dlrsd.training.runs.folder import load_arrays, save_synthesizer

ANCHORS = 12  # real windows of a class that go to the box for synthesis

Anchors = dict[str, NDArray[np.float16]]


class Kept(NamedTuple):
    """A run's network that makes more of a class, and what it starts from."""

    network: Any  # a Generator or a PairRegressor
    anchors: Anchors


class Synthesis(ABC):
    """How the network of a method is kept and read again.

    Attributes
    ----------
    file : str
        Name of the network's file in a run, without suffix.
    """

    file: ClassVar[str]

    @abstractmethod
    def make(self, materials: Materials, training: TrainingSet, plan: Plan) -> Kept:
        """Network and anchors of a training."""

    @abstractmethod
    def untrained(
        self, preset: str, *, n_classes: int, channels: int, size: tuple[int, int]
    ) -> nn.Module:
        """The network without its weights."""

    def save(self, folder: Path, kept: Kept) -> None:
        """Write it into a run."""
        save_synthesizer(folder, self.file, kept.network, anchors=kept.anchors)

    def load(self, folder: Path, preset: str, **shape: Any) -> Kept:
        """Read it from a run; ``shape`` as for `untrained`."""
        network = self.untrained(preset, **shape).eval()
        load_model(network, str(folder / f"{self.file}.safetensors"))
        return Kept(network, load_arrays(folder / "anchors.npz"))


class GeneratorKept(Synthesis):
    """The generator of DLRSD-SMOTE; its anchors are latents and textures of drawn windows."""

    file = "generator"

    def make(self, materials: Materials, training: TrainingSet, plan: Plan) -> Kept:
        assert training.outcome is not None  # noqa: S101 - for type checkers
        generator = training.outcome.generator
        anchors: Anchors = {}
        for label, heatmaps in _shown(materials.pools):
            latents = encode(generator, heatmaps)
            texture = heatmaps - decode(generator, latents)
            anchors[f"latent/{label}"] = latents.astype(np.float16)
            anchors[f"texture/{label}"] = texture.astype(np.float16)
        return Kept(generator, anchors)

    def untrained(
        self, preset: str, *, n_classes: int, channels: int, size: tuple[int, int]
    ) -> Generator:
        return make_generator(preset, n_classes=n_classes, channels=channels, size=size)


class PairsKept(Synthesis):
    """The network of Deep SMOTE by Mansourifar and Shi; its anchors are drawn windows' heatmaps."""

    file = "regressor"

    def make(self, materials: Materials, training: TrainingSet, plan: Plan) -> Kept:
        show = plan.progress("regressor", 1)
        network = pair_regressor(materials, seed=plan.seed, steps=plan.pair_steps)
        anchors = {f"heatmap/{k}": own.astype(np.float16) for k, own in _shown(materials.pools)}
        show(1)
        return Kept(network, anchors)

    def untrained(
        self, preset: str, *, n_classes: int, channels: int, size: tuple[int, int]
    ) -> PairRegressor:
        return PairRegressor((channels, *size))


SYNTHESES: dict[str, Synthesis] = {
    "dlrsd-smote": GeneratorKept(),
    "mansourifar-deep-smote": PairsKept(),
}


def _shown(pools: list[RealPool]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Of every class, the drawn windows that may go to the box."""
    return ((label, pool.drawn[:ANCHORS]) for label, pool in enumerate(pools))
