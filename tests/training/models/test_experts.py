"""The product of experts, against the formula written out."""

from __future__ import annotations

import torch

from dlrsd.training.frontends.fusion import KINDS, NUMBERS, ROWS, SIZE
from dlrsd.training.models.classifiers import make_classifier
from dlrsd.training.models.experts import FLOOR

PARTS, CHANNELS, CLASSES = 3, 2, 4


def test_log_probabilities_are_added_by_their_weights():
    torch.manual_seed(0)
    experts = make_classifier("experts", channels=CHANNELS, n_classes=CLASSES).eval()
    experts.weight = torch.tensor([0.5, 1.0, 2.0, 0.25])
    heatmap = torch.randn(5, CHANNELS, PARTS * SIZE + ROWS, SIZE)
    with torch.inference_mode():
        logits, embedding = experts(heatmap)
        shown = torch.stack(
            [heatmap[:, :, p * SIZE : (p + 1) * SIZE] for p in range(PARTS)]
        )  # part by part
        each = [experts.scalogram(part) for part in shown]
        expected = 0.5 * torch.stack([own.log_softmax(1) for own, _ in each]).mean(0).clamp(FLOOR)
        numbers = heatmap[:, :, PARTS * SIZE :].flatten(2)[..., :NUMBERS]
        at = 0
        for weight, linear, count in zip(
            (1, 2, 0.25), experts.numbers, KINDS.values(), strict=True
        ):
            own = numbers[:, :, at : at + count].flatten(1)
            expected = expected + weight * linear(own).log_softmax(1).clamp(FLOOR)
            at += count
    torch.testing.assert_close(logits, expected)
    seen = torch.stack([own for _, own in each]).mean(0)
    torch.testing.assert_close(embedding[:, : seen.shape[1]], seen)
    torch.testing.assert_close(
        embedding[:, seen.shape[1] :], numbers[..., -KINDS["lines"] :].flatten(1)
    )
    assert embedding.shape[1] == experts.width


def test_no_expert_can_veto_what_the_others_say():
    experts = make_classifier("experts", channels=1, n_classes=2).eval()
    with torch.inference_mode():
        for linear in experts.numbers:
            linear.weight.zero_()
            linear.bias.copy_(torch.tensor([0.0, 4.0]))
        experts.numbers[0].bias.copy_(torch.tensor([1000.0, 0.0]))
        experts.scalogram.head.weight.zero_()
        experts.scalogram.head.bias.copy_(torch.tensor([0.0, 4.0]))
        logits, _ = experts(torch.zeros(1, 1, SIZE + ROWS, SIZE))
    assert logits.argmax() == 1
