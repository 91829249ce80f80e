"""A simulated bearing test rig, for trying things where there is no data.

The classical model of a localised bearing defect: each pass of a rolling element over the defect
strikes the structure once; the strikes follow the shaft with a little random slip, are modulated
by the load zone they pass through, and ring as decaying sinusoids at the structure's resonances.
Shaft harmonics and coloured noise are added.

McFadden and Smith, "Model for the vibration produced by a single point defect in a rolling
element bearing", J. Sound Vib. 96 (1984); Randall and Antoni, "Rolling element bearing
diagnostics: a tutorial", Mech. Syst. Signal Process. 25 (2011).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.training.data.vibration.recording import Recording

ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}  # SKF 6205

MODES_HZ = (1450.0, 2300.0, 3600.0)
DAMPING = 0.04
MOST_SAMPLES = (
    50_000_000  # of one recording, an hour at 12 kHz and more: some 4 GB while it is made
)


class _Fault(NamedTuple):
    strikes_per_turn: float
    modulation_order: float  # turns of the load zone per shaft turn; 0: stands in the load zone
    amplitude_g: float
    path: tuple[float, ...]  # how strongly a strike excites each mode


FAULTS = {
    # The outer race is fixed: its defect stays in the load zone, next to the sensor.
    "outer": _Fault(ORDERS["bpfo"], 0.0, 0.55, (0.5, 0.8, 1.0)),
    # An inner race defect passes the load zone once per turn, and rings through the balls.
    "inner": _Fault(ORDERS["bpfi"], 1.0, 0.75, (0.8, 1.0, 0.6)),
    # A ball strikes both races in every spin and is carried round by the cage.
    "ball": _Fault(2 * ORDERS["bsf"], ORDERS["ftf"], 0.5, (1.0, 0.7, 0.5)),
}
CLASSES = ("Normal", *FAULTS)


def simulate_rig(
    *,
    seed: int,
    seconds: float = 10.0,
    rate: float = 12000.0,
    loads: Sequence[float] = (0, 1, 2, 3),
    classes: Sequence[str] = CLASSES,
    n_bearings: int = 3,
    n_channels: int = 1,
    severity: float = 1.0,
) -> list[Recording]:
    """Simulate one recording of every class, bearing and load.

    Parameters
    ----------
    seed : fixes the rig (its transfer paths), the bearings and the noise.
    seconds : length of each recording, > 0.
    rate : in Hz, at least 8000.
    loads : motor loads in hp; the shaft turns at 1797 rpm without load and slower with it.
    classes : of "Normal", "outer", "inner", "ball".
    n_bearings : physical bearings of every class, each with a defect of its own size.
    n_channels : accelerometers, each with its own transfer path and noise.
    severity : strength of the defects, > 0; 1 is plain to see in the envelope spectrum.

    Returns
    -------
    list of Recording in g, `len(classes) * n_bearings * len(loads)` of them.
    """
    _check(seed, seconds, rate)
    for label in classes:
        _known(label)
    paths = _transfer_paths(seed, n_channels)
    recordings = []
    for label in classes:
        for bearing in range(n_bearings):
            bearing_id = f"{label}_{bearing + 1}"
            mounted = _Mounting(seed, bearing_id)
            for load in loads:
                recording_id = f"{bearing_id}_load{load:g}"
                signal = _vibration(
                    label,
                    rng=_rng(seed, recording_id),
                    paths=paths * mounted.gain,
                    n_samples=round(seconds * rate),
                    rate=rate,
                    load=load,
                    strength=severity * mounted.severity,
                )
                recordings.append(
                    Recording(
                        signal=signal,
                        rate=float(rate),
                        unit="g",
                        label=label,
                        recording_id=recording_id,
                        channels=tuple(f"A{k + 1}" for k in range(n_channels)),
                        fault="normal" if label == "Normal" else label,
                        bearing_id=bearing_id,
                        load=float(load),
                        speed_rpm=_speed_rpm(load),
                        fault_orders=dict(ORDERS),
                    )
                )
    return recordings


def simulate_stream(
    seed: int,
    seconds: float,
    fault: str,
    onset_s: float,
    *,
    rate: float = 12000.0,
    load: float = 1.0,
    n_channels: int = 1,
    severity: float = 1.0,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Simulate a machine that starts healthy and turns faulty.

    The rig is that of `simulate_rig` with the same seed, the bearing is one it did not record.

    Parameters
    ----------
    seed, rate, n_channels, severity : as for `simulate_rig`.
    seconds : length, > 0, at most 50 million samples.
    fault : of "outer", "inner", "ball"; "Normal" stays healthy.
    onset_s : when the defect begins to strike, in s, >= 0.
    load : motor load in hp.

    Returns
    -------
    samples : float32 array, shape (n_channels, seconds * rate), in g.
    facts : dtype, rate, channels, unit, speed_rpm and orders as a stream's sidecar states them.
    """
    _check(seed, seconds, rate)
    _known(fault)
    if not 0 <= onset_s < np.inf:
        raise InputError(f"got an onset at {onset_s:g} s: expected 0 s or later")
    mounted = _Mounting(seed, f"stream_{fault}")
    samples = _vibration(
        fault,
        rng=_rng(seed, "stream"),
        paths=_transfer_paths(seed, n_channels) * mounted.gain,
        n_samples=round(seconds * rate),
        rate=rate,
        load=load,
        strength=severity * mounted.severity,
        onset_s=onset_s,
    )
    facts = {"dtype": "f32le", "rate": float(rate), "channels": n_channels, "unit": "g"}
    facts |= {"speed_rpm": _speed_rpm(load), "orders": dict(ORDERS)}
    return samples, facts


def _check(seed: int, seconds: float, rate: float) -> None:
    if seed < 0:
        raise InputError(f"got seed = {seed}: expected 0 or more")
    if not 2.2 * MODES_HZ[-1] <= rate < np.inf:
        raise InputError(
            f"the rig rings up to {MODES_HZ[-1]:g} Hz: {rate:g} Hz is no rate for it, give at "
            "least 8000 Hz"
        )
    if not (0 < seconds < np.inf and 0 < round(seconds * rate) <= MOST_SAMPLES):
        raise InputError(
            f"got a length of {seconds:g} s: expected more than 0 s, and at most "
            f"{MOST_SAMPLES / rate:g} s at {rate:g} Hz"
        )


def _known(label: str) -> None:
    if label not in CLASSES:
        raise InputError(f"the rig cannot simulate {label!r}: it knows {', '.join(CLASSES)}")


def _rng(seed: int, name: str) -> np.random.Generator:
    """Numbers of their own for everything that has a name, whatever else is simulated."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


class _Mounting:
    """One bearing on the rig: its defect's size, and how well it sits."""

    def __init__(self, seed: int, name: str) -> None:
        rng = _rng(seed, name)
        self.severity = rng.uniform(0.7, 1.4)
        self.gain = rng.uniform(0.9, 1.1, len(MODES_HZ))


def _transfer_paths(seed: int, n_channels: int) -> np.ndarray:
    """Gain of every mode at every sensor, shape (channels, modes)."""
    return _rng(seed, "rig").uniform(0.6, 1.4, (n_channels, len(MODES_HZ)))


def _speed_rpm(load: float) -> float:
    return 1797.0 - 22.0 * float(load)


def _vibration(
    label: str,
    *,
    rng: np.random.Generator,
    paths: np.ndarray,
    n_samples: int,
    rate: float,
    load: float,
    strength: float,
    onset_s: float = 0.0,
) -> np.ndarray:
    signal_module = require("scipy.signal", extra="io", purpose="simulating a rig")
    turns = _shaft_turns(rng, n_samples, rate, _speed_rpm(load))
    modes = _mode_responses(rate)
    # Machine noise rings the same structure as the strikes do: a resonance alone is no fault.
    ambient = 0.012 * (1 + 0.1 * load) * rng.standard_normal(n_samples)
    rumble = signal_module.lfilter([0.08], [1, -0.92], rng.standard_normal(n_samples))
    harmonics = _shaft_harmonics(rng, turns)
    fault = FAULTS.get(label)
    if fault is not None:
        strikes = strength * (1 + 0.1 * load) * _strikes(rng, fault, turns, rate, onset_s)
    out = np.empty((len(paths), n_samples), dtype=np.float32)
    for channel, gains in enumerate(paths):
        ringing = signal_module.oaconvolve(ambient, gains @ modes)[:n_samples]
        if fault is not None:
            response = (gains * fault.path) @ modes
            ringing += signal_module.oaconvolve(strikes, response)[:n_samples]
        sensor = 0.02 * rng.standard_normal(n_samples)
        out[channel] = gains.mean() * harmonics + 0.05 * rumble + ringing + sensor
    return out


def _shaft_turns(
    rng: np.random.Generator, n_samples: int, rate: float, speed_rpm: float
) -> np.ndarray:
    """Shaft angle in turns at every sample; the speed wanders slowly by about 0.2 %."""
    knots = np.arange(0, n_samples + rate, rate / 2)
    wander = np.interp(np.arange(n_samples), knots, 0.002 * rng.standard_normal(len(knots)))
    return rng.uniform() + np.cumsum(speed_rpm / 60 / rate * (1 + wander))


def _shaft_harmonics(rng: np.random.Generator, turns: np.ndarray) -> np.ndarray:
    """Unbalance and misalignment: the first three harmonics of the shaft."""
    total = np.zeros(len(turns))
    for order, amplitude in ((1, 0.02), (2, 0.015), (3, 0.008)):
        phase = rng.uniform(0, 2 * np.pi)
        total += amplitude * rng.uniform(0.8, 1.2) * np.cos(2 * np.pi * order * turns + phase)
    return total


def _mode_responses(rate: float) -> np.ndarray:
    """Decaying sinusoids of unit amplitude, shape (modes, taps), over 20 ms."""
    t = np.arange(round(0.02 * rate)) / rate
    omega = 2 * np.pi * np.array(MODES_HZ)[:, None]
    return np.exp(-DAMPING * omega * t) * np.sin(omega * t)


def _strikes(
    rng: np.random.Generator, fault: _Fault, turns: np.ndarray, rate: float, onset_s: float
) -> np.ndarray:
    """Impulses at every passing of the defect, shape (n_samples,)."""
    n_samples = len(turns)
    # Randall and Antoni: the mean differs from the kinematic value by 1 to 2 %, and every
    # interval differs a little from the mean.
    spacing = (1 + rng.uniform(-0.01, 0.01)) / fault.strikes_per_turn
    count = int(1.1 * (turns[-1] - turns[0]) / spacing) + 10
    at_turn = turns[0] + np.cumsum(spacing * (1 + 0.01 * rng.standard_normal(count)))
    at_turn = at_turn[at_turn < turns[-1]]
    at_sample = np.interp(at_turn, turns, np.arange(n_samples))
    height = fault.amplitude_g * rng.normal(1, 0.1, len(at_turn))
    if fault.modulation_order:
        angle = 2 * np.pi * (fault.modulation_order * at_turn + rng.uniform())
        height *= ((1 + np.cos(angle)) / 2) ** 1.5  # Stribeck, loaded all round
    if fault is FAULTS["ball"]:
        height[1::2] *= 0.7  # the inner race is farther from the sensor than the outer
    height[at_sample < onset_s * rate] = 0
    first = at_sample.astype(np.int64)
    share = at_sample - first
    impulses = np.bincount(first, height * (1 - share), minlength=n_samples + 1)
    impulses += np.bincount(first + 1, height * share, minlength=n_samples + 1)
    return impulses[:n_samples]
