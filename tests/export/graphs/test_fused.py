"""The fused modules against the parts they are made of: NumPy front end, network, novelty."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from dlrsd.export.graphs.fused import Diagnoser, Synthesizer
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.fitting.generator import decode, encode, posterior
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.models.novelty import fit_novelty


def windows(n, channels, length, rate):
    """Noise, tones and impulses of very different loudness, and one window of silence."""
    rng = np.random.default_rng(0)
    t = np.arange(length) / rate
    x = rng.standard_normal((n, channels, length))
    x += np.sin(2 * np.pi * rng.uniform(0.02, 0.4, (n, channels, 1)) * rate * t)
    x[:, :, rng.integers(0, length, 3)] += 10
    x *= 10 ** rng.uniform(-3, 2, (n, 1, 1))
    x[-1] = 0
    return x.astype(np.float32)


@pytest.mark.parametrize("rate", [12_000.0, 20_000.0, 5120.0])
@pytest.mark.parametrize(("channels", "length"), [(1, 1024), (8, 1024), (2, 2048), (1, 512)])
def test_the_fused_front_end_equals_numpys(channels, length, rate):
    x = windows(16, channels, length, rate)
    frontend = Scalogram.fit(x[:-1], np.arange(15) % 2, None, rate)
    want = frontend.heatmaps(x)
    with torch.inference_mode():
        got = frontend.graph()(torch.from_numpy(x))
    assert got.shape == (16, channels, 32, 32)
    assert got.dtype == torch.float32
    assert np.abs(want).max() > 2
    np.testing.assert_allclose(got.numpy(), want, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def run(tiny_run):
    return load_run(tiny_run)


@pytest.fixture(scope="module")
def tested(tiny_settings):
    data = prepare(tiny_settings)
    return data.cut(data.test_index())


def diagnose(run, x, **options):
    parts = copy.deepcopy((run.frontend, run.classifier, run.novelty))
    model = Diagnoser(*parts, run.temperature, **options).eval()
    with torch.inference_mode():
        return model, [out.numpy() for out in model(torch.from_numpy(x))]


def test_the_diagnoser_equals_its_parts(run, tested):
    _, (probabilities, embedding, novelty) = diagnose(run, tested)
    heatmaps = run.frontend.heatmaps(tested)
    logits, want = predict(run.classifier, heatmaps)
    e = np.exp(np.float64(logits) / run.temperature)
    np.testing.assert_allclose(probabilities, e / e.sum(axis=1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(embedding, want, atol=1e-3)
    np.testing.assert_allclose(novelty, run.novelty.of(want, heatmaps), rtol=1e-3)
    assert {a.dtype for a in (probabilities, embedding, novelty)} == {np.dtype(np.float32)}


def test_a_novelty_of_the_embedding_alone_stays_one(run, tested):
    """As of a run that was trained before rows counted."""
    heatmaps = run.frontend.heatmaps(tested)
    _, embedding = predict(run.classifier, heatmaps)
    label = np.arange(len(embedding)) % 2
    novelty = fit_novelty([embedding[label == 0], embedding[label == 1]])
    _, (_, _, said) = diagnose(replace(run, novelty=novelty), tested)
    np.testing.assert_allclose(said, novelty(embedding), rtol=1e-3)
    assert len(run.novelty.whiten) == embedding.shape[1] + 2 * heatmaps.shape[2]


def test_half_casts_the_network_and_not_the_front_end(run, tested):
    _, full = diagnose(run, tested)
    model, half = diagnose(run, tested, half=True)
    assert {p.dtype for p in model.classifier.parameters()} == {torch.float16}
    others = {b.dtype for n, b in model.named_buffers() if not n.startswith("classifier.")}
    assert others == {torch.float32}
    with torch.inference_mode():
        heatmaps = model.frontend(torch.from_numpy(tested)).numpy()
    np.testing.assert_allclose(heatmaps, run.frontend.heatmaps(tested), atol=1e-4, rtol=0)
    assert {a.dtype for a in half} == {np.dtype(np.float32)}
    assert 0 < np.abs(half[0] - full[0]).max() < 0.02
    assert (half[0].argmax(axis=1) == full[0].argmax(axis=1)).mean() > 0.99
    np.testing.assert_allclose(half[2], full[2], rtol=0.05)
    assert {p.dtype for p in run.classifier.parameters()} == {torch.float32}


def test_the_synthesizer_adds_the_texture_and_asks_the_afc(run, tested):
    heatmaps = run.frontend.heatmaps(tested[:20])
    latent = encode(run.kept.network, heatmaps)
    texture = heatmaps - decode(run.kept.network, latent)
    with torch.inference_mode():
        made, said = Synthesizer(run.kept.network)(
            torch.from_numpy(latent), torch.from_numpy(texture)
        )
    np.testing.assert_allclose(made.numpy(), heatmaps, atol=1e-4)
    np.testing.assert_allclose(said.numpy(), posterior(run.kept.network, heatmaps), atol=1e-4)
