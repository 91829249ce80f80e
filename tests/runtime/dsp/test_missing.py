from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.missing import Hold, hold_last

NAN = np.nan


def test_a_value_is_held_for_so_many_samples_and_no_longer():
    filled, missing = hold_last([[NAN, 1, NAN, NAN, NAN, 2], [3, NAN, np.inf, 4, 5, NAN]], 2)
    np.testing.assert_array_equal(filled, [[NAN, 1, 1, 1, NAN, 2], [3, 3, 3, 4, 5, 5]])
    np.testing.assert_array_equal(missing, [[1, 0, 1, 1, 1, 0], [0, 1, 1, 0, 0, 1]])


@pytest.mark.parametrize("hold", [0, 1, 3, 50])
def test_parts_of_a_stream_are_filled_as_the_whole(hold):
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((3, 40)).astype(np.float32)
    signal[rng.random(signal.shape) < 0.5] = NAN
    whole = hold_last(signal, hold)
    holder = Hold(3, hold)
    parts = [holder(part) for part in np.split(signal, [1, 2, 2, 17, 39], axis=1)]
    for expected, *got in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(np.concatenate(got, axis=1), expected)


def test_without_holding_only_infinite_values_change():
    filled, missing = hold_last([[1, NAN, np.inf]], 0)
    np.testing.assert_array_equal(filled, [[1, NAN, NAN]])
    np.testing.assert_array_equal(missing, [[False, True, True]])
