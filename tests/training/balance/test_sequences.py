"""Sequences against an imbalance: what is drawn how often, weighs how much, and lies between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance import sequences as balance
from dlrsd.training.balance.sequences import FORMER_NAMES, SEQUENCE_METHODS
from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import Segment, SequenceData
from dlrsd.training.fitting.sequence_batches import draw_sequences

N = 400  # windows


def data_of(label, signal=None) -> SequenceData:
    label = np.asarray(label)
    n = (len(label) - 1) * 3 + 9
    if signal is None:
        signal = np.random.default_rng(0).standard_normal((2, n)).astype(np.float32)
    segment = Segment(0, 0, signal, label)
    return SequenceData([], {"train": [segment]}, window=9, hop=3)


def training_sequences(data: SequenceData, method: str):
    return balance.training_sequences(data, method, length=4, seed=0)


@pytest.fixture(scope="module")
def data() -> SequenceData:
    """Mostly Normal; 40 windows of Fault6 in four stretches; 8 of Fault4 in two."""
    label = np.zeros(N, int)
    for at in (50, 120, 190, 260):
        label[at : at + 10] = 6
    for at in (300, 340):
        label[at : at + 4] = 4
    return data_of(label)


def rarest_of(label):
    return np.where((label == 4).any(1), 4, np.where((label == 6).any(1), 6, 0))


def seen(sequences, **how):
    """Mean weight of each class in a batch's loss, over many batches."""
    rng = np.random.default_rng(1)
    batches = draw_sequences(sequences, window=9, hop=3, steps=100, batch=20, rng=rng)
    total = sum(target.sum(dim=(0, 1)) for _, target in batches).numpy()
    return total * sequences.class_weight / (total * sequences.class_weight).sum()


def test_sequences_are_consecutive_windows_that_overlap_by_half(data):
    sequences = training_sequences(data, "none")
    (segment,) = data.parts["train"]
    assert sequences.label.shape == ((N - 4) // 2 + 1, 4)
    for i in (0, 7, len(sequences.label) - 1):
        np.testing.assert_array_equal(sequences.label[i], segment.label[2 * i : 2 * i + 4])
        np.testing.assert_array_equal(sequences.signal[i], segment.signal[:, 6 * i : 6 * i + 18])
    windows, target = next(
        draw_sequences(sequences, window=9, hop=3, steps=1, batch=5, rng=np.random.default_rng(0))
    )
    first = np.random.default_rng(0).choice(len(sequences.draw), 5, p=sequences.draw)
    whole = data.windows(segment)
    for row, i in enumerate(first):
        np.testing.assert_array_equal(windows[row], whole[2 * i : 2 * i + 4])
        np.testing.assert_array_equal(target[row].argmax(1), segment.label[2 * i : 2 * i + 4])


def test_weights_make_all_classes_weigh_the_same_and_nothing_leaves_them_as_they_are(data):
    natural = seen(training_sequences(data, "none"))
    np.testing.assert_allclose(natural[[0, 4, 6]], [0.88, 0.02, 0.10], atol=0.02)
    for method in ("class-weights", "rus-weights", "smote-weights", "light-rus-smote-weights"):
        weighed = seen(training_sequences(data, method))
        np.testing.assert_allclose(weighed[[0, 4, 6]], 1 / 3, atol=0.06, err_msg=method)


def test_class_weights_are_one_over_the_count(data):
    weight = training_sequences(data, "class-weights").class_weight
    counts = np.bincount(training_sequences(data, "none").label.reshape(-1), minlength=7)
    products = (weight * counts)[counts > 0]
    np.testing.assert_allclose(products, products[0], rtol=1e-9)
    assert weight[[1, 2, 3, 5]].sum() == 0


def test_under_sampling_leaves_the_geometric_mean_of_the_largest_and_smallest_class(data):
    all_, under = (training_sequences(data, method) for method in ("none", "light-rus"))
    sizes = [np.bincount(rarest_of(each.label), minlength=7) for each in (all_, under)]
    limit = round(np.sqrt(sizes[0].max() * sizes[0][sizes[0] > 0].min()))
    np.testing.assert_array_equal(sizes[1], np.minimum(sizes[0], limit))
    assert sizes[0][0] > limit
    assert under.facts["sequences left"] == dict(zip(CLASSES, sizes[1].tolist(), strict=True))
    assert set(map(bytes, under.signal)) <= set(map(bytes, all_.signal))


def test_over_sampling_draws_all_classes_of_sequences_alike(data):
    label = training_sequences(data, "none").label
    rarest = rarest_of(label)
    for method, lift in (("none", 0.0), ("smote-weights", 0.5), ("ros", 1.0), ("smote", 1.0)):
        draw = training_sequences(data, method).draw
        share = np.array([draw[rarest == one].sum() for one in (0, 4, 6)])
        size = np.array([(rarest == one).sum() for one in (0, 4, 6)])
        expected = size ** (1 - lift) / (size ** (1 - lift)).sum()
        np.testing.assert_allclose(share, expected, rtol=1e-9, err_msg=method)


def test_smote_interpolates_between_neighbours_of_one_class_and_their_labels(data):
    sequences = training_sequences(data, "smote")
    label = sequences.label
    rarest = rarest_of(label)
    assert (rarest[sequences.partner] == rarest[:, None]).all()
    assert (sequences.partner != np.arange(len(label))[:, None]).all()
    # An independent search for the nearest of one rare sequence.
    (own,) = np.nonzero(rarest == 6)
    scaled = sequences.signal / sequences.signal.std(axis=(0, 2), keepdims=True)
    far = ((scaled[own] - scaled[own[0]]) ** 2).sum(axis=(1, 2))
    assert set(sequences.partner[own[0]]) == set(own[np.argsort(far)[1:6]])
    windows, target = next(
        draw_sequences(sequences, window=9, hop=3, steps=1, batch=400, rng=np.random.default_rng(2))
    )
    torch.testing.assert_close(target.sum(2), torch.ones(400, 4))
    mixed = ((target > 0).sum(2) > 1).any(1)
    assert mixed.any()
    # A blend of standard normal values is narrower than either.
    made = target[:, :, 4].amax(1) > 0
    assert float(windows[made].std()) < 0.93 < float(windows[~made & ~mixed].std())


def test_what_is_drawn_within_the_natural_share_is_real(data):
    sequences = training_sequences(data, "smote")
    expected = np.minimum(1, 1 / len(sequences.draw) / sequences.draw)
    np.testing.assert_allclose(sequences.real, expected)
    assert (training_sequences(data, "ros").real == 1).all()


def test_missing_values_neither_hide_nor_make_neighbours():
    label = np.zeros(60, int)
    label[::7] = 3
    signal = np.random.default_rng(0).standard_normal((2, 59 * 3 + 9)).astype(np.float32) + 1e4
    signal[:, ::5] = np.nan
    sequences = training_sequences(data_of(label, signal), "smote")
    assert sequences.partner.shape[1] == 5
    windows, _ = next(
        draw_sequences(sequences, window=9, hop=3, steps=1, batch=50, rng=np.random.default_rng(0))
    )
    known = windows[~torch.isnan(windows)]
    assert 9990 < float(known.min()) < float(known.max()) < 10010


def test_a_partners_holes_are_none_of_a_sequence_that_is_real_and_the_others_value_of_a_blend():
    label = np.zeros(12, int)
    label[:4] = 3
    label[8:] = 3
    signal = np.ones((2, 11 * 3 + 9), np.float32)
    signal[:, 24:] = 3.0
    signal[0, 33] = np.nan
    whole = training_sequences(data_of(label, signal), "smote")
    one = int(np.argmax((whole.label == 3).all(axis=1)))
    other = int(np.flatnonzero((whole.label == 3).all(axis=1))[-1])
    assert np.isnan(whole.signal[other]).any()
    assert not np.isnan(whole.signal[one]).any()
    n = len(whole.label)
    for real in (1.0, 0.0):
        forced = replace(
            whole,
            draw=np.eye(n)[one],
            real=np.full(n, real),
            partner=np.full((n, 1), other),
        )
        windows, _ = next(
            draw_sequences(forced, window=9, hop=3, steps=1, batch=50, rng=np.random.default_rng(0))
        )
        assert not torch.isnan(windows).any()
        assert bool((windows == 1).all()) == (real == 1.0)


def test_a_class_of_one_sequence_has_itself_as_partner():
    label = np.zeros(40, int)
    label[21] = 5
    sequences = training_sequences(data_of(label), "smote")
    lone = np.flatnonzero((sequences.label == 5).any(1))
    assert 1 <= len(lone) <= 2
    label[21], label[0] = 0, 5
    sequences = training_sequences(data_of(label), "smote")
    assert (sequences.partner[0] == 0).all()


def test_every_method_ends_in_finite_numbers(data):
    for method in SEQUENCE_METHODS:
        sequences = training_sequences(data, method)
        assert sequences.draw.sum() == pytest.approx(1)
        assert np.isfinite(sequences.class_weight).all()
        assert (sequences.partner < len(sequences.label)).all()


@pytest.mark.parametrize(
    ("label", "method", "said"),
    [
        ([0, 1] * 20, "adasyn", "expected one of none, class-weights"),
        ([0] * 40, "none", "only Normal"),
        ([0, 1, 0], "none", "no 4 windows in a row"),
    ],
)
def test_what_cannot_be_balanced_is_refused(label, method, said):
    with pytest.raises(InputError, match=said):
        training_sequences(data_of(label), method)


def test_a_former_name_is_no_name_of_a_method():
    assert set(FORMER_NAMES.values()) <= set(SEQUENCE_METHODS)
    assert not set(FORMER_NAMES) & set(SEQUENCE_METHODS)
