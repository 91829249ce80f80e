"""Neighbours against a float64 search and scikit-learn's, on data that tempt rounding to err."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis import neighbours as module
from dlrsd.runtime.synthesis.neighbours import nearest, neighbours, tiles

RNG = np.random.default_rng(0)


def clusters(*, apart: float, tight: float, n: int = 300, d: int = 64) -> np.ndarray:
    centres = apart * RNG.standard_normal((6, d))
    return centres[RNG.integers(0, 6, n)] + tight * RNG.standard_normal((n, d))


DATA = {
    "random": RNG.standard_normal((400, 20)),
    "high-dimensional": RNG.standard_normal((300, 1024)),
    "clustered": clusters(apart=10, tight=1),
    # Squared distances within a cluster are 1e-8 of the squared norms: nothing float32 could see.
    "tight clusters far apart": clusters(apart=1e3, tight=0.1),
    "far offset": 1e4 + RNG.standard_normal((300, 32)),
    "badly scaled": RNG.standard_normal((300, 12)) * np.logspace(-4, 4, 12),
    "an outlier": np.concatenate([RNG.standard_normal((299, 16)), np.full((1, 16), 1e6)]),
    "huge": 1e25 * RNG.standard_normal((200, 16)),
    "tiny": 1e-25 * RNG.standard_normal((200, 16)),
    "a line": np.linspace(0, 1, 250)[:, None] ** 2 * np.ones((1, 8)),
}


def full_search(queries: np.ndarray, references: np.ndarray, *, same: bool) -> np.ndarray:
    """All distances in float64, from differences."""
    gaps = np.stack([np.linalg.norm(references - q, axis=1) for q in queries.astype(float)])
    if same:
        np.fill_diagonal(gaps, np.inf)
    return gaps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DATA)
def test_neighbours_are_those_of_a_full_search(name: str, dtype: type) -> None:
    x = DATA[name].astype(dtype)
    distances, indices = nearest(x, x, k=5, exclude_self=True)
    gaps = full_search(x, x.astype(float), same=True)
    want = np.argsort(gaps, axis=1, kind="stable")[:, :5]
    # By distance, for equal ones may come in any order.
    found = np.take_along_axis(gaps, indices, axis=1)
    np.testing.assert_allclose(found, np.take_along_axis(gaps, want, axis=1), rtol=1e-12)
    np.testing.assert_allclose(distances, found, rtol=1e-6)
    chosen = neighbours(x, x, k=5, exclude_self=True)
    np.testing.assert_array_equal(np.sort(chosen, axis=1), np.sort(indices, axis=1))
    assert all(len(set(row)) == 5 for row in indices.tolist())
    assert not (indices == np.arange(len(x))[:, None]).any()


def test_some_of_these_need_more_than_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the second search, neighbours would be wrong: the data above do tempt."""

    def all_certain(*arguments, **options):
        column, contained, settled = candidates(*arguments, **options)
        return column, np.ones_like(contained), np.ones_like(settled)

    candidates = module.candidates
    monkeypatch.setattr(module, "candidates", all_certain)
    x = DATA["tight clusters far apart"].astype(np.float32)
    gaps = full_search(x, x.astype(float), same=True)
    want = np.sort(np.argsort(gaps, axis=1)[:, :5], axis=1)
    got = np.sort(neighbours(x, x, k=5, exclude_self=True), axis=1)
    assert (got != want).any()


@pytest.mark.parametrize("name", ["random", "high-dimensional", "clustered", "far offset"])
def test_neighbours_equal_scikit_learn(name: str) -> None:
    sklearn = pytest.importorskip("sklearn.neighbors")
    x = DATA[name].astype(np.float32)
    searched = sklearn.NearestNeighbors(n_neighbors=6, algorithm="brute").fit(x)
    distances, indices = searched.kneighbors(x)
    ours, found = nearest(x, x, k=5, exclude_self=True)
    np.testing.assert_array_equal(found, indices[:, 1:])
    np.testing.assert_allclose(ours, distances[:, 1:], rtol=1e-4)


@pytest.mark.parametrize("copies", [2, 4, 20])
def test_copies_are_neighbours_at_distance_zero(copies: int) -> None:
    x = np.repeat(RNG.standard_normal((30, 40)).astype(np.float32), copies, axis=0)
    distances, indices = nearest(x, x, k=5, exclude_self=True)
    zero = min(5, copies - 1)
    assert (distances[:, :zero] == 0).all()
    assert (distances[:, zero:] > 0).all()
    assert (indices[:, :zero] // copies == np.arange(len(x))[:, None] // copies).all()
    assert not (indices == np.arange(len(x))[:, None]).any()


def test_queries_of_their_own() -> None:
    references = DATA["clustered"].astype(np.float32)
    queries = references[:70] + RNG.standard_normal((70, 64)).astype(np.float32)
    gaps = full_search(queries, references.astype(float), same=False)
    distances, indices = nearest(queries, references, k=3)
    np.testing.assert_array_equal(indices, np.argsort(gaps, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(gaps, axis=1)[:, :3], rtol=1e-6)
    assert nearest(queries[:0], references)[0].shape == (0, 1)


@pytest.mark.parametrize("exclude_self", [False, True])
def test_the_size_of_a_tile_changes_nothing(
    exclude_self: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = DATA["random"].astype(np.float32)
    whole = nearest(x, x, k=3, exclude_self=exclude_self)
    monkeypatch.setattr(module, "_TILE", 90)
    assert len(tiles(len(x))) == 5
    parts = nearest(x, x, k=3, exclude_self=exclude_self)
    np.testing.assert_array_equal(whole[1], parts[1])


@pytest.mark.parametrize("m", [2, 6, 7, 9, 40, 41, 43, 100, 171])
def test_as_many_neighbours_as_there_are(m: int) -> None:
    x = RNG.standard_normal((m, 3)).astype(np.float32)
    for k in {1, min(5, m - 1), m - 1}:
        _, indices = nearest(x, x, k=k, exclude_self=True)
        want = np.argsort(full_search(x, x.astype(float), same=True), axis=1)[:, :k]
        np.testing.assert_array_equal(indices, want)


def test_a_query_that_is_not_finite_spoils_no_other() -> None:
    x = DATA["random"].astype(np.float32)
    queries = x[:5].copy()
    queries[1, 0], queries[3, 2] = np.nan, np.inf
    distances, indices = nearest(queries, x)
    assert indices[[0, 2, 4], 0].tolist() == [0, 2, 4]
    assert not np.isfinite(distances[[1, 3]]).any()


@pytest.fixture(params=["array_api_strict", "torch"])
def library(request: pytest.FixtureRequest) -> tuple[Callable, Callable]:
    """To an array of another library, and back."""
    module = pytest.importorskip(request.param)
    return module.asarray, np.asarray


def test_other_array_libraries_find_the_same(
    library: tuple[Callable, Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    to, back = library
    monkeypatch.setattr(module, "_TILE", 120)  # several tiles
    for name in ("random", "tight clusters far apart", "badly scaled"):
        x = DATA[name].astype(np.float32)
        want = nearest(x, x, k=4, exclude_self=True)
        got = nearest(to(x), to(x), k=4, exclude_self=True)
        np.testing.assert_array_equal(back(got[1]), want[1])
        np.testing.assert_allclose(back(got[0]), want[0], rtol=1e-6)
        _, among = nearest(to(x[:30]), to(x), k=2)
        np.testing.assert_array_equal(back(among), nearest(x[:30], x, k=2)[1])


@pytest.mark.gpu
def test_cupy_finds_the_same() -> None:
    cupy = pytest.importorskip("cupy")
    for name, data in DATA.items():
        x = data.astype(np.float32)
        distances, indices = nearest(cupy.asarray(x), cupy.asarray(x), k=5, exclude_self=True)
        assert isinstance(indices, cupy.ndarray)
        gaps = full_search(x, x.astype(float), same=True)
        found = np.take_along_axis(gaps, indices.get(), axis=1)
        np.testing.assert_allclose(found, np.sort(gaps, axis=1)[:, :5], rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(distances.get(), found, rtol=1e-6, err_msg=name)


def test_too_many_neighbours_are_refused() -> None:
    x = DATA["random"][:4]
    with pytest.raises(InputError, match="expected 1 to 3"):
        nearest(x, x, k=4, exclude_self=True)
    with pytest.raises(InputError, match="expected 1 to 4"):
        nearest(x, x, k=5)
    with pytest.raises(InputError, match="k = 0"):
        nearest(x, x, k=0)
