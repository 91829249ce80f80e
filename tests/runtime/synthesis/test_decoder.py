"""The decoder against the tiny graph, which can be worked out by hand, and in its choices."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, DeviceMemoryError, DlrsdError, InputError
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.synthesis import decoder as module

pytest.importorskip("onnxruntime")
WAVES = np.stack([np.cos(np.arange(16)), np.sin(np.arange(16))])
DIRECTIONS = np.array([[4.0, -2.0, -2.0], [0.0, 4.0, -4.0]])


def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((n, 2)).astype(np.float32)
    return latents, 0.1 * rng.standard_normal((n, 1, 4, 4)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_every_one_is_decoded_in_its_place(
    n: int, threads: int, make_bundle: Callable[..., Path]
) -> None:
    decode = module.Decoder(load_bundle(make_bundle()), threads=threads)
    latents, textures = drawn(n)
    heatmaps, probabilities = decode(latents, textures)
    want = (latents @ WAVES).reshape(n, 1, 4, 4) + textures
    np.testing.assert_allclose(heatmaps, want, atol=1e-5)
    logits = want.reshape(n, 16) @ np.round(np.linalg.pinv(WAVES) @ DIRECTIONS, 5)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


def test_any_layout_is_taken(make_bundle: Callable[..., Path]) -> None:
    decode = module.Decoder(load_bundle(make_bundle()))
    latents, textures = drawn(100)
    want = decode(latents[::2], textures[::2])
    got = decode(np.asfortranarray(latents[::2], dtype=float), textures[::2].copy())
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


def test_a_batch_without_memory_is_halved_and_said(
    make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a decoder that fails, as a GPU does, for more than 20 at once."""
    said: list[str] = []
    decode = module.Decoder(load_bundle(make_bundle()), threads=1, say=said.append)
    latents, textures = drawn(100)
    want = decode(latents, textures)
    run = decode.run_part

    def small(inputs, outputs, part):
        if min(part.stop, 100) - part.start > 20:
            raise DeviceMemoryError("the GPU has no memory left")
        return run(inputs, outputs, part)

    monkeypatch.setattr(decode, "run_part", small)
    got = decode(latents, textures)
    np.testing.assert_array_equal(got[0], want[0])
    assert said == [
        "the GPU has no memory left: trying 32 heatmaps at a time",
        "the GPU has no memory left: trying 16 heatmaps at a time",
    ]


def test_what_cannot_be_opened_is_refused(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    with pytest.raises(InputError, match="got device 'tpu', expected one of cpu, cuda"):
        module.Decoder(bundle, device="tpu")
    with pytest.raises(InputError, match="got 0 threads"):
        module.Decoder(bundle, threads=0)
    (bundle.path / "synthesizer.onnx").write_bytes(b"half of it")
    with pytest.raises(BundleError, match="damaged"):
        module.Decoder(bundle)


def test_anchors_that_do_not_fit_the_graph(make_bundle: Callable[..., Path]) -> None:
    decode = module.Decoder(load_bundle(make_bundle()))
    latents, textures = drawn(4)
    with pytest.raises(BundleError, match=r"synthesiser of bundle .* export the bundle again"):
        decode(np.concatenate([latents, latents], axis=1), textures)


@pytest.mark.skipif(count_gpus() > 0, reason="needs a machine without a GPU")
def test_cuda_without_a_gpu_is_refused(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"no GPU .* use --device cpu"):
        module.Decoder(load_bundle(make_bundle()), device="cuda")


@pytest.mark.parametrize(("missing", "remedy"), [("cupy", "dlrsd.gpu."), (None, "onnxruntime-gpu")])
def test_cuda_without_its_packages_is_refused(
    missing: str | None,
    remedy: str,
    make_bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a machine with a GPU, for which one of the two packages is missing."""
    if "CUDAExecutionProvider" in pytest.importorskip("onnxruntime").get_available_providers():
        pytest.skip("onnxruntime-gpu is installed")
    monkeypatch.setattr(module, "count_gpus", lambda: 1)
    monkeypatch.setitem(sys.modules, "cupy", None if missing else np)
    with pytest.raises(DlrsdError, match=remedy):
        module.Decoder(load_bundle(make_bundle()), device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("n", [1, 1024, 3000])
def test_cuda_decodes_the_same(n: int, make_bundle: Callable[..., Path]) -> None:
    cupy = pytest.importorskip("cupy")
    bundle = load_bundle(make_bundle())
    latents, textures = drawn(n)
    want = module.Decoder(bundle)(latents, textures)
    decode = module.Decoder(bundle, device="cuda")
    got = decode(decode.put(latents), decode.put(textures))
    for ours, theirs in zip(got, want, strict=True):
        assert isinstance(ours, cupy.ndarray)
        np.testing.assert_allclose(ours.get(), theirs, atol=1e-4)
