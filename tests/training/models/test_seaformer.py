"""The Seaformer block does what it claims: every position sees every row and column."""

from __future__ import annotations

import pytest
import torch

from dlrsd.training.models.seaformer import SeaformerBlock


@pytest.fixture
def block() -> SeaformerBlock:
    torch.manual_seed(0)
    return SeaformerBlock(6, key_dim=4, heads=2).double().eval()


@pytest.mark.parametrize("position", [(0, 0), (3, 4), (7, 9)])
def test_every_output_depends_on_every_row_and_column(block, position):
    x = torch.randn(1, 6, 8, 10, dtype=torch.double, requires_grad=True)
    block(x)[0, :, position[0], position[1]].abs().sum().backward()
    influence = x.grad[0].abs().sum(0)
    assert influence.sum(1).min() > 1e-12, "a row has no influence"
    assert influence.sum(0).min() > 1e-12, "a column has no influence"
    assert (influence > 0).all()


def test_without_axial_attention_the_reach_is_three_by_three(block):
    x = torch.randn(1, 6, 8, 10, dtype=torch.double, requires_grad=True)
    q, k, v = block.query(x), block.key(x), block.value(x)
    block.detail(torch.cat([q, k, v], dim=1))[0, :, 4, 5].abs().sum().backward()
    rows, columns = torch.nonzero(x.grad[0].abs().sum(0), as_tuple=True)
    assert (rows.min(), rows.max()) == (3, 5)
    assert (columns.min(), columns.max()) == (4, 6)


def test_attention_equals_a_plain_loop(block):
    """One head, one row at a time, from the formula."""
    q, k, v = torch.randn(1, 8, 5).double(), torch.randn(1, 8, 5).double(), torch.randn(1, 16, 5)
    v = v.double()
    axial = block.rows
    axial.query_position.data.zero_()
    axial.key_position.data.zero_()
    axial.project = torch.nn.Identity()
    got = axial(q, k, v, heads=2, scale=0.5)
    for head in range(2):
        qh, kh, vh = q[0, head * 4 :][:4], k[0, head * 4 :][:4], v[0, head * 8 :][:8]
        for i in range(5):
            weights = torch.softmax(
                torch.stack([(qh[:, i] * kh[:, j]).sum() for j in range(5)]) / 2, 0
            )
            want = sum(weights[j] * vh[:, j] for j in range(5))
            torch.testing.assert_close(got[0, head * 8 : head * 8 + 8, i], want)


def test_published_dimensions():
    block = SeaformerBlock(512, key_dim=64, heads=8)
    assert block.query[0].out_channels == block.key[0].out_channels == 512
    assert block.value[0].out_channels == 1024
    assert block.detail[0][0].in_channels == block.detail[0][0].groups == 2048
    assert block.rows.query_position.shape == (1, 512, 16)
    assert block.scale == 64**-0.5
