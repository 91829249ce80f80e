"""The scalogram as the first part of an exported graph, with the runtime's own filter bank.

It holds the very weights of ``dlrsd.runtime.dsp.filter_bank`` as convolutions, and computes in
float32 whatever the network behind it is cast to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.runtime.dsp.filter_bank import filter_bank
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig


class ScalogramGraph(nn.Module):
    """Windows (n, channels, window) -> standardised heatmaps (n, channels, F, T), float32.

    A window is held as (samples of a block, blocks): every product of the bank is a convolution
    along the blocks, with the samples as channels.
    """

    def __init__(
        self,
        config: ScalogramConfig,
        *,
        eps: float,
        mean: Sequence[float],
        std: Sequence[float],
    ):
        super().__init__()
        self.config = config
        bank = filter_bank(config)
        self.levels = [band.level for band in bank.bands]
        self.decimators = nn.ParameterList(_kernel(weight) for weight in bank.decimators)
        self.bands = nn.ParameterList(_kernel(band.weight) for band in bank.bands)
        means = torch.tensor(mean, dtype=torch.float32)
        stds = torch.tensor(std, dtype=torch.float32)
        self.average: Tensor
        self.eps: Tensor
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("average", torch.from_numpy(bank.average)[:, :, None, None])
        self.register_buffer("eps", torch.full_like(means, eps))
        self.register_buffer("mean", means)
        self.register_buffer("variance", stds * stds)

    def forward(self, waveform: Tensor) -> Tensor:
        channels, blocks = waveform.shape[1], self.config.n_blocks
        x = waveform.reshape(-1, blocks, self.config.window // blocks).transpose(1, 2).unsqueeze(2)
        signals = [x]
        for kernel in self.decimators:  # each adds the blocks that it spreads into on both sides
            signals.append(F.conv2d(signals[-1], kernel, padding=(0, kernel.shape[3] - 1)))
        powers = []
        for level, kernel in zip(self.levels, self.bands, strict=True):
            halo = (signals[level].shape[3] - blocks) // 2
            margin = kernel.shape[3] // 2 - halo
            signal = signals[level][..., max(0, -margin) : signals[level].shape[3] + min(0, margin)]
            parts = F.conv2d(signal, kernel, padding=(0, max(0, margin)))
            real, imaginary = (parts * parts).chunk(2, dim=1)
            powers.append(real + imaginary)
        magnitude = torch.sqrt(torch.cat(powers, dim=1))
        log = torch.log(F.conv2d(magnitude, self.average, self.eps).squeeze(2))
        # A batch normalisation with given constants: one pass in ONNX Runtime, not two.
        heatmap = F.batch_norm(log, self.mean, self.variance, eps=0.0)
        return heatmap.reshape(-1, channels, *log.shape[1:])


def _kernel(weight: NDArray[np.float32]) -> nn.Parameter:
    """(blocks of a frame, samples, outputs) as a convolution's (outputs, samples, blocks)."""
    return nn.Parameter(
        torch.from_numpy(weight.transpose(2, 1, 0).copy()).unsqueeze(2), requires_grad=False
    )
