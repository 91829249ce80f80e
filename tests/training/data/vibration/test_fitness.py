"""Windows that are unfit are neither trained on nor tested with, and they are counted."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.fitness import described
from dlrsd.training.data.vibration.prepared import Prepared, divide, draw
from dlrsd.training.data.vibration.recording import Recording


def recordings(*, spoil: dict[str, object] | None = None) -> list[Recording]:
    """Two classes of four recordings; ``spoil`` changes the first of a class."""
    rng = np.random.default_rng(1)
    found = []
    for label, level in (("normal", 0.1), ("outer", 0.4)):
        for k in range(4):
            signal = level * rng.normal(size=(1, 24_000))
            if k == 0 and spoil and label in spoil:
                signal = spoil[label](signal)  # type: ignore[operator]
            found.append(
                Recording(
                    signal.astype(np.float32), 12000.0, "g", label, f"{label}{k}", ("A",),
                    fault="normal" if label == "normal" else "outer",
                )
            )  # fmt: skip
    return found


def prepared(found: list[Recording], *, n_normal: int = 100, balance: float = 1.0) -> Prepared:
    divided = divide(found, protocol="block", seed=0, window=1024, hop=512)
    return draw(divided, balance=balance, n_normal=n_normal, seed=0)


def put(value: float, begin: int, end: int) -> object:
    def spoil(signal: np.ndarray) -> np.ndarray:
        out = signal.copy()
        out[:, begin:end] = value
        return out

    return spoil


def test_clean_recordings_lose_nothing() -> None:
    data = prepared(recordings())
    assert len(data.drawn) == 200
    assert data.left_out == {}
    assert described(data.left_out) == []


@pytest.mark.parametrize(
    ("value", "end", "flag"),
    [
        (9.9e37, 12_001, "level"),
        (1e6, 12_001, "spike"),
        (np.nan, 12_001, "non_finite"),
        (0.0, 12_600, "gap"),
        (0.05, 12_600, "stuck"),
    ],
)
def test_what_is_unfit_is_left_out_and_moves_no_limit(value: float, end: int, flag: str) -> None:
    clean = prepared(recordings(), n_normal=800)
    data = prepared(recordings(spoil={"normal": put(value, 12_000, end)}), n_normal=800)
    touched = (
        (clean.drawn.recording == 0)
        & (clean.drawn.start < end)
        & (clean.drawn.start + 1024 > 12_000)
    )
    assert touched.sum() > 5
    assert data.left_out["normal"][flag] >= touched.sum() - 1
    assert sum(data.left_out["normal"].values()) == touched.sum()
    assert len(data.drawn) == 1600 - touched.sum()
    (own,), (expected,) = data.limits.channels, clean.limits.channels
    assert own.level_low == pytest.approx(expected.level_low, rel=0.05)
    assert own.level_high == pytest.approx(expected.level_high, rel=0.05)
    (line,) = described(data.left_out)
    assert line.startswith(f"normal: {touched.sum()} unfit training windows left out (")


def test_a_test_window_that_is_unfit_is_left_out() -> None:
    data = prepared(recordings(spoil={"outer": put(9.9e37, 1000, 1001)}))
    index = data.test_index()
    assert np.isfinite(data.cut(index)).all()
    assert np.abs(data.cut(index)).max() < 10
    assert len(prepared(recordings()).test_index()) - len(index) == 2


def test_a_class_that_loses_most_is_refused_in_one_line() -> None:
    found = recordings()
    for k in range(4, 8):
        found[k].signal[:, 9000:20_000] = 0.0
    with pytest.raises(InputError, match=r"class 'outer': \d+ of 100 training windows") as caught:
        prepared(found)
    assert "\n" not in str(caught.value)
    assert "gap" in str(caught.value)
