"""The loop: an interrupted training ends like one that ran through, and it stops when it should."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.fitting.loop import train
from dlrsd.training.fitting.schedule import Schedule

X = torch.linspace(-1, 1, 64).unsqueeze(1)
Y = 3 * X + 1


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))


def run(net, checkpoint, *, validation=None, on_epoch=lambda epoch: None, epochs=8, patience=50):
    figures = iter(validation or [])
    return train(
        net,
        batches=lambda epoch: [(X, Y)] * 5,
        losses=lambda m, batch: {"mse": F.mse_loss(m(batch[0]), batch[1])},
        validate=lambda m: {
            "validation_loss": next(figures) if validation else float(F.mse_loss(m(X), Y))
        },
        schedule=Schedule(
            epochs=epochs,
            steps=5,
            batch=64,
            learning_rate=0.05,
            weight_decay=0.0,
            patience=patience,
        ),
        seed=3,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )


def test_it_learns_and_keeps_its_curves(tmp_path):
    net = model()
    curves = run(net, tmp_path / "c.pt", epochs=20)
    assert curves["validation_loss"][-1] < 0.1 * curves["validation_loss"][0]
    assert curves["epoch"] == list(range(1, 21))
    assert len(curves["mse"]) == len(curves["train_loss"]) == 20
    assert not net.training


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path):
    whole, parts = model(), model()
    curves = run(whole, tmp_path / "whole.pt")

    def interrupt(epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(parts, tmp_path / "parts.pt", on_epoch=interrupt)
    resumed = model()
    assert run(resumed, tmp_path / "parts.pt") == curves
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_it_stops_early_with_the_best_weights(tmp_path):
    net = model()
    best = []

    def remember(epoch):
        if epoch == 2:
            best.extend(p.detach().clone() for p in net.parameters())

    values = [3.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    curves = run(net, tmp_path / "c.pt", validation=values, on_epoch=remember, patience=3)
    assert curves["validation_loss"] == values[:5]
    for a, b in zip(net.parameters(), best, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_without_a_checkpoint_it_ends_with_the_same_weights(tmp_path):
    kept, unkept = model(), model()
    assert run(kept, tmp_path / "c.pt") == run(unkept, None)
    for a, b in zip(kept.parameters(), unkept.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "c.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="cannot be resumed"):
        run(model(), path)
    torch.save({"model": nn.Linear(2, 2).state_dict()}, path)
    with pytest.raises(InputError, match="remove it to start over"):
        run(model(), path)
