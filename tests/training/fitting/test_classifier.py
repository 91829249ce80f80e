"""Training a classifier: it learns, the same way from the same seed, and keeps its best epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from dlrsd.training.fitting import classifier as fit_classifier
from dlrsd.training.fitting.classifier import cross_entropy, mix, predict, train_classifier
from dlrsd.training.fitting.schedule import CLASSIFIER
from dlrsd.training.frontends.fusion import ROWS, SIZE
from dlrsd.training.models.classifiers import CLASSIFIERS, Classifier, make_classifier


def three_classes(count, seed):
    """Heatmaps that a straight line through their pixels can tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, count, 1, 32, 32))
    for label in range(3):
        x[label, :, :, 8 * label : 8 * label + 8] += 0.5
    return list(x.astype(np.float32))


@pytest.fixture
def learn(tmp_path):
    held = three_classes(20, 1)

    def learn(seed=0, name="c.pt", epochs=5, count=60, steps=12, batch=48, **how):
        torch.manual_seed(seed)
        classifier = make_classifier("edge", channels=1, n_classes=3)
        curves = train_classifier(
            classifier,
            three_classes(count, 0),
            (np.concatenate(held), np.repeat(np.arange(3), 20)),
            schedule=replace(CLASSIFIER, epochs=epochs, steps=steps, batch=batch),
            seed=seed,
            checkpoint=tmp_path / name,
            **how,
        )
        return classifier, curves

    return learn


def test_it_learns_what_a_linear_model_finds(learn):
    classifier, curves = learn(epochs=20, count=300)
    train, test = (np.concatenate(three_classes(n, seed)) for n, seed in ((300, 0), (60, 5)))
    labels = np.repeat(np.arange(3), 60)
    linear = LogisticRegression(max_iter=50).fit(train.reshape(900, -1), np.repeat(range(3), 300))
    reference = linear.score(test.reshape(180, -1), labels)
    assert reference > 0.9
    logits, embedding = predict(classifier, test)
    assert (logits.argmax(axis=1) == labels).mean() >= reference - 0.03
    assert logits.shape == (180, 3)
    np.testing.assert_allclose(
        embedding @ classifier.head.weight.detach().numpy().T
        + classifier.head.bias.detach().numpy(),
        logits,
        atol=1e-4,
    )
    assert set(curves) == {"epoch", "train_loss", "ce", "validation_loss", "validation_recall"}
    assert len(curves["epoch"]) == 20
    assert curves["ce"][-1] < 0.5 * curves["ce"][0]


def test_the_weights_left_are_those_of_the_best_epoch(learn):
    classifier, curves = learn()
    heatmaps, labels = np.concatenate(three_classes(20, 1)), np.repeat(np.arange(3), 20)
    logits, _ = predict(classifier, heatmaps)
    best = int(np.argmin(curves["validation_loss"]))
    loss = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(labels), label_smoothing=0.05
    )
    assert float(loss) == pytest.approx(curves["validation_loss"][best], rel=1e-4)
    recall = recall_score(labels, logits.argmax(axis=1), average="macro")
    assert recall == pytest.approx(curves["validation_recall"][best])


def test_the_seed_decides(learn):
    one, two, other = (learn(s, name, 2)[1] for s, name in ((0, "a"), (0, "b"), (1, "c")))
    assert one == two
    assert one != other


def test_equal_shares_and_weights_are_the_default(learn):
    equal = {"share": np.full(3, 1 / 3), "class_weight": np.full(3, 0.7), "mixup": 0.0}
    assert learn(name="a", epochs=2)[1] == learn(name="b", epochs=2, **equal)[1]


@pytest.mark.parametrize(
    "how",
    [{"share": np.array([0.8, 0.1, 0.1])}, {"class_weight": np.array([1, 1, 9.0])}, {"mixup": 0.2}],
)
def test_shares_weights_and_mixup_change_the_training(learn, how):
    assert learn(name="a", epochs=2)[1]["ce"] != learn(name="b", epochs=2, **how)[1]["ce"]


def smoothed(logits, label):
    """Cross-entropy with 0.05 of the label spread over three classes, in float64 by hand."""
    p = np.exp(logits) / np.exp(logits).sum()
    target = np.full(3, 0.05 / 3)
    target[label] += 0.95
    return -(target * np.log(p)).sum()


LOGITS = np.random.default_rng(0).standard_normal((6, 3))
LABEL = np.array([0, 1, 1, 2, 0, 0])


def test_the_weight_of_a_window_is_that_of_its_class():
    weight = np.array([0.1, 1.0, 40.0])
    each = np.array([smoothed(row, label) for row, label in zip(LOGITS, LABEL, strict=True)])
    got = cross_entropy(*map(torch.from_numpy, (LOGITS, LABEL, weight)))
    assert float(got) == pytest.approx((weight[LABEL] * each).sum() / weight[LABEL].sum())
    plain = cross_entropy(torch.from_numpy(LOGITS), torch.from_numpy(LABEL))
    assert float(plain) == pytest.approx(each.mean())


def test_mixup_blends_heatmaps_and_the_loss_as_by_hand(learn, monkeypatch):
    heatmap, label = torch.arange(6.0).reshape(6, 1, 1, 1), torch.from_numpy(LABEL)
    torch.manual_seed(0)
    mixed, other, position = mix(heatmap, label, 0.2)
    torch.manual_seed(0)
    torch.distributions.Beta(0.2, 0.2).sample()
    order = torch.randperm(6)
    np.testing.assert_allclose(
        mixed.flatten(), position * np.arange(6) + (1 - position) * order.numpy(), rtol=1e-6
    )
    assert other.tolist() == LABEL[order].tolist()
    # Half of Beta(0.2, 0.2) lies within 0.05 of either end; its mean is 0.5.
    drawn = np.array([mix(heatmap, label, 0.2)[2] for _ in range(1000)])
    assert drawn.mean() == pytest.approx(0.5, abs=0.04)
    assert np.mean(np.minimum(drawn, 1 - drawn) < 0.05) > 0.5
    # The first step's loss: labels blended as the heatmaps are.
    seen = {}

    def remember(heatmap, label, alpha):
        seen["mixed"], seen["other"], seen["position"] = mix(heatmap, label, alpha)
        seen["label"] = label
        return seen["mixed"], seen["other"], seen["position"]

    monkeypatch.setattr(fit_classifier, "mix", remember)
    logits = []

    def keep(module, inputs, output):
        if module.training:
            logits.append(output[0].detach().double().numpy())

    with torch.nn.modules.module.register_module_forward_hook(
        lambda m, i, o: keep(m, i, o) if isinstance(m, Classifier) else None
    ):
        curves = learn(epochs=1, steps=1, batch=6, mixup=0.2)[1]
    by_hand = [
        seen["position"] * smoothed(row, a) + (1 - seen["position"]) * smoothed(row, b)
        for row, a, b in zip(logits[0], seen["label"], seen["other"], strict=True)
    ]
    assert curves["ce"] == [pytest.approx(np.mean(by_hand), rel=1e-5)]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_can_be_trained(name, tmp_path):
    classifier = make_classifier(name, channels=1, n_classes=3)
    before = [p.detach().clone() for p in classifier.parameters()]
    # Fault lines are 4 x 16, a fusion's heatmaps higher; the others take the whole.
    rows, columns = {"lines": (4, 16), "experts": (SIZE + ROWS, SIZE)}.get(name, (32, 32))
    pools, held = (
        [np.resize(own, (*own.shape[:2], rows, 32))[..., :columns] for own in three_classes(n, n)]
        for n in (2, 1)
    )
    train_classifier(
        classifier, pools, (np.concatenate(held), np.arange(3)), seed=0,
        schedule=replace(CLASSIFIER, epochs=1, steps=4, batch=6), checkpoint=tmp_path / "c.pt",
    )  # fmt: skip
    for old, new in zip(before, classifier.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_prediction_of_many_goes_in_parts():
    torch.manual_seed(0)
    classifier = make_classifier("edge", channels=1, n_classes=3).eval()
    x = np.concatenate(three_classes(300, 0))
    with torch.inference_mode():
        logits, embedding = classifier(torch.from_numpy(x))
    for got, want in zip(predict(classifier, x), (logits, embedding), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
