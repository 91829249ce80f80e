"""Deep SMOTE on the box, with a tiny regressor: a quarter of the way from an anchor to another."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.synthesis.filtering import Thresholds
from dlrsd.runtime.synthesis.synthesize import describe, save_synthesis, synthesize

pytest.importorskip("onnxruntime")
GRAPHS = Path(__file__).parents[1] / "graphs"


@pytest.fixture
def make_deep(make_bundle: Callable[..., Path]) -> Callable[..., Bundle]:
    """Write and open a bundle of Deep SMOTE with so many anchors of a class."""

    def make(*numbers: int, method: str = "mansourifar-deep-smote") -> Bundle:
        folder = make_bundle()
        rng = np.random.default_rng(1)
        anchors = {
            f"heatmap/{index}": (index + rng.standard_normal((n, 1, 4, 4))).astype(np.float16)
            for index, n in enumerate(numbers)
        }
        np.savez(folder / "anchors.npz", **anchors)
        shutil.copy(GRAPHS / "regressor.onnx", folder / "synthesizer.onnx")
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["synthesis"]["method"] = method
        for name in ("anchors.npz", "synthesizer.onnx"):
            content = (folder / name).read_bytes()
            manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return load_bundle(folder)

    return make


def pairs_of(bundle: Bundle, index: int, k: int) -> np.ndarray:
    """All that the regressor can make of a class, by brute force."""
    with np.load(bundle.path / "anchors.npz") as arrays:
        anchors = arrays[f"heatmap/{index}"].astype(np.float64)
    made = []
    for i, anchor in enumerate(anchors):
        distance = np.sqrt(((anchors - anchor) ** 2).sum(axis=(1, 2, 3)))
        distance[i] = np.inf
        made += [anchor + 0.25 * (anchors[j] - anchor) for j in np.argsort(distance)[:k]]
    return np.array(made)


ALL_PASS = Thresholds(similarity=-2.0, copy_distance=0.0)


def test_every_heatmap_is_of_another_pair_of_neighbours(make_deep: Callable[..., Bundle]) -> None:
    bundle = make_deep(9, 12, 2)
    made = synthesize(bundle, "Rough", 40, seed=3, thresholds=ALL_PASS)
    report = made.report
    assert made.heatmaps.dtype == np.float32
    assert (report["method"], report["anchors"], report["drawn"]) == (
        "mansourifar-deep-smote",
        12,
        60,
    )
    assert (report["decoded"], report["smote"]) == (40, 0)
    assert report["rejected"] == {"non_finite": 0, "near_copy": 0, "unlike_real": 0}
    gaps = np.abs(made.heatmaps[:, None] - pairs_of(bundle, 1, 5)[None]).max(axis=(2, 3, 4))
    assert (gaps.min(axis=1) < 1e-5).all()
    assert len(set(gaps.argmin(axis=1))) == 40
    assert made.probabilities.shape == (40, 3)
    assert np.isnan(made.probabilities).all()


def test_more_than_the_pairs_are_topped_up_by_smote_and_none_twice(
    make_deep: Callable[..., Bundle],
) -> None:
    bundle = make_deep(4, 12, 2)
    made = synthesize(bundle, "Quiet", 100, thresholds=ALL_PASS)
    assert (made.report["drawn"], made.report["decoded"], made.report["smote"]) == (12, 12, 88)
    assert len(np.unique(made.heatmaps.reshape(100, -1), axis=0)) == 100
    np.testing.assert_allclose(
        np.sort(made.heatmaps[:12].ravel()), np.sort(pairs_of(bundle, 0, 3).ravel()), atol=1e-5
    )
    assert describe(made) == (
        "100 heatmaps of Quiet from 4 anchors: 12 kept of 12 pairs (rejected: none), 88 by SMOTE"
    )


def test_what_fails_is_counted(make_deep: Callable[..., Bundle]) -> None:
    bundle = make_deep(9, 9, 9)
    copies = Thresholds(similarity=-2.0, copy_distance=0.25)
    report = synthesize(bundle, "Loud", 45, thresholds=copies).report
    assert 0 < report["rejected"]["near_copy"] < 45
    assert report["decoded"] == 45 - report["rejected"]["near_copy"] == 45 - report["smote"]


def test_the_seed_decides(make_deep: Callable[..., Bundle]) -> None:
    bundle = make_deep(9, 9, 9)
    one, two, other = (synthesize(bundle, "Loud", 20, seed=s).heatmaps for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_too_few_anchors_and_other_methods_are_refused(make_deep: Callable[..., Bundle]) -> None:
    bundle = make_deep(9, 1)
    with pytest.raises(InputError, match=r"'Rough' has 1 anchor .*at least 2"):
        synthesize(bundle, "Rough", 5)
    with pytest.raises(InputError, match="no anchors of class 'Loud'"):
        synthesize(bundle, "Loud", 5)
    manifest = json.loads((bundle.path / "manifest.json").read_text())
    manifest["synthesis"]["method"] = "gan"
    (bundle.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError,
        match=r"synthesis.method = 'gan', expected one of dlrsd-smote, mansourifar-deep-smote",
    ) as error:
        load_bundle(bundle.path)
    assert "\n" not in str(error.value)


def test_the_file_holds_the_report(make_deep: Callable[..., Bundle], tmp_path: Path) -> None:
    bundle = make_deep(9, 9, 9)
    made = synthesize(bundle, "Loud", 5)
    with np.load(save_synthesis(made, bundle, tmp_path / "made.npz")) as arrays:
        assert json.loads(str(arrays["report"])) == made.report
        assert np.isnan(arrays["probabilities"]).all()
