"""DeepSMOTE: its penalty, and that what it decodes lies between windows of the class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from dlrsd.training.balance.dablain_deepsmote import Autoencoder, loss, train_autoencoder
from dlrsd.training.fitting.schedule import GENERATOR


class Same(nn.Module):
    """Encodes and decodes to the input plus one."""

    def encode(self, heatmap):
        return heatmap

    def decode(self, code):
        return code + 1


def test_the_penalty_compares_with_the_next_of_the_class():
    levels = torch.tensor([0.0, 5.0, 3.0, 7.0])
    heatmap = levels.reshape(4, 1, 1, 1).expand(4, 1, 2, 2)
    own = torch.tensor([True, False, True, True])
    reconstruction, penalty = loss(Same(), heatmap, own)
    assert float(reconstruction) == 1.0
    # 0, 3, 7 from the codes of 7, 0, 3, each decoded one too high
    assert float(penalty) == pytest.approx((8**2 + (-2) ** 2 + (-3) ** 2) / 3)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 16, 24)])
def test_shapes(shape):
    network = Autoencoder(shape).eval()
    code = network.encode(torch.zeros(2, *shape))
    assert code.shape == (2, 64)
    assert network.decode(code).shape == (2, *shape)


def test_it_learns_to_reconstruct_and_the_seed_decides():
    schedule = replace(GENERATOR, epochs=6, steps=15, batch=16)
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((2, 1, 1, 16, 16))
    pools = [(p + 0.1 * rng.standard_normal((30, 1, 16, 16))).astype(np.float32) for p in patterns]
    validation = (np.concatenate([pool[:5] for pool in pools]), np.repeat([0, 1], 5))
    one, two, other = (
        train_autoencoder(pools, validation, seed=s, schedule=schedule) for s in (0, 0, 1)
    )
    held = torch.from_numpy(validation[0])
    with torch.inference_mode():
        error = float(((one(held) - held) ** 2).mean())
        torch.testing.assert_close(one(held), two(held), rtol=0, atol=0)
        assert not torch.equal(one(held), other(held))
    assert error < 0.3 * float(held.var())
