"""Missing samples of slow signals, held at the last value there was, in training and on the box.

Plant data lose samples all the time: a meter is polled every quarter of an hour, and now and then
does not answer. A value is held for a while; what is missing longer stays NaN, and the graph takes
the channel's mean in training for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Hold:
    """Fills NaN in consecutive parts of one stream as if it had been given whole.

    Parameters
    ----------
    channels : int > 0
    samples : int >= 0
        For how many samples a value is held.
    """

    def __init__(self, channels: int, samples: int) -> None:
        self.samples = samples
        self._before = np.empty((channels, 0), np.float32)

    def __call__(self, part: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Fill the next samples.

        Parameters
        ----------
        part : array, shape (channels, n)
            Real numbers; infinite ones count as missing.

        Returns
        -------
        filled : array, shape (channels, n), float32
            NaN where nothing was measured for more than ``samples`` samples.
        missing : array, shape (channels, n), bool
            What was not measured.
        """
        new = np.asarray(part, np.float32)
        known = np.concatenate([self._before, new], axis=1)
        measured = np.isfinite(known)
        here = np.arange(known.shape[1])
        last = np.maximum.accumulate(np.where(measured, here, -1), axis=1)
        held = np.take_along_axis(known, np.maximum(last, 0), axis=1)
        held[(last < 0) | (here - last > self.samples)] = np.nan
        at = self._before.shape[1]
        self._before = known[:, max(0, known.shape[1] - self.samples) :]
        return held[:, at:], ~measured[:, at:]


def hold_last(signal: ArrayLike, samples: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """`Hold` over a whole signal (channels, n): filled, and what was missing."""
    signal = np.asarray(signal, np.float32)
    return Hold(len(signal), samples)(signal)
