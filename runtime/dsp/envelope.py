"""Spectra of long windows, each bin against what surrounds it: of the signal and of its envelope.

Cepstral prewhitening sets the magnitude of a signal's spectrum to one: resonances and the lines of
shaft, gears and mains lose their weight, and what repeats as an impulse stays. The squared envelope
of what is left has lines at the rates of the impulses.

Sources: Borghesani and others, "Application of cepstrum pre-whitening for the diagnosis of bearing
faults under variable speed conditions", MSSP 36 (2013); Randall and Antoni, "Rolling element
bearing diagnostics - A tutorial", MSSP 25 (2011).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError

Array = NDArray[np.float64]

# Shares of the band up to half the rate: the whole, its halves, its middle. An impulse rings some
# of them and all carry its lines, while noise differs, so their mean is a quieter spectrum.
BANDS = ((0.0, 1.0), (0.0, 0.5), (0.5, 1.0), (0.25, 0.75))
_LEAST_BLOCK = 16  # bins: a median of fewer is itself noise
_SILENT = 1e-12  # of the largest bin: what is quieter has no phase to speak of
_NOTHING = 1e-30  # of the largest power
_NEW = 1e-2  # of the power: generators have 2e-3 or less, machines 0.09 or more
_SINE = 3  # bins on either side of a sine in a Hann window
_MORE_THAN_A_SINE = 4.0  # times what does not repeat
_MOST_LISTENED = 1 << 15  # samples that tell whether there is noise


class Spectrum(NamedTuple):
    """A power spectrum against its surroundings."""

    excess: Array
    """Shape (n_bins,), from 0 Hz on: power over the mean that noise of the surroundings' median
    would have. 1 on average in noise."""
    bin_hz: float
    """Between two bins, Hz: one over the window's seconds."""


def envelope_spectrum(x: Array, rate_hz: float, highest_hz: float, block_hz: float) -> Spectrum:
    """The squared envelope's spectrum of a prewhitened signal, mean of those of `BANDS`.

    Parameters
    ----------
    x : array, shape (n,), real
        One channel, as long as the verdict shall be; neither gain nor unit matter.
    rate_hz : sampling rate, Hz.
    highest_hz : of the spectrum, Hz: an eighth of ``rate_hz`` at most, half of the narrowest band.
    block_hz : over which the surroundings' median is taken, Hz; at least 16 bins are.

    Raises
    ------
    InputError
        If the rate is too low for ``highest_hz``.
    """
    if highest_hz > rate_hz / 8:
        raise InputError(
            f"got a rate of {rate_hz:g} Hz: lines up to {highest_hz:.4g} Hz need a rate of at "
            f"least {8 * highest_hz:.0f} Hz"
        )
    bin_hz = rate_hz / len(x)
    white = np.fft.rfft(x - x.mean())
    size = np.abs(white)
    # Of size one: single precision holds all there is from here on, and is quicker.
    white /= np.maximum(size, max(_SILENT * size.max(), np.finfo(np.float64).tiny))
    white[0] = 0  # the mean was taken out: what is left has the phase of rounding
    half = len(x) // 2
    n_bins = min(int(highest_hz / bin_hz) + 1, half // 4)  # and one beside the last
    total = np.zeros(n_bins)
    for lower, upper in BANDS:
        band = white[int(lower * half) : int(upper * half)].astype(np.complex64)
        # One side of the spectrum alone, moved to 0 Hz, is the band's complex envelope at a rate
        # of the band's width; zeros above it change the rate, not what it holds.
        analytic = np.fft.ifft(band, fast_length(len(band)))
        squared = (analytic.real**2 + analytic.imag**2).astype(np.float64)
        total += _excess(np.fft.rfft(squared), n_bins, block_hz / bin_hz)
    return Spectrum(total / len(BANDS), bin_hz)


def signal_spectrum(x: Array, rate_hz: float, highest_hz: float, block_hz: float) -> Spectrum:
    """The signal's own power spectrum; parameters as for `envelope_spectrum`."""
    bin_hz = rate_hz / len(x)
    n_bins = min(int(highest_hz / bin_hz) + 1, len(x) // 2)
    return Spectrum(_excess(np.fft.rfft(x), n_bins, block_hz / bin_hz), bin_hz)


def _excess(transform: NDArray[np.complexfloating[Any, Any]], n_bins: int, block: float) -> Array:
    """Power of a Hann window's bins over the mean of exponential noise around them."""
    # The window, as what it is in the frequency domain; at 0 Hz the mean is left out.
    bins = transform[: n_bins + 1].astype(np.complex128)
    bins[0] = 0
    power = np.empty(n_bins)
    power[0] = abs(bins[1]) ** 2 / 4
    inner = bins[1:-1] / 2 - (bins[:-2] + bins[2:]) / 4
    power[1:] = inner.real**2 + inner.imag**2
    size = min(max(_LEAST_BLOCK, int(block)), n_bins)
    blocks = power[: n_bins // size * size].reshape(-1, size)
    means = np.median(blocks, axis=1) / np.log(2)  # an exponential's median is ln 2 of its mean
    middles = (np.arange(len(means)) + 0.5) * size
    surroundings = np.interp(np.arange(n_bins), middles, means)
    # Between lines without any noise there is but what rounding leaves.
    nothing = max(_NOTHING * power.max(), np.finfo(np.float64).tiny)
    excess: Array = power / np.maximum(surroundings, nothing)
    return excess


def noise_db(x: Array) -> float:
    """How far nine tenths of a signal's spectrum lie below its mean power, dB.

    4 in noise. Between the lines of a signal that was calculated or comes from a generator lies
    hardly anything. Of the first 32,768 samples.
    """
    heard = x[:_MOST_LISTENED]
    transform = np.fft.rfft((heard - heard.mean()) * _hann(len(heard)))
    power = transform.real**2 + transform.imag**2
    most = np.partition(power, at := int(0.9 * len(power)))[at]
    mean = max(power.mean(), np.finfo(np.float64).tiny)
    return float(10 * np.log10(max(most / mean, _NOTHING)))


def repeats_exactly(x: Array) -> bool:
    """Whether all but a hundredth of a signal's power comes again exactly, and is not one sine.

    So a generator's does, or what was calculated: a sawtooth, a train of pulses. A machine's does
    not, for it has noise, and its speed is never so even; but one line, of an imbalance, may
    tower. Told by the correlation with itself a quarter to half of its length later, of the first
    32,768 samples.

    Parameters
    ----------
    x : array, shape (n,), real, of at most 1
    """
    heard = x[:_MOST_LISTENED] - x[:_MOST_LISTENED].mean()
    n = len(heard)
    transform = np.fft.rfft(heard, fast_length(2 * n))
    power = transform.real**2 + transform.imag**2
    lags = np.arange(n // 4, n // 2)
    together = np.fft.irfft(power, fast_length(2 * n))[lags]
    energy = np.concatenate([[0.0], np.cumsum(heard**2)])
    early, late = energy[n - lags], energy[n] - energy[lags]
    new = 1 - float(np.max(together / np.maximum(np.sqrt(early * late), np.finfo(float).tiny)))
    if new > _NEW:
        return False
    hann = np.fft.rfft(heard * _hann(n))
    lines = hann.real**2 + hann.imag**2
    top = int(lines.argmax())
    beside = 1 - lines[max(0, top - _SINE) : top + _SINE + 1].sum() / lines.sum()
    return bool(beside > _MORE_THAN_A_SINE * max(new, _NEW))


@lru_cache(maxsize=4)
def _hann(n: int) -> Array:
    window: Array = np.hanning(n)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=64)
def fast_length(n: int) -> int:
    """The least product of 2, 3 and 5 that is n or more: an FFT of it is quick."""
    best = 1 << (n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            power = three << max(0, (-(-n // three) - 1).bit_length())
            best = min(best, power) if power >= n else best
            three *= 3
        five *= 5
    return best
