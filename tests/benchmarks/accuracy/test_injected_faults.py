"""The injections touch what they say, and the flags see them on simulated signal."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.injected_faults import RATE, WINDOW, measure, newer, result, rig
from benchmarks.accuracy.signal_faults import FAULTS, LEAD_S, Scene

HARDER = {kind for kind in FAULTS if kind.startswith("later: ")}


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    groups = rig(quick=True)
    return measure(groups, {"rig": newer(groups["rig"])}, seed=0, windows=0)


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - HARDER))
def test_each_type_is_seen_in_most_of_the_windows_it_touches(found, kind: str) -> None:
    (row,) = (r for r in found["rows"] if r["fault"] == kind and r["size"] == "all")
    assert row["windows"] > 20
    assert float(row["rig"]) > 0.85


def test_clean_windows_are_not_flagged(found) -> None:
    clean = found["rows"][-1]
    assert clean["windows"] > 300
    assert float(clean["rig"]) == 0


def test_the_result_has_a_row_for_every_size(found) -> None:
    table = result(found)
    assert len(table["rows"]) == sum(1 + len(sizes) for sizes in FAULTS.values()) + 1
    assert all(len(row) == len(table["columns"]) for row in table["rows"])


@pytest.mark.parametrize("kind", FAULTS)
def test_only_touched_samples_are_changed(kind: str) -> None:
    signal = np.random.default_rng(0).normal(size=60_000).astype(np.float32)
    for inject in FAULTS[kind].values():
        made = inject(Scene(signal, RATE, WINDOW, np.random.default_rng(1)))
        lead = int(LEAD_S * RATE)
        assert made.touched.any() or kind == "clipping"
        assert not made.touched[:lead].any()
        np.testing.assert_array_equal(made.signal[:lead], signal[:lead])
        if len(made.signal) == len(signal) and kind not in ("drift",):
            assert not (made.signal != signal)[~made.touched].any()
        assert 1 <= made.least <= -(-WINDOW // 10)
