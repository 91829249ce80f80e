"""What the plots of a machine show, computed when a browser asks: spectra, waterfall, scalogram."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.fault_lines import BLOCK_ORDERS
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics
from dlrsd.runtime.dsp.places import HARMONICS, OWN_ORDERS, find
from dlrsd.runtime.dsp.scalogram import scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.runtime.dsp.shaft_speed import TOLERANCE, shaft_speed
from dlrsd.runtime.evidence.lines import SIGNIFICANT, bearing_lines
from dlrsd.runtime.service.page.live import SignalNow

POINTS = 1400  # of a curve: more cannot be seen
_SECONDS = 4.0  # of the newest signal
_LEAST_S = 1.0
_WINDOW_S = 2.0
_ROW_S, _COLUMNS = 0.25, 320
_FLOOR_DB, _STEP_DB = -120.0, 2 / 3  # a byte reaches from -120 to 50 dB over 1 m/s2
_DEEPEST_DB = 40.0  # below the scalogram's highest
_NO_BEARING_HZ = 1000.0

Array = NDArray[np.float64]


class Mark(Struct, frozen=True, kw_only=True):
    """A line of a spectrum."""

    name: str
    place: str
    hz: float
    level_db: float | None = None
    seen: bool = False
    shaft: int | None = None


class Curve(Struct, frozen=True, kw_only=True):
    """A spectrum: the highest bin of every column."""

    hz: list[float]
    level: list[float]
    unit: str
    start: float
    bin_hz: float
    marks: list[Mark]
    speed_rpm: float | None = None
    place: str | None = None
    note: str | None = None


class Heat(Struct, frozen=True, kw_only=True):
    """Bytes of rows x columns: 0 is ``low_db``, each step ``step_db`` more."""

    rows: int
    columns: int
    low_db: float
    step_db: float
    start: float
    seconds: Annotated[float, Meta(description="From the first row's or column's start to the end")]
    lowest_hz: float
    highest_hz: float
    strongest_hz: float
    data: bytes


def spectrum(signal: SignalNow) -> Curve:
    """RMS amplitude of the lines, m/s2, mean over Hann windows of two seconds."""
    x = _newest(signal)
    size = min(len(x), round(_WINDOW_S * signal.rate_hz))
    power = _powers(x, size, size // 2).mean(axis=0)
    bin_hz = signal.rate_hz / size
    hz, level = _columns(np.sqrt(power), bin_hz)
    turn = (signal.speed_rpm or 0) / 60
    marks = [
        Mark(name=f"shaft {k}x", place="shaft", hz=k * turn)
        for k in range(1, 6)
        if 0 < k * turn < hz[-1]
    ]
    return Curve(
        hz=_rounded(hz, 2),
        level=[float(f"{a:.4g}") for a in level.tolist()],
        unit="m/s² RMS",
        start=signal.start,
        bin_hz=bin_hz,
        marks=marks,
        speed_rpm=signal.speed_rpm,
    )


def envelope(signal: SignalNow) -> Curve:
    """The prewhitened envelope's spectrum, dB over its surroundings, with the bearing's lines."""
    x = _newest(signal).astype(np.float64)
    rate = signal.rate_hz
    note = None
    try:
        kinematics = _kinematics(signal)
    except InputError as error:
        kinematics, note = None, str(error)
    marks: list[Mark] = []
    rpm = signal.speed_rpm
    if kinematics is None:
        highest = min(_NO_BEARING_HZ, rate / 8)
        found = envelope_spectrum(x, rate, highest, highest / 50)
        note = note or "Speed or bearing is not known: no lines are marked."
    else:
        turn = kinematics.speed_rpm / 60
        highest = min((HARMONICS * kinematics.bpfi + 2) * (1 + TOLERANCE) * turn, rate / 8)
        own = signal_spectrum(x, rate, OWN_ORDERS * turn, BLOCK_ORDERS * turn)
        found = envelope_spectrum(x, rate, highest, BLOCK_ORDERS * turn)
        speed = shaft_speed(own, found, turn)
        rpm = 60 * speed.hz
        combs = list(find(found, speed, kinematics).values())
        marks = [
            Mark(
                name=line.name,
                place=line.place,
                hz=round(line.hz, 2),
                level_db=round(line.level_db, 1),
                seen=line.probability < SIGNIFICANT and line.shaft is None,
                shaft=line.shaft,
            )
            for line in bearing_lines(found, speed, combs)
        ]
    hz, level = _columns(10 * np.log10(np.maximum(found.excess, 1e-3)), found.bin_hz)
    return Curve(
        hz=_rounded(hz, 2),
        level=_rounded(level, 2),
        unit="dB over surroundings",
        start=signal.start,
        bin_hz=found.bin_hz,
        marks=marks,
        speed_rpm=None if rpm is None else round(rpm, 1),
        place=signal.place,
        note=note,
    )


def waterfall(signal: SignalNow) -> Heat:
    """A row for every quarter of a second: the signal's spectrum, dB over 1 m/s2."""
    rate = signal.rate_hz
    size = round(_ROW_S * rate)
    # Rows begin on multiples of their length since 1970, so that those of two answers fit together.
    first = int(-(-signal.start // _ROW_S))
    skipped = round((first * _ROW_S - signal.start) * rate)
    x = signal.samples[max(0, skipped) :]
    if size < 2 * _COLUMNS or len(x) < size:
        raise InputError("there is not yet enough signal for a waterfall: wait a second")
    powers = _powers(x, size, size)
    grouped = [part.max(axis=1) for part in np.array_split(powers[:, 1:], _COLUMNS, axis=1)]
    rows = np.stack(grouped, axis=1)
    return _heat(
        10 * np.log10(np.maximum(rows, 1e-12)),
        _FLOOR_DB,
        _STEP_DB,
        (first * _ROW_S, len(rows) * _ROW_S),
        (np.arange(_COLUMNS) + 0.5) * rate / 2 / _COLUMNS,
    )


def last_scalogram(signal: SignalNow) -> Heat:
    """Of the last window of 85 ms; rows are frequencies, lowest first, columns time."""
    n_blocks = 64
    window = max(1, round(0.0853 * signal.rate_hz / n_blocks)) * n_blocks
    if len(signal.samples) < window:
        raise InputError("there is not yet enough signal for a scalogram: wait a second")
    config = ScalogramConfig(
        rate_hz=signal.rate_hz,
        window=window,
        n_frequencies=48,
        n_blocks=n_blocks,
        f_min_hz=min(100.0, signal.rate_hz / 16),
    )
    magnitude = scalogram(signal.samples[-window:].astype(np.float32), config)
    levels = 20 * np.log10(np.maximum(magnitude.astype(np.float64), 1e-12))
    low = float(levels.max()) - _DEEPEST_DB
    start = signal.start + (len(signal.samples) - window) / signal.rate_hz
    return _heat(
        levels,
        low,
        _DEEPEST_DB / 255,
        (start, window / signal.rate_hz),
        config.frequencies,
        frequency_axis=0,
    )


PICTURES = {
    "spectrum": spectrum,
    "envelope": envelope,
    "waterfall": waterfall,
    "scalogram": last_scalogram,
}


def _newest(signal: SignalNow) -> NDArray[np.float32]:
    if len(signal.samples) < _LEAST_S * signal.rate_hz:
        raise InputError("there is not yet enough signal for a spectrum: wait a second")
    return signal.samples[-round(_SECONDS * signal.rate_hz) :]


def _kinematics(signal: SignalNow) -> Kinematics | None:
    orders = signal.orders or {}
    if not signal.speed_rpm or any(name not in orders for name in ORDERS):
        return None
    return Kinematics(signal.speed_rpm, *(orders[name] for name in ORDERS))


def _powers(x: NDArray[np.float32], size: int, hop: int) -> Array:
    """Mean square of the lines, shape (windows, bins): a sine's in its bin is its mean square."""
    windows = np.lib.stride_tricks.sliding_window_view(x, size)[::hop].astype(np.float64)
    hann = np.hanning(size)
    transform = np.fft.rfft((windows - windows.mean(axis=1, keepdims=True)) * hann, axis=1)
    power: Array = 2 * (transform.real**2 + transform.imag**2) / hann.sum() ** 2
    return power


def _columns(level: Array, bin_hz: float) -> tuple[Array, Array]:
    """The highest bin of every column, and where it stands."""
    size = max(1, len(level) // POINTS)
    columns = level[1 : 1 + (len(level) - 1) // size * size].reshape(-1, size)
    at = np.arange(len(columns)) * size + columns.argmax(axis=1)
    return (1 + at) * bin_hz, level[1 + at]


def _heat(
    levels: Array,
    low_db: float,
    step_db: float,
    time: tuple[float, float],
    hz: Array,
    *,
    frequency_axis: int = 1,
) -> Heat:
    steps = np.clip(np.rint((levels - low_db) / step_db), 0, 255).astype(np.uint8)
    mean = (10 ** (levels / 10)).mean(axis=1 - frequency_axis)
    return Heat(
        rows=steps.shape[0],
        columns=steps.shape[1],
        low_db=low_db,
        step_db=step_db,
        start=time[0],
        seconds=time[1],
        lowest_hz=float(hz[0]),
        highest_hz=float(hz[-1]),
        strongest_hz=round(float(hz[int(mean.argmax())]), 1),
        data=steps.tobytes(),
    )


def _rounded(values: Array, digits: int) -> list[float]:
    rounded: list[float] = np.round(values, digits).tolist()
    return rounded
