"""What the encoder looks at: attention, effective receptive field, and their place in a report."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from scipy.special import softmax
from torch import nn

from dlrsd.training.evaluate.attention import attention, attention_figures, positions_seen, reach
from dlrsd.training.evaluate.long_range import long_range
from dlrsd.training.evaluate.receptive_field import (
    Field,
    encoder_gradients,
    field_figures,
    gradient_map,
    theoretical_field,
)
from dlrsd.training.frontends.front_end import HeatmapAxes
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.models.generator import Generator, GeneratorConfig, make_generator
from dlrsd.training.report.page import write_report
from dlrsd.training.runs.folder import load_arrays, save_arrays

HEADING = "How far the generator looks"


@pytest.fixture
def small() -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig((4, 6), (2, 1), key_dim=3, heads=2, afc_width=4)
    generator = Generator(config, n_classes=2, size=(12, 8)).eval()
    block = generator.encoder[-1]
    for axial in (block.rows, block.columns):
        nn.init.normal_(axial.query_position)
        nn.init.normal_(axial.key_position)
    return generator


def heatmaps(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_attention_is_the_softmax_of_the_formula(small):
    x = heatmaps(3, 1, 12, 8)
    rows, columns = attention(small, x)
    assert rows.shape == (3, 2, 6, 6)
    assert columns.shape == (3, 2, 4, 4)
    block = small.encoder[-1]
    with torch.inference_mode():
        latent = small.encoder[:-1](torch.from_numpy(x / 10 + 0.5))
        q, k = block.query(latent).numpy(), block.key(latent).numpy()
    for got, axial, axis in ((rows, block.rows, 3), (columns, block.columns, 2)):
        length = got.shape[-1]
        at = (np.arange(length) + 0.5) * 16 / length - 0.5  # of 16 learned positions
        tokens = []
        for squeezed, position in ((q, axial.query_position), (k, axial.key_position)):
            learned = position.detach().numpy()[0]
            added = np.stack([np.interp(at, np.arange(16), row) for row in learned])
            tokens.append(squeezed.mean(axis) + added)
        for head in range(2):
            query, key = (t[:, 3 * head : 3 * head + 3] for t in tokens)
            want = softmax(np.einsum("nci,ncj->nij", query, key) / np.sqrt(3), axis=-1)
            np.testing.assert_allclose(got[:, head], want, atol=1e-5)
        np.testing.assert_allclose(got.sum(-1), 1, atol=1e-6)


def test_attention_is_what_forward_uses(small):
    """The block's output from the weights that are reported."""
    block = small.encoder[-1]
    x = torch.randn(2, 6, 6, 4)
    with torch.inference_mode():
        weights = block.attention(x)
        q, k, v = block.query(x), block.key(x), block.value(x)
        axes = []
        for weight, axial, axis in zip(weights, (block.rows, block.columns), (3, 2), strict=True):
            by_head = v.mean(axis).unflatten(1, (2, 6))
            seen = torch.einsum("nhij,nhcj->nhci", weight, by_head).flatten(1, 2)
            axes.append(axial.project(seen).unsqueeze(axis))
        gate = torch.sigmoid(block.merge(v + axes[0] + axes[1]))
        want = gate * block.detail(torch.cat([q, k, v], dim=1))
        torch.testing.assert_close(block(x), want)


def test_reach_and_spread_of_known_attention():
    own, even = np.eye(8), np.full((8, 8), 1 / 8)
    weights = np.stack([own, even, own[::-1]])[None].astype(np.float32)
    np.testing.assert_allclose(reach(weights), [0, 63 / 24, 4])  # even: (n^2 - 1) / 3n
    np.testing.assert_allclose(positions_seen(weights), [1, 8, 1], rtol=1e-5)
    figures = attention_figures(weights, 2.0)
    assert figures["reach"] == pytest.approx([0, 21 / 4, 8])
    assert figures["reach_even"] == pytest.approx(21 / 4)
    assert figures["positions"] == 8


@pytest.mark.parametrize("unit", [(0, 0), (2, 3), (4, 6)])
def test_the_theoretical_field_is_where_positive_weights_have_a_gradient(unit):
    layers = nn.Sequential(
        nn.Conv2d(1, 3, 3, 2, 1), nn.ReLU(), nn.Conv2d(3, 2, (5, 3), (2, 1), (2, 1)),
        nn.ReLU(), nn.Conv2d(2, 1, 1),
    ).double()  # fmt: skip
    for parameter in layers.parameters():
        parameter.data.abs_()
    x = torch.ones(1, 1, 20, 14, dtype=torch.double, requires_grad=True)
    out = layers(x)
    assert out.shape[2:] == (5, 7)
    (gradient,) = torch.autograd.grad(out[0, 0, unit[0], unit[1]], x)
    rows, columns = np.nonzero(gradient[0, 0].numpy())
    field = theoretical_field(layers, (20, 14), unit)
    assert field.low == (rows.min(), columns.min())
    assert field.high == (rows.max() + 1, columns.max() + 1)
    assert field.centre == (4 * unit[0], 2 * unit[1])


def test_the_gradient_of_even_convolutions_is_their_repeated_product():
    """Luo et al. (2016), section 2: n convolutions of equal weights, a binomial-like field."""
    layers = nn.Sequential(*(nn.Conv2d(1, 1, 3, 1, 1, bias=False) for _ in range(4))).double()
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    got = gradient_map(layers, torch.randn(3, 1, 17, 15, dtype=torch.double))
    kernel = np.ones((3, 3))
    want = kernel
    for _ in range(3):
        want = convolve2d(want, kernel)
    full = np.zeros((17, 15))
    full[4:13, 3:12] = want
    np.testing.assert_allclose(got, full, rtol=1e-12)
    field = theoretical_field(layers, (17, 15), (8, 7))
    assert field == ((4, 3), (13, 12), (8.0, 7.0))
    figures = field_figures(got, field, octaves=0.5, ms=2.0)
    assert figures["area"] == pytest.approx((want > 0.0455 * want.max()).sum() / (17 * 15))
    row = np.abs(np.arange(-4, 5)) @ want.sum(1) / want.sum()
    assert figures["octaves"] == pytest.approx(0.5 * row)
    assert figures["ms"] == pytest.approx(2 * row)
    assert figures["outside"] == 0


def test_figures_of_a_gradient_at_two_points():
    gradient = np.zeros((10, 8))
    gradient[2, 3], gradient[8, 7] = 3.0, 1.0
    figures = field_figures(gradient, Field((1, 2), (4, 5), (2.0, 3.0)), octaves=0.25, ms=10.0)
    far = np.hypot(6, 4) / 4
    want = {"area": 2 / 80, "bins": far, "octaves": 6 * 0.25 / 4, "ms": 10, "outside": 0.25}
    assert figures == pytest.approx(want)
    dead = field_figures(np.zeros((4, 4)), Field((0, 0), (4, 4), (2, 2)), octaves=1, ms=1)
    assert set(dead.values()) == {0.0}


def test_only_attention_sees_beyond_the_local_field():
    torch.manual_seed(0)
    generator = make_generator("edge", n_classes=3).eval()
    maps = encoder_gradients(generator, heatmaps(4, 1, 32, 32))
    outside = np.ones((32, 32), dtype=bool)
    outside[5:28, 5:28] = False  # four convolutions, strides 2, 2, 1, 1: 23 bins around bin 16
    assert (maps["convolutions"][outside] == 0).all()
    assert maps["convolutions"][5:28, 5:28].any()
    # The block's own 3 x 3 convolution adds a latent position, four bins, on each side.
    assert (maps["local"][0] == 0).all()
    assert (maps["local"][:, 0] == 0).all()
    assert maps["local"][outside].sum() > 0
    assert (maps["encoder"] > 0).all()
    assert next(generator.encoder.parameters()).dtype == torch.float32


def test_a_generator_without_the_block_looks_no_farther_than_its_convolutions():
    torch.manual_seed(0)
    generator = make_generator("edge", n_classes=3, seaformer=False).eval()
    maps = encoder_gradients(generator, heatmaps(4, 1, 32, 32))
    np.testing.assert_array_equal(maps["encoder"], maps["convolutions"])


def test_what_is_kept_of_a_generator(small):
    axes = HeatmapAxes(np.geomspace(100, 3000, 12), duration_ms=64, columns=8)
    own = heatmaps(20, 1, 12, 8)
    unseen = [own[:3], own[:0], own[5:]]
    figures, arrays = long_range(
        small, unseen, axes, classes=["good", "absent", "worn"], normal="good"
    )
    assert figures["attention"]["class"] == "worn"
    np.testing.assert_array_equal(arrays["heatmap"], own[5, 0])
    rows, _ = attention(small, own[5:6])
    np.testing.assert_array_equal(arrays["rows"], rows[0])
    field = figures["receptive_field"]
    assert field["heatmaps"] == 3 + 8
    assert field["even"]["area"] == 1
    octaves = np.log2(3000 / 100) / 11
    assert field["even"]["octaves"] == pytest.approx(octaves * np.abs(np.arange(12) - 6).mean())
    assert field["even"]["ms"] == pytest.approx(8 * np.abs(np.arange(8) - 4).mean())
    step = 2 * octaves  # of a latent row
    assert figures["attention"]["rows"]["reach_even"] == pytest.approx(step * 35 / 18)


def test_a_report_shows_how_far_the_generator_looks(tiny_run, tmp_path):
    text = (tiny_run / "report.html").read_text(encoding="utf-8")
    metrics = json.loads((tiny_run / "metrics.json").read_text())
    assert HEADING in text
    assert 'id="attention-' in text
    assert 'id="field-' in text
    assert f"{100 * metrics['receptive_field']['encoder']['area']:.1f}\N{NO-BREAK SPACE}%" in text
    assert metrics["receptive_field"]["convolutions"]["outside"] == 0
    assert metrics["receptive_field"]["encoder"]["outside"] > 0
    run, samples = load_run(tiny_run), load_arrays(tiny_run / "samples.npz")
    shown = samples["long_range/heatmap"][None, None]
    rows, columns = attention(run.kept.network, shown)
    np.testing.assert_allclose(samples["long_range/rows"], rows[0], atol=1e-6)
    np.testing.assert_allclose(samples["long_range/columns"], columns[0], atol=1e-6)

    # As a run of before: its page simply lacks the section.
    shutil.copytree(tiny_run, tmp_path / "old")
    older = {k: v for k, v in samples.items() if not k.startswith("long_range/")}
    save_arrays(tmp_path / "old" / "samples.npz", older)
    text = write_report(tmp_path / "old").read_text(encoding="utf-8")
    assert HEADING not in text
    assert "Real and synthetic heatmaps" in text
