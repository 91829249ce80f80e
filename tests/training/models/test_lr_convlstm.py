from __future__ import annotations

import numpy as np
import pytest
import torch

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.models.lr_convlstm import SEQUENCE_CLASSIFIERS, make_sequence_classifier

SHAPE = {"channels": 5, "window": 12, "n_classes": 3}


def small(name, **other):
    torch.manual_seed(0)
    return make_sequence_classifier(name, **{**SHAPE, **other}).eval()


def windows(n=2, steps=4, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).standard_normal((n, steps, 5, 12)).astype(np.float32)
    )


def test_shapes_of_the_published_example():
    """(20, 1, 24, 114): 24 -> 20 -> 16 samples, 912 a sample, 1024 a window, 7 classes."""
    model = small("lr_convlstm", channels=114, window=24, n_classes=7)
    seen = {}
    for name, module in [*model.named_modules()]:
        module.register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0].shape, output)})
        )
    with torch.no_grad():
        log_p, embedding, state = model(torch.zeros(1, 20, 114, 24))
    assert seen["conv.0"][0] == (20, 1, 24, 114)
    assert seen["conv.0"][1].shape == (20, 8, 20, 114)
    assert seen["conv.2"][1].shape == (20, 8, 16, 114)
    assert seen["inner.0"][0] == (20, 16, 912)
    assert seen["inner.0"][1][0].shape == (20, 16, 256)
    assert seen["inner.1"][1][0].shape == (20, 16, 64)
    assert seen["outer.0"][0] == (1, 20, 1024)
    assert seen["outer.0"][1][0].shape == (1, 20, 512)
    assert seen["outer.1"][1][0].shape == (1, 20, 128)
    assert log_p.shape == (1, 20, 7)
    assert embedding.shape == (1, 20, 128)
    assert [tuple(part.shape) for part in state] == [(1, 512), (1, 512), (1, 128), (1, 128)]
    torch.testing.assert_close(log_p.exp().sum(2), torch.ones(1, 20))


@pytest.mark.parametrize(
    ("name", "flat"),
    [("deep_conv_lstm", 64 * 16), ("lrcn", 912 * 16)],
    ids=["no outer", "no inner"],
)
def test_baselines_lack_one_lstm(name, flat):
    model = small(name, channels=114, window=24, n_classes=7)
    width = model.outer[0].input_size if len(model.outer) else model.head.in_features
    assert width == flat
    assert (len(model.inner), len(model.outer)) == ((2, 0) if name == "deep_conv_lstm" else (0, 2))


def test_a_window_by_hand():
    """The same arithmetic as loops over samples in float64, gates and all."""
    model = small("lr_convlstm").double()
    x = windows(n=1, steps=3).double()
    expected = []
    state = [(np.zeros(width), np.zeros(width)) for width in (512, 128)]
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    for window in x[0].numpy():
        maps = _conv(_conv(window.T[None], weights, 0), weights, 2)  # (maps, samples, channels)
        steps = [maps[:, t].reshape(-1) for t in range(maps.shape[1])]
        for layer, width in enumerate((256, 64)):
            h, c, out = np.zeros(width), np.zeros(width), []
            for step in steps:
                h, c = _cell(step, h, c, weights, f"inner.{layer}")
                out.append(h)
            steps = out
        value = np.concatenate(steps)
        for layer in range(2):
            state[layer] = _cell(value, *state[layer], weights, f"outer.{layer}")
            value = state[layer][0]
        logits = weights["head.weight"] @ value + weights["head.bias"]
        expected.append(logits - np.log(np.exp(logits).sum()))
    with torch.no_grad():
        log_p, _, _ = model(x)
    np.testing.assert_allclose(log_p[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("name", SEQUENCE_CLASSIFIERS)
def test_a_state_handed_on_is_the_sequence_in_one_go(name):
    model, x = small(name), windows(steps=6)
    with torch.no_grad():
        whole, _, last = model(x)
        first, _, state = model(x[:, :2])
        second, _, after = model(x[:, 2:], state or None)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    for one, other in zip(after, last, strict=True):
        torch.testing.assert_close(one, other)


def test_the_outer_lstm_remembers_and_deep_conv_lstm_does_not():
    x = windows(n=1, steps=3)
    other = x.clone()
    other[:, 0] += 3
    with torch.no_grad():
        for name, remembers in (("lr_convlstm", True), ("deep_conv_lstm", False)):
            a, b = (small(name)(each)[0][:, 2] for each in (x, other))
            assert bool((a != b).any()) == remembers


def test_a_missing_value_counts_as_the_channels_mean():
    model, x = small("lrcn"), windows()
    model.mean.copy_(torch.arange(5.0))
    model.std.fill_(2.0)
    with_hole, with_mean = x.clone(), x.clone()
    with_hole[:, :, 3, 4:7] = torch.nan
    with_mean[:, :, 3, 4:7] = 3.0
    with torch.no_grad():
        torch.testing.assert_close(model(with_hole)[0], model(with_mean)[0])


@pytest.mark.parametrize(
    ("name", "window", "said"),
    [("lstm", 24, "expected one of lr_convlstm, deep_conv_lstm, lrcn"), ("lrcn", 8, "9 or more")],
)
def test_what_cannot_be_made_is_refused(name, window, said):
    with pytest.raises(InputError, match=said):
        small(name, window=window)


def _conv(x, weights, layer):
    """(maps, samples, channels) with a kernel along samples, then ReLU."""
    kernel, bias = weights[f"conv.{layer}.weight"], weights[f"conv.{layer}.bias"]
    n = x.shape[1] - kernel.shape[2] + 1
    out = np.array(
        [
            [
                sum((kernel[m, i, :, 0][:, None] * x[i, t : t + 5]).sum(0) for i in range(len(x)))
                + bias[m]
                for t in range(n)
            ]
            for m in range(len(kernel))
        ]
    )
    return np.maximum(out, 0)


def _cell(x, h, c, weights, name):
    """One step of an LSTM: gates i, f, g, o (Hochreiter and Schmidhuber, 1997)."""
    gates = (
        weights[f"{name}.weight_ih_l0"] @ x
        + weights[f"{name}.bias_ih_l0"]
        + weights[f"{name}.weight_hh_l0"] @ h
        + weights[f"{name}.bias_hh_l0"]
    )
    i, f, g, o = np.split(gates, 4)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c
