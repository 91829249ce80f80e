"""Synthesis with the tiny decoder, whose heatmaps and class probabilities can be worked out."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.synthesis.filtering import Thresholds
from dlrsd.runtime.synthesis.synthesize import describe, save_synthesis, synthesize

pytest.importorskip("onnxruntime")
WAVES = np.stack([np.cos(np.arange(16)), np.sin(np.arange(16))])
DIRECTIONS = np.array([[4.0, -2.0, -2.0], [0.0, 4.0, -4.0]])


def latents_of(heatmaps: np.ndarray) -> np.ndarray:
    """The latents that fit these heatmaps best under the linear decoder."""
    return np.linalg.lstsq(WAVES.T, heatmaps.reshape(len(heatmaps), -1).T, rcond=None)[0].T


def anchors(folder: Path, index: int, *, part: str = "latent") -> np.ndarray:
    with np.load(folder / "anchors.npz") as arrays:
        return arrays[f"{part}/{index}"].astype(float)


def set_anchors(folder: Path, index: int, latents: np.ndarray) -> None:
    """Replace a class's anchors, and what the manifest says of the file."""
    path = folder / "anchors.npz"
    with np.load(path) as arrays:
        content = dict(arrays)
    content[f"latent/{index}"] = latents.astype(np.float16)
    content[f"texture/{index}"] = content[f"texture/{index}"][: len(latents)]
    np.savez(path, **content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["anchors.npz"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("count", [0, 2**24 + 1, 10**30])
def test_a_count_that_no_memory_holds_is_refused(
    count: int, make_bundle: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=f"a count of {count} heatmaps, expected 1 to 16777216,"):
        synthesize(load_bundle(make_bundle()), "Rough", count)


def test_heatmaps_are_decoded_splices_of_anchors_and_none_is_a_copy(
    make_bundle: Callable[..., Path],
) -> None:
    folder = make_bundle()
    made = synthesize(load_bundle(folder), "Rough", 50, seed=3)
    assert made.heatmaps.shape == (50, 1, 4, 4)
    assert made.heatmaps.dtype == np.float32
    assert made.report["decoded"] == 50
    assert made.report["smote"] == 0
    logits = latents_of(made.heatmaps) @ DIRECTIONS
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.probabilities, expected, atol=1e-4)
    assert (made.probabilities[:, 1] > 0.6).all()
    # Each is a splice: the difference from one anchor is, column by column, some share of that
    # between this and another one, and both columns of a latent's two have the latent's share.
    latents, textures = anchors(folder, 1), anchors(folder, 1, part="texture")
    found = np.zeros(50, bool)
    for i, j in itertools.permutations(range(6), 2):
        waves = (latents[j] - latents[i])[:, None] * WAVES
        columns = ((textures[j] - textures[i]) * np.eye(4)[:, None, None]).reshape(4, 16)
        rest = made.heatmaps.reshape(50, 16) - latents[i] @ WAVES - textures[i].reshape(16)
        share, *_ = np.linalg.lstsq(np.concatenate([waves, columns]).T, rest.T, rcond=None)
        left = np.abs(share.T @ np.concatenate([waves, columns]) - rest).max(axis=1)
        alike = np.abs(share[:2] - share[2:].reshape(2, 2, -1).mean(axis=1)).max(axis=0)
        within = ((share > -1e-3) & (share < 1 + 1e-3)).all(axis=0)
        found |= (left < 1e-3) & (alike < 1e-2) & within
    assert found.all()
    real = (latents @ WAVES).reshape(-1, 1, 4, 4) + textures
    gaps = np.linalg.norm((made.heatmaps[:, None] - real[None]).reshape(50, 6, -1), axis=2)
    assert gaps.min() > 0.01


def test_the_same_seed_gives_the_same(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    first = synthesize(bundle, "Loud", 20, seed=1)
    np.testing.assert_array_equal(synthesize(bundle, "Loud", 20, seed=1).heatmaps, first.heatmaps)
    assert not np.array_equal(synthesize(bundle, "Loud", 20, seed=2).heatmaps, first.heatmaps)


def test_what_fails_is_counted_and_topped_up_by_smote(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    strict = synthesize(bundle, "Quiet", 30, thresholds=Thresholds(posterior=0.9985))
    report = strict.report
    assert 0 < report["decoded"] < 30
    assert report["smote"] == 30 - report["decoded"]
    assert report["rejected"]["unrecognised"] > 0
    assert report["drawn"] == report["decoded"] + sum(report["rejected"].values())
    assert len(strict.heatmaps) == 30
    assert np.isnan(strict.probabilities[report["decoded"] :]).all()
    assert f"{report['smote']} by SMOTE" in describe(strict)


def test_a_class_that_the_classifier_never_recognises_comes_from_smote_alone(
    make_bundle: Callable[..., Path],
) -> None:
    folder = make_bundle()
    set_anchors(folder, 0, -anchors(folder, 0))
    made = synthesize(load_bundle(folder), "Quiet", 10)
    assert made.report["decoded"] == 0
    assert made.report["smote"] == 10


def test_decoding_ends_where_hardly_any_passes(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    set_anchors(folder, 0, -anchors(folder, 0))
    made = synthesize(load_bundle(folder), "Quiet", 5000)
    assert made.report["drawn"] == 2048
    assert made.report["smote"] == len(made.heatmaps) == 5000


def test_many_come_in_rounds_and_threads_change_nothing(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    told: list[int] = []
    made = synthesize(bundle, "Loud", 5000, threads=1, on_kept=told.append)
    assert made.report["decoded"] == 5000 == told[-1]
    assert told == sorted(told)
    assert len(told) >= 3
    assert made.report["drawn"] == 5000 + sum(made.report["rejected"].values())
    assert len(np.unique(made.heatmaps.reshape(5000, -1), axis=0)) == 5000
    again = synthesize(bundle, "Loud", 5000, threads=2)
    np.testing.assert_array_equal(again.heatmaps, made.heatmaps)


@pytest.mark.gpu
def test_cuda_makes_the_same(make_bundle: Callable[..., Path]) -> None:
    pytest.importorskip("cupy")
    bundle = load_bundle(make_bundle())
    for limits in (Thresholds(), Thresholds(posterior=0.9985)):  # the latter with SMOTE
        want = synthesize(bundle, "Quiet", 30, thresholds=limits)
        got = synthesize(bundle, "Quiet", 30, thresholds=limits, device="cuda")
        assert isinstance(got.heatmaps, np.ndarray)
        assert got.report == want.report
        np.testing.assert_allclose(got.heatmaps, want.heatmaps, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_with_too_few_anchors_is_refused(
    count: int, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle()
    set_anchors(folder, 1, anchors(folder, 1)[:count])
    with pytest.raises(InputError, match=f"'Rough' has {count} anchor.*at least 2"):
        synthesize(load_bundle(folder), "Rough", 5)


def test_what_cannot_be_made_is_refused(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    with pytest.raises(InputError, match="no class 'Broken', only Quiet, Rough, Loud"):
        synthesize(bundle, "Broken", 5)
    with pytest.raises(InputError, match="count of 0"):
        synthesize(bundle, "Quiet", 0)
    with pytest.raises(InputError, match="seed -1"):
        synthesize(bundle, "Quiet", 1, seed=-1)
    without = make_bundle("without", change=lambda manifest: manifest.update(synthesis=None))
    with pytest.raises(BundleError, match="has no synthesiser"):
        synthesize(load_bundle(without), "Quiet", 1)


def test_the_file_holds_heatmaps_probabilities_and_report(
    make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    bundle = load_bundle(make_bundle())
    made = synthesize(bundle, "Quiet", 5)
    path = save_synthesis(made, bundle, tmp_path / "made.npz")
    with np.load(path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["heatmaps"], made.heatmaps)
        np.testing.assert_array_equal(arrays["probabilities"], made.probabilities)
        assert arrays["classes"].tolist() == ["Quiet", "Rough", "Loud"]
        assert json.loads(str(arrays["report"])) == made.report
    assert [entry.name for entry in tmp_path.glob(".*")] == []
    with pytest.raises(InputError, match=r"ends in \.npz"):
        save_synthesis(made, bundle, tmp_path / "made.txt")
    with pytest.raises(InputError, match="no folder"):
        save_synthesis(made, bundle, tmp_path / "nowhere" / "made.npz")
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(DlrsdError, match="cannot write"):
        save_synthesis(made, bundle, tmp_path / "taken.npz")


def with_anchors(folder: Path, content: bytes) -> Bundle:
    (folder / "anchors.npz").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"]["anchors.npz"] = {"sha256": digest, "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return load_bundle(folder)


def packed(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{f"{part}/0": array for part, array in arrays.items()})
    return file.getvalue()


LATENTS, TEXTURES = np.ones((6, 2), np.float16), np.ones((6, 1, 4, 4), np.float16)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no readable arrays"),
        (packed(latent=LATENTS, texture=TEXTURES)[:-40], "no readable arrays"),
        (packed(latent=LATENTS, texture=np.array([{}] * 6, object)), "none of real numbers"),
        (packed(latent=LATENTS[:5], texture=TEXTURES), "expected as many of each"),
        (
            packed(latent=np.zeros((32_769, 2), "i1"), texture=np.zeros((32_769, 1, 4, 4), "i1")),
            "32769 anchors of a class, expected at most 32768",
        ),
        (packed(latent=np.array(1.0), texture=TEXTURES), "expected as many of each"),
        (packed(latent=LATENTS, texture=TEXTURES[:, :, :2]), r"shape \(1, 2, 4\), expected \(1, 4"),
        (packed(latent=LATENTS * np.nan, texture=TEXTURES), "latent/0 are not all finite"),
        (packed(latent=LATENTS, texture=TEXTURES * np.float64(1e300)), "not all finite"),
        (packed(latent=np.ones((6, 3), np.float16), texture=TEXTURES), "Got invalid dimensions"),
        (packed(latent=np.ones(6, np.float16), texture=TEXTURES), "Invalid rank|fails"),
    ],
)
def test_anchors_that_no_export_writes_are_refused(
    content: bytes, said: str, make_bundle: Callable[..., Path]
) -> None:
    with pytest.raises(BundleError, match=said) as caught:
        synthesize(with_anchors(make_bundle(), content), "Quiet", 5)
    assert "\n" not in str(caught.value)


def test_every_mutation_of_anchors_is_used_or_refused(make_bundle: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    folder = make_bundle()
    whole = (folder / "anchors.npz").read_bytes()
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, size = int(rng.integers(len(content))), int(rng.integers(1, 20))
            part = content[at : at + size]
            content[at : at + size] = [b"", part + part, rng.bytes(size)][rng.integers(3)]
        try:
            assert len(synthesize(with_anchors(folder, bytes(content)), "Quiet", 2).heatmaps) == 2
        except (BundleError, InputError):  # which classes there are may be what was changed
            refused += 1
    assert refused > 100
