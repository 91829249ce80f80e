"""LR-ConvLSTM and its two baselines: windows in order of time in, a diagnosis of each out.

Convolutions along time see a few samples of every channel, an inner LSTM runs over the samples of
one window, an outer one over the windows. DeepConvLSTM does without the outer LSTM, LRCN without
the inner one. Where published: (20, 1, 24, 114) is a sequence of 20 windows of 24 samples of 114
channels; here a window is (channels, samples), as everywhere in this package.

Sources: Wu, Guo, Lin, Yu, Ji, "A Weighted Deep Representation Learning Model for Imbalanced Fault
Diagnosis in Cyber-Physical Systems", Sensors 18 (2018) 1096; Ordonez and Roggen, "Deep
Convolutional and LSTM Recurrent Neural Networks for Multimodal Wearable Activity Recognition",
Sensors 16 (2016) 115; Donahue et al., "Long-term Recurrent Convolutional Networks for Visual
Recognition and Description", CVPR 2015.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from dlrsd.runtime.base.errors import InputError

MAPS, KERNEL = 8, 5  # of either convolution; the kernel lies along time
LEAST_WINDOW = 2 * KERNEL - 1  # samples that leave one step behind both convolutions

State = tuple[Tensor, ...]  # h and c of every outer layer, (n, width) each


class SequenceClassifier(nn.Module):
    """Windows in order of time -> log probabilities of every class, window by window.

    Parameters
    ----------
    channels, window, n_classes : int > 0
        ``window`` has at least 9 samples.

    Attributes
    ----------
    inner_widths, outer_widths : tuple of int
        Of the LSTMs over the samples of a window, and of those over windows.

    Raises
    ------
    InputError
        If the window is too short for the convolutions.

    Shapes
    ------
    windows (n, steps, channels, window), NaN where nothing was measured, and ``state`` (zeros where
    none is given) -> log probabilities (n, steps, n_classes), embedding (n, steps, width), next
    state
    """

    inner_widths: ClassVar[tuple[int, ...]]
    outer_widths: ClassVar[tuple[int, ...]]

    def __init__(self, channels: int, window: int, n_classes: int):
        super().__init__()
        if window < LEAST_WINDOW:
            raise InputError(
                f"got windows of {window} samples: expected {LEAST_WINDOW} or more, which two "
                f"convolutions of {KERNEL} samples need"
            )
        self.channels, self.window = channels, window
        # Of the training part, by `standardise_by`; a value that is missing counts as the mean.
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.conv = nn.Sequential(
            nn.Conv2d(1, MAPS, (KERNEL, 1)),
            nn.ReLU(),
            nn.Conv2d(MAPS, MAPS, (KERNEL, 1)),
            nn.ReLU(),
        )
        steps = window - LEAST_WINDOW + 1
        self.inner = _lstms(MAPS * channels, self.inner_widths)
        flat = steps * (MAPS * channels, *self.inner_widths)[-1]
        self.outer = _lstms(flat, self.outer_widths)
        self.head = nn.Linear((flat, *self.outer_widths)[-1], n_classes)

    @property
    def state_widths(self) -> tuple[int, ...]:
        """Width of every tensor of the state."""
        return tuple(width for width in self.outer_widths for _ in range(2))

    def forward(self, windows: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        n, steps = windows.shape[:2]
        x = self.standardised(windows.reshape(-1, *windows.shape[2:]))
        embedding, state = self.embed(x, n, steps, state)
        return torch.log_softmax(self.head(embedding).float(), dim=2), embedding, state

    def standardised(self, windows: Tensor) -> Tensor:
        """Windows (m, channels, window) in units of each channel's spread, 0 where missing."""
        x = (windows - self.mean[:, None]) / self.std[:, None]
        return torch.where(torch.isnan(x), torch.zeros((), dtype=x.dtype), x)

    def embed(self, x: Tensor, n: int, steps: int, state: State | None) -> tuple[Tensor, State]:
        """What the head sees, (n, steps, width), of standardised windows (n * steps, ...)."""
        x = self.conv(x.transpose(1, 2).unsqueeze(1))  # (n * steps, maps, samples, channels)
        x = x.transpose(1, 2).flatten(2)
        for lstm in self.inner:
            x, _ = lstm(x)
        x = x.flatten(1).reshape(n, steps, -1)
        after: list[Tensor] = []
        for layer, lstm in enumerate(self.outer):
            before = None
            if state is not None:
                before = tuple(s.unsqueeze(0) for s in state[2 * layer : 2 * layer + 2])
            x, (h, c) = lstm(x, before)
            after += [h[0], c[0]]
        return x, tuple(after)


class LRConvLSTM(SequenceClassifier):
    """LSTMs over the samples of a window and over windows: Wu et al. (2018)."""

    inner_widths = (256, 64)
    outer_widths = (512, 128)


class DeepConvLSTM(SequenceClassifier):
    """LSTMs over the samples of a window alone: Ordonez and Roggen (2016)."""

    inner_widths = (256, 64)
    outer_widths = ()


class LRCN(SequenceClassifier):
    """LSTMs over windows alone: Donahue et al. (2015)."""

    inner_widths = ()
    outer_widths = (512, 128)


SEQUENCE_CLASSIFIERS: dict[str, type[SequenceClassifier]] = {
    "lr_convlstm": LRConvLSTM,
    "deep_conv_lstm": DeepConvLSTM,
    "lrcn": LRCN,
}


def make_sequence_classifier(
    name: str, *, channels: int, window: int, n_classes: int
) -> SequenceClassifier:
    """An untrained network by name.

    Raises
    ------
    InputError
        If there is no such network, or the window is too short for its convolutions.
    """
    if name not in SEQUENCE_CLASSIFIERS:
        raise InputError(
            f"got classifier {name!r} for sequences: expected one of "
            f"{', '.join(SEQUENCE_CLASSIFIERS)}"
        )
    return SEQUENCE_CLASSIFIERS[name](channels, window, n_classes)


def _lstms(width: int, widths: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList(
        nn.LSTM(before, after, batch_first=True)
        for before, after in zip((width, *widths), widths, strict=False)
    )
