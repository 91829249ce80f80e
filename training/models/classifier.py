"""What a classifier of heatmaps is."""

from __future__ import annotations

from torch import Tensor, nn


class Classifier(nn.Module):
    """Features, then a linear head.

    Shapes
    ------
    heatmaps (n, channels, F, T) -> logits (n, classes), embedding (n, width)
    """

    width: int

    def __init__(self, features: nn.Module, width: int, n_classes: int, dropout: float = 0.0):
        super().__init__()
        self.width = width
        self.features = features
        self.head = nn.Linear(width, n_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, heatmap: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.features(heatmap)
        return self.head(self.dropout(embedding)), embedding
