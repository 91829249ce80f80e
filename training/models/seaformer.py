"""The Seaformer block: squeeze-enhanced axial attention over rows and columns of a feature map.

Sources: Wan, Huang, Lu, Yu, Zhang, "SeaFormer: Squeeze-enhanced Axial Transformer for Mobile
Semantic Segmentation", ICLR 2023; dimensions as in Dai et al., DLRSD-SMOTE (2025).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POSITIONS = 16  # learned positional embeddings per axis, interpolated to the map's size


class ConvNorm(nn.Sequential):
    """Convolution without bias, then batch normalisation; (n, c_in, h, w) -> (n, c_out, h', w')."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1):
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
        )


class SeaformerBlock(nn.Module):
    """Axial attention gates a local detail branch: every position sees every row and column.

    Parameters
    ----------
    channels : int > 0
        Channels of input and output.
    key_dim, heads : int > 0
        Size of a query or key in one head, and heads; values are twice as wide.

    Shapes
    ------
    (n, channels, h, w) -> (n, channels, h, w), any h and w.
    """

    def __init__(self, channels: int, *, key_dim: int, heads: int):
        super().__init__()
        self.heads, self.scale = heads, key_dim**-0.5
        keys, values = key_dim * heads, 2 * key_dim * heads
        self.query = ConvNorm(channels, keys)
        self.key = ConvNorm(channels, keys)
        self.value = ConvNorm(channels, values)
        self.detail = nn.Sequential(
            ConvNorm(2 * keys + values, 2 * keys + values, 3, groups=2 * keys + values),
            nn.ReLU(),
            ConvNorm(2 * keys + values, channels),
        )
        self.rows = AxialAttention(keys, values)
        self.columns = AxialAttention(keys, values)
        self.merge = nn.Sequential(nn.ReLU(), ConvNorm(values, channels))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.query(x), self.key(x), self.value(x)
        rows = self.rows(q.mean(3), k.mean(3), v.mean(3), self.heads, self.scale)
        columns = self.columns(q.mean(2), k.mean(2), v.mean(2), self.heads, self.scale)
        axial = self.merge(v + rows.unsqueeze(3) + columns.unsqueeze(2))
        return torch.sigmoid(axial) * self.detail(torch.cat([q, k, v], dim=1))

    def attention(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What ``forward`` attends to: rows (n, heads, h, h) and columns (n, heads, w, w).

        Entry [i, j] is the weight that position i gives to position j; a row sums to 1.
        """
        q, k = self.query(x), self.key(x)
        return (
            self.rows.weights(q.mean(3), k.mean(3), self.heads, self.scale),
            self.columns.weights(q.mean(2), k.mean(2), self.heads, self.scale),
        )


class AxialAttention(nn.Module):
    """Multi-head attention along one squeezed axis; tokens (n, channels, length)."""

    def __init__(self, keys: int, values: int):
        super().__init__()
        self.query_position = nn.Parameter(torch.randn(1, keys, POSITIONS) * 0.02)
        self.key_position = nn.Parameter(torch.randn(1, keys, POSITIONS) * 0.02)
        self.project = nn.Sequential(
            nn.ReLU(), nn.Conv1d(values, values, 1, bias=False), nn.BatchNorm1d(values)
        )

    def forward(self, q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float) -> Tensor:
        weights = self.weights(q, k, heads, scale)
        return self.project((weights @ _by_head(v, heads)).transpose(2, 3).flatten(1, 2))

    def weights(self, q: Tensor, k: Tensor, heads: int, scale: float) -> Tensor:
        """Softmax attention (n, heads, length, length) of queries to keys (n, keys, length)."""
        length = q.shape[-1]
        q = q + F.interpolate(self.query_position, length, mode="linear", align_corners=False)
        k = k + F.interpolate(self.key_position, length, mode="linear", align_corners=False)
        scores = _by_head(q, heads) @ _by_head(k, heads).transpose(2, 3) * scale
        return torch.softmax(scores, dim=-1)


def _by_head(tokens: Tensor, heads: int) -> Tensor:
    """(n, channels, length) -> (n, heads, length, channels of a head)."""
    return tokens.unflatten(1, (heads, -1)).transpose(2, 3)
