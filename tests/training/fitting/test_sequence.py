"""Training on sequences: constants of the channels, what is learned, and running whole plants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from msgspec import structs

from dlrsd.training.balance.sequences import training_sequences
from dlrsd.training.data.plants.plants import CLASSES, Plant
from dlrsd.training.data.plants.sequences import Segment, SequenceData
from dlrsd.training.fitting.schedule import SEQUENCE
from dlrsd.training.fitting.sequence import (
    new_sequence_classifier,
    run_segments,
    train_sequence_classifier,
)

PLANT = Plant("plant_1", np.datetime64("2020-01-01", "s"), ("m1.S1", "m1.R1"), None, (), {}, False)


def segment(n, seed, plant=0) -> Segment:
    """A state shows in the mean of the first channel: 0, or 4 in stretches of Fault2."""
    rng = np.random.default_rng(seed)
    label = np.repeat(2 * (rng.random(-(-n // 5)) < 0.3), 5)[:n]
    signal = rng.standard_normal((2, (n - 1) * 3 + 9)).astype(np.float32)
    for i, one in enumerate(label):
        signal[0, 3 * i + 6 : 3 * i + 9] += 2 * one
    signal[1] = 7.0  # a reference that never moves
    return Segment(plant, 0, signal * 10 + 100, label)


@pytest.fixture(scope="module")
def data() -> SequenceData:
    parts = {"train": [segment(300, 0)], "validation": [segment(80, 1)], "test": [segment(90, 2)]}
    return SequenceData([PLANT, PLANT], parts, window=9, hop=3)


def untrained(data):
    return new_sequence_classifier(data, "lrcn", seed=0)


def sequences_of(data, method):
    return training_sequences(data, method, length=4, seed=0)


def test_channels_are_standardised_by_the_training_part(data):
    model = untrained(data)
    signal = data.parts["train"][0].signal
    np.testing.assert_allclose(model.mean, signal.mean(axis=1), rtol=1e-5)
    assert float(model.std[0]) == pytest.approx(signal[0].std(), rel=1e-4)
    assert float(model.std[1]) == 1.0
    holes = signal.copy()
    holes[:, ::7] = np.nan
    parts = {**data.parts, "train": [replace(data.parts["train"][0], signal=holes)]}
    model = untrained(replace(data, parts=parts))
    np.testing.assert_allclose(model.mean, np.nanmean(holes, axis=1), rtol=1e-5)


def test_a_channel_that_was_never_measured_in_training_says_nothing_later(data):
    silent = data.parts["train"][0].signal.copy()
    silent[1] = np.nan
    parts = {**data.parts, "train": [replace(data.parts["train"][0], signal=silent)]}
    model = untrained(replace(data, parts=parts))
    heard, other = (data.parts["test"][0].signal.copy() for _ in range(2))
    other[1] = -1e4
    said = [
        run_segments(model, data, [replace(data.parts["test"][0], signal=signal)])[0][0]
        for signal in (heard, other)
    ]
    np.testing.assert_array_equal(*said)
    assert np.isfinite(said[0]).all()


def test_training_learns_what_shows(data):
    model = untrained(data)
    schedule = structs.replace(SEQUENCE, epochs=2, steps=50, batch=16, learning_rate=1e-2)
    curves = train_sequence_classifier(
        model, data, sequences_of(data, "rus-weights"), seed=0, schedule=schedule
    )
    assert set(curves) >= {"epoch", "nll", "validation_loss", "validation_recall"}
    assert len(curves["nll"]) == 2
    ((log_p, _),) = run_segments(model, data, data.parts["test"])
    label = data.parts["test"][0].label
    right = log_p.argmax(axis=1) == label
    assert min(right[label == one].mean() for one in (0, 2)) > 0.75


def test_an_interrupted_training_goes_on_where_it_stopped(data, tmp_path):
    schedule = structs.replace(SEQUENCE, epochs=3, steps=2, batch=4)
    sequences = sequences_of(data, "smote")

    def trained(stop_after=None, checkpoint=None):
        model = untrained(data)

        def on_epoch(epoch):
            if epoch == stop_after:
                raise KeyboardInterrupt

        try:
            train_sequence_classifier(
                model, data, sequences, seed=0, schedule=schedule, checkpoint=checkpoint,
                on_epoch=on_epoch,
            )  # fmt: skip
        except KeyboardInterrupt:
            return trained(checkpoint=checkpoint)
        return model.state_dict()

    whole, resumed = trained(), trained(stop_after=2, checkpoint=tmp_path / "state.pt")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)


def test_segments_of_any_length_are_run_as_if_each_were_alone(data):
    """However many windows are run at once: as the network says of each segment in one go."""
    model = untrained(data)
    segments = [segment(150, 3), segment(11, 4), segment(70, 5), segment(1, 6)]
    together = run_segments(model, data, segments)
    for one, (log_p, embedding) in zip(segments, together, strict=True):
        with torch.inference_mode():
            alone, alone_embedding, _ = model(torch.from_numpy(data.windows(one).copy())[None])
        assert log_p.shape == (len(one.label), len(CLASSES))
        np.testing.assert_allclose(log_p, alone[0], atol=1e-5)
        np.testing.assert_allclose(embedding, alone_embedding[0], atol=1e-5)
