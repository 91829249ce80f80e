"""Faults of the measuring chain, put into a signal at places and sizes drawn by a seed.

Every injection returns the signal, the samples it touched, and how many touched samples make a
window count: a tenth of the window, but for spikes and runs shorter than that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
LEAD_S = 1.5  # of untouched signal before anything
_APART_S = 0.4  # between two events of a stream


class Injected(NamedTuple):
    signal: Signal
    touched: NDArray[np.bool_]
    least: int


class Scene(NamedTuple):
    """What an injection needs to know: the signal and what it is like."""

    signal: Signal
    rate_hz: float
    window: int
    rng: np.random.Generator

    @property
    def rms(self) -> float:
        return float(self.signal.std())

    @property
    def peak(self) -> float:
        return float(np.abs(self.signal - self.signal.mean()).max())

    def events(self, length: int) -> list[int]:
        """Where events of a length begin, at random and apart."""
        at, found = LEAD_S * self.rate_hz, []
        while True:
            at += self.rng.uniform(_APART_S / 2, 1.5 * _APART_S) * self.rate_hz
            if at + length >= len(self.signal):
                return found
            found.append(int(at))
            at += length

    def onset(self) -> int:
        """Where a lasting change begins."""
        return int((LEAD_S + self.rng.uniform(0, 0.3)) * self.rate_hz)

    def done(self, signal: NDArray[np.floating], touched: object, least: int = 0) -> Injected:
        mask = np.zeros(len(signal), bool)
        if isinstance(touched, list):
            for begin, end in touched:
                mask[begin:end] = True
        else:
            mask[:] = touched
        return Injected(signal.astype(np.float32), mask, least or -(-self.window // 10))


def stuck(s: Scene, *, length: int) -> Injected:
    """The last value is held."""
    x, spans = s.signal.copy(), [(at, at + length) for at in s.events(length)]
    for begin, end in spans:
        x[begin:end] = x[begin - 1] or s.rms
    return s.done(x, spans, min(length, s.window // 10))


def zeros(s: Scene, *, length: int) -> Injected:
    """Lost samples are written as zeros."""
    x, spans = s.signal.copy(), [(at, at + length) for at in s.events(length)]
    for begin, end in spans:
        x[begin:end] = 0
    return s.done(x, spans, min(length, s.window // 10))


def dropout(s: Scene, *, length: int, dither: float, held: bool) -> Injected:
    """A constant with noise of ``dither`` RMS stands where signal should be."""
    x, spans = s.signal.copy(), [(at, at + length) for at in s.events(length)]
    for begin, end in spans:
        noise = dither * s.rms * s.rng.standard_normal(length)
        x[begin:end] = (x[begin - 1] if held else 0) + noise
    return s.done(x, spans)


def clipped(s: Scene, *, level: float, dither: float) -> Injected:
    """Cut off at ``level`` of the peak, with noise of ``dither`` of that on it."""
    x, begin, middle = s.signal.copy(), s.onset(), s.signal.mean()
    limit = level * s.peak
    about = x - middle
    over = np.abs(about) > limit
    over[:begin] = False
    noise = dither * limit * s.rng.standard_normal(len(x))
    x[over] = (middle + np.sign(about) * limit + noise)[over]
    return s.done(x, over)


def replayed(s: Scene, *, length: int, back: float) -> Injected:
    """A buffer is handed out again, ``back`` s late (0: at once)."""
    x = s.signal.copy()
    lag = max(length, round(back * s.rate_hz))
    spans = [(at, at + length) for at in s.events(length) if at >= lag]
    for begin, end in spans:
        x[begin:end] = x[begin - lag : end - lag]
    return s.done(x, spans)


def offset(s: Scene, *, step: float, in_rms: bool) -> Injected:
    """The mean steps by so much, and stays there."""
    x, begin = s.signal.astype(np.float64), s.onset()
    x[begin:] += s.rng.choice((-1, 1)) * step * (s.rms if in_rms else 1)
    return s.done(x, [(begin, len(x))])


def drift(s: Scene, *, amplitude: float, frequency: float) -> Injected:
    """A slow sine, touched where it is beyond the RMS."""
    x, begin = s.signal.astype(np.float64), s.onset()
    t = np.arange(len(x) - begin) / s.rate_hz
    slow = np.zeros(len(x))
    slow[begin:] = amplitude * s.rms * np.sin(2 * np.pi * frequency * t)
    return s.done(x + slow, np.abs(slow) > s.rms)


def gain(s: Scene, *, factor: float) -> Injected:
    """Another sensitivity from some moment on."""
    x, begin = s.signal.copy(), s.onset()
    x[begin:] *= factor
    return s.done(x, [(begin, len(x))])


def spike(s: Scene, *, size: float, width: int) -> Injected:
    """Samples at a value of ``size`` times the largest of the recording."""
    x, spans = s.signal.copy(), [(at, at + width) for at in s.events(width)]
    for begin, end in spans:
        x[begin:end] = s.rng.choice((-1, 1)) * size * s.peak
    return s.done(x, spans, 1)


def unplugged(s: Scene, *, offset: float, noise: float, hum: float, mains: float) -> Injected:
    """An open input: offset, noise and hum in place of the signal, all in units of the RMS."""
    x, begin = s.signal.astype(np.float64), s.onset()
    t = np.arange(len(x) - begin) / s.rate_hz
    tone = hum * (np.sin(2 * np.pi * mains * t) + 0.1 * np.sin(6 * np.pi * mains * t))
    x[begin:] = s.rms * (offset + tone + noise * s.rng.standard_normal(len(t)))
    return s.done(x, [(begin, len(x))])


def hum(s: Scene, *, power: float, mains: float) -> Injected:
    """A tone of the mains is added, of so many times the signal's power."""
    x, begin = s.signal.astype(np.float64), s.onset()
    t = np.arange(len(x) - begin) / s.rate_hz
    x[begin:] += np.sqrt(2 * power) * s.rms * np.sin(2 * np.pi * mains * t + s.rng.uniform(0, 6))
    return s.done(x, [(begin, len(x))])


def coarse(s: Scene, *, step: float) -> Injected:
    """Rounded to steps of so many RMS from some moment on."""
    x, begin = s.signal.astype(np.float64), s.onset()
    x[begin:] = np.rint(x[begin:] / (step * s.rms)) * step * s.rms
    return s.done(x, [(begin, len(x))])


def noise(s: Scene) -> Injected:
    """White noise of the same RMS in place of the signal: a broken amplifier."""
    x, begin = s.signal.astype(np.float64), s.onset()
    x[begin:] = s.rms * s.rng.standard_normal(len(x) - begin)
    return s.done(x, [(begin, len(x))])


def muffled(s: Scene, *, cutoff: float) -> Injected:
    """All above ``cutoff`` Hz is gone, the RMS as before: a sensor that came loose."""
    x, begin = s.signal.astype(np.float64), s.onset()
    rest = x[begin:] - x[begin:].mean()
    spectrum = np.fft.rfft(rest)
    spectrum[np.fft.rfftfreq(len(rest), 1 / s.rate_hz) > cutoff] = 0
    low = np.fft.irfft(spectrum, len(rest))
    x[begin:] = x[begin:].mean() + low * rest.std() / max(low.std(), 1e-12)
    return s.done(x, [(begin, len(x))])


def stuck_bit(s: Scene, *, bit: int) -> Injected:
    """One bit of a 16-bit converter, whose range is twice the peak, is always set."""
    x, begin = s.signal.copy(), s.onset()
    step = 4 * s.peak / 2**16
    codes = np.rint(x[begin:] / step).astype(np.int64)
    x[begin:] = (codes | (1 << bit)) * step
    return s.done(x, [(begin, len(x))])


def skipping(s: Scene) -> Injected:
    """Every other sample is lost: the signal runs at twice its speed."""
    begin = s.onset()
    x = np.concatenate([s.signal[:begin], s.signal[begin::2]])
    return s.done(x, [(begin, len(x))])


def wrapped(s: Scene, *, level: float) -> Injected:
    """Beyond ``level`` of the peak a number overflows: it goes on from the other end."""
    x, begin, middle = s.signal.astype(np.float64), s.onset(), s.signal.mean()
    limit = level * s.peak
    about = x[begin:] - middle
    over = np.zeros(len(x), bool)
    over[begin:] = np.abs(about) > limit
    x[over] = (middle + (about + limit) % (2 * limit) - limit)[over[begin:]]
    return s.done(x, over, 1)


def swapped(s: Scene) -> Injected:
    """Every two neighbours change places: words that are put together the wrong way round."""
    x, begin = s.signal.copy(), s.onset()
    end = begin + (len(x) - begin) // 2 * 2
    x[begin:end] = x[begin:end].reshape(-1, 2)[:, ::-1].reshape(-1)
    return s.done(x, [(begin, len(x))])


Injection = Callable[[Scene], Injected]
#: By type, then by size.
FAULTS: dict[str, dict[str, Injection]] = {
    "stuck value": {f"{n} samples": partial(stuck, length=n) for n in (16, 50, 110, 300, 1000)},
    "zeros": {f"{n} samples": partial(zeros, length=n) for n in (16, 110, 1000)},
    "dithered dropout": {
        f"{n} samples, dither {d:g} RMS, {'held' if h else 'at zero'}": partial(
            dropout, length=n, dither=d, held=h
        )
        for n, d, h in (
            (110, 1e-3, True), (300, 1e-3, False), (1000, 1e-3, True), (3000, 1e-4, False),
            (300, 1e-2, True), (1000, 1e-2, False), (3000, 1e-2, True),
        )
    },
    "clipping": {
        f"{v:g} of the peak, dither {d:g}": partial(clipped, level=v, dither=d)
        for v, d in (
            (0.1, 0), (0.1, 0.01), (0.1, 0.03), (0.2, 0.01), (0.3, 0), (0.3, 0.01), (0.4, 0),
        )
    },
    "replayed buffer": {
        f"{n} samples, {'at once' if not b else f'{b:g} s late'}": partial(
            replayed, length=n, back=b
        )
        for n, b in ((256, 0), (500, 0), (1024, 0), (4096, 0), (1000, 1))
    },
    "offset step": {
        "1 g": partial(offset, step=1.0, in_rms=False),
        "1 RMS": partial(offset, step=1.0, in_rms=True),
        "3 RMS": partial(offset, step=3.0, in_rms=True),
    },
    "drift": {
        f"{a:g} RMS at {f:g} Hz": partial(drift, amplitude=a, frequency=f)
        for a, f in ((3, 0.5), (10, 0.2), (5, 2))
    },
    "gain": {f"times {g:g}": partial(gain, factor=g) for g in (9.81, 0.5, 0.1, 1 / 9.81)},
    "spike": {
        f"{v:g} of the peak, {w} sample{'s' * (w > 1)}": partial(spike, size=v, width=w)
        for v, w in ((1.5, 1), (3, 1), (10, 1), (3, 3), (50, 1))
    },
    "unplugged": {
        "offset 3 RMS, noise 0.01": partial(unplugged, offset=3, noise=0.01, hum=0, mains=50),
        "noise 0.01 RMS": partial(unplugged, offset=0, noise=0.01, hum=0, mains=50),
        "hum 1 RMS at 50 Hz": partial(unplugged, offset=0, noise=0.003, hum=1, mains=50),
        "hum 3 RMS at 60 Hz": partial(unplugged, offset=0.5, noise=0.01, hum=3, mains=60),
    },
    "hum added": {
        f"{p:g} of the power at {m} Hz": partial(hum, power=p, mains=m)
        for p, m in ((3, 50), (10, 60), (100, 50))
    },
    "coarse levels": {f"steps of {q:g} RMS": partial(coarse, step=q) for q in (0.25, 0.5, 1, 2)},
    "other spectrum": {
        "white noise": noise,
        "nothing above 500 Hz": partial(muffled, cutoff=500.0),
    },
    # Invented after all limits and margins were frozen, and measured once.
    "later: stuck bit": {f"bit {b} of 16": partial(stuck_bit, bit=b) for b in (13, 11, 9)},
    "later: every other sample lost": {"all": skipping},
    # Invented later still, and never tuned for.
    "later: overflow": {f"beyond {v:g} of the peak": partial(wrapped, level=v) for v in (0.3, 0.6)},
    "later: neighbours swapped": {"all": swapped},
}  # fmt: skip
