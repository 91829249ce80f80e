"""Signals of a machine whose lines are known."""

import numpy as np

from dlrsd.runtime.dsp.order_map_config import Kinematics

RATE = 12000.0
K6205 = Kinematics(1772.0, 3.5848, 5.4152, 2.357, 0.3983)
K6203 = Kinematics(1796.0, 3.053, 4.947, 1.994, 0.382)


def turns(seconds=2.0, rpm=1772.0, rate=RATE):
    """Shaft angle in turns at every sample."""
    return np.arange(round(seconds * rate)) / rate * rpm / 60


def noise(seed=0, seconds=2.0, rate=RATE):
    return np.random.default_rng(seed).standard_normal(round(seconds * rate))


def shaft(angle, amplitude=0.5):
    """Unbalance and misalignment: five harmonics."""
    return sum(amplitude / k * np.cos(2 * np.pi * k * angle + k) for k in range(1, 6))


def strikes(angle, order, *, modulation=0.0, depth=1.0, slip=0.0, seed=1, resonance=3000.0):
    """A ringing impulse ``order`` times a turn, heights following ``modulation`` times a turn."""
    rng = np.random.default_rng(seed)
    count = int(order * angle[-1] * 1.1) + 2
    at = np.cumsum((1 + slip + 0.003 * rng.standard_normal(count)) / order)
    at = at[at < angle[-1]]
    height = np.ones(len(at))
    if modulation:
        height = 1 - depth / 2 + depth / 2 * np.cos(2 * np.pi * modulation * at)
    impulses = np.bincount(np.searchsorted(angle, at), height, minlength=len(angle))
    t = np.arange(120) / RATE
    ring = np.exp(-800 * t) * np.sin(2 * np.pi * resonance * t)
    return np.convolve(impulses, ring)[: len(angle)]


def faulty(place, kinematics=K6205, *, seconds=2.0, strength=3.0, seed=0, slip=0.004):
    """Noise, the shaft's lines and a fault at one place."""
    angle = turns(seconds, kinematics.speed_rpm)
    order, modulation = {
        "outer": (kinematics.bpfo, 0.0),
        "inner": (kinematics.bpfi, 1.0),
        "ball": (2 * kinematics.bsf, kinematics.ftf),
        "cage": (kinematics.ftf, 0.0),
    }[place]
    fault = strikes(angle, order, modulation=modulation, depth=0.8, slip=slip)
    strength *= 3 if place == "cage" else 1  # fewer strikes
    return noise(seed, seconds) + shaft(angle) + strength * fault
