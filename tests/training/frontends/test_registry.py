"""A front end is one class and one line: a new one goes through everything, and nothing asks for
it by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from numpy.typing import NDArray
from torch import nn

from dlrsd.training.compare.compare import Grid, compare_methods
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.frontends.front_end import FrontEnd, Usual, class_weights
from dlrsd.training.frontends.registry import FRONT_ENDS, front_end_from
from dlrsd.training.kinds.registry import load_run
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.settings import Settings

ROWS = COLUMNS = 16


@dataclass(frozen=True)
class BandPower(FrontEnd):
    """Log power in 16 bands of 16 pieces of a window."""

    window: int
    mean: float
    std: float

    name: ClassVar[str] = "band-power"
    usual: ClassVar[Usual] = Usual(window=512, hop=256, classifier="edge")
    classifiers: ClassVar[tuple[str, ...]] = ("edge",)
    unsuited: ClassVar[Mapping[str, str]] = {"mixup": "it is a toy"}
    shift_invariant: ClassVar[bool] = True
    varies: ClassVar[bool] = False
    columns_are_times: ClassVar[bool] = True
    in_graph: ClassVar[bool] = True

    @staticmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        """Any recording will do."""

    @staticmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        return ROWS, COLUMNS

    @classmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> BandPower:
        power, weight = _powers(windows), class_weights(labels)
        mean = float(weight @ power.mean(axis=(1, 2, 3)))
        std = float(np.sqrt(weight @ ((power - mean) ** 2).mean(axis=(1, 2, 3))))
        return cls(windows.shape[-1], mean, std)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> BandPower:
        return cls(window, **facts)

    def facts(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}

    @property
    def size(self) -> tuple[int, int]:
        return ROWS, COLUMNS

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return (_powers(windows) - np.float32(self.mean)) / np.float32(self.std)

    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return windows

    def graph(self) -> nn.Module:
        return _Graph(self.mean, self.std)


class _Graph(nn.Module):
    def __init__(self, mean: float, std: float):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft(windows.unflatten(-1, (COLUMNS, -1)))[..., 1 : ROWS + 1].abs() ** 2
        return (torch.log(power + 1e-6).transpose(2, 3) - self.mean) / self.std


def _powers(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    pieces = windows.reshape(*windows.shape[:2], COLUMNS, -1)
    power = np.abs(np.fft.rfft(pieces, axis=-1)[..., 1 : ROWS + 1]) ** 2
    return np.log(power + 1e-6).swapaxes(2, 3).astype(np.float32)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """All of the registration that there is."""
    monkeypatch.setitem(FRONT_ENDS, BandPower.name, BandPower)


@pytest.fixture
def settings(rig_folder, learning):
    """Of the new front end."""
    training = replace(learning, generator=replace(learning.generator, epochs=1, steps=3))
    return Settings(
        str(rig_folder), n_normal=60, balance=5.0, front_end="band-power", training=training
    )


def test_the_line_goes_from_recordings_to_figures(settings, tmp_path):
    assert (settings.window, settings.hop, settings.classifier) == (512, 256, "edge")
    data = line.prepare(settings)
    line.require_trainable(settings, data)
    materials = line.materials_for("dlrsd-smote", settings, data)
    assert isinstance(materials.frontend, BandPower)
    training = line.balance(settings, "dlrsd-smote", materials)
    assert [len(pool) for pool in training.synthetic] == [0, 42, 42, 42]  # of 54, but 12 drawn
    classifier, _ = line.fit_classifier(settings, materials, training)
    temperature, novelty, _ = line.calibrated(
        settings, materials, classifier, checkpoint=tmp_path / "probe.pt"
    )
    metrics = line.evaluate(settings, data, materials.frontend, classifier, novelty, temperature)
    assert metrics["n"] == 8 * ((12_000 - 512) // 256 + 1)
    assert metrics["accuracy"] > 0.7  # chance: 0.25
    assert line.pictures(data, materials.frontend) == {}


def test_a_run_of_it_is_written_and_read(settings, tmp_path):
    metrics = fit(settings, tmp_path / "run", method="rus-weights")
    run = load_run(tmp_path / "run")
    assert run.settings == settings
    assert isinstance(run.frontend, BandPower)
    assert run.config.front_end == {"name": "band-power", **run.frontend.facts()}
    data = line.prepare(settings)
    again = line.evaluate(
        settings, data, run.frontend, run.classifier, run.novelty, run.temperature
    )
    assert again == {key: metrics[key] for key in again}
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_comparison_takes_it(settings, tmp_path):
    grid = Grid(settings, methods=("none",), axes={"balance": (5.0,)})
    (row,), failed = compare_methods(grid, tmp_path / "t.csv", jobs=1)
    assert failed == []
    assert row["settings"]["front_end"] == "band-power"
    assert Vibration().groups(settings)["all"] == [
        name for name in Vibration().groups(Settings("rig"))["all"] if name != "mixup"
    ]


@pytest.mark.parametrize("name", [*FRONT_ENDS, BandPower.name])
def test_what_a_config_states_of_a_front_end_makes_it_again(name):
    settings = Settings("rig", n_normal=20, balance=5.0, front_end=name)
    data = line.prepare(settings)
    frontend = line.fit_frontend(settings, data)
    again = front_end_from(
        {"name": name, **frontend.facts()}, rate_hz=data.rate_hz, window=data.window
    )
    assert again == frontend
    assert again.size == settings.frontend.size_of(data.rate_hz, data.window)
    index = data.test_index(hop=60_000)
    np.testing.assert_array_equal(again.of(data, index), frontend.of(data, index))


@pytest.mark.parametrize("name", [*FRONT_ENDS, BandPower.name])
def test_the_graph_makes_heatmaps_of_what_it_is_given(name):
    settings = Settings("rig", n_normal=20, balance=5.0, front_end=name)
    data = line.prepare(settings)
    frontend = line.fit_frontend(settings, data)
    index = data.test_index(hop=60_000)
    windows, machines = data.cut(index), frontend.machines(data, index)
    given = frontend.graph_input(windows, machines)
    assert frontend.in_graph == (given is windows)
    with torch.inference_mode():
        made = frontend.graph()(torch.from_numpy(given.copy()))
    np.testing.assert_allclose(made, frontend.heatmaps(windows, machines), atol=2e-3)
