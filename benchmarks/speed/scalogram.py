"""Scalograms of 32 x 32 in batches: ours, PyWavelets', ssqueezepy's, and the arithmetic floor.

    python -m benchmarks.speed.scalogram --bundle cwru-6205

Ours: the runtime's array code on NumPy, and the front end of the exported graph in ONNX Runtime
(which also takes the logarithm and standardises). PyWavelets and ssqueezepy (``pip install
ssqueezepy``): the same wavelet at 128 scales over the same frequencies, averaged to 32 x 32.
PyWavelets is called window by window, as by default, and with one FFT for 64 windows; ssqueezepy
for 64 windows (of more both are slower). The floor: the multiply-adds of our filters at the rate
that one thread reaches in a large float32 matrix product. One thread, the same windows, taking
turns in one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.speed import chains, halves
from dlrsd.runtime.bench.windows import synthetic_windows
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.dsp.filter_bank import multiply_adds
from dlrsd.runtime.dsp.scalogram import scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

FLOOR = "floor"
OURS = ("numpy", "graph")
TARGETS = {"pywt": 100, "pywt fft": None, "ssqueezepy": 10}
WITHIN = 3  # times the floor
SIZE = 768  # of the matrices that give the floor's rate
Way = tuple[Callable[[], object], int]  # and the windows of a call


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    parser.add_argument("--windows", type=int, default=256, help="per call")
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    x = synthetic_windows(bundle, 2 if a.quick else a.windows)
    config = machine.scalogram_config(bundle)
    ways, skipped = _ways(x, bundle, config)
    with machine.one_thread():
        took = machine.alternate(
            {name: call for name, (call, _) in ways.items()}, rounds=1 if a.quick else 7
        )
    per_window = {name: [s / ways[name][1] for s in seconds] for name, seconds in took.items()}
    # The product of matrices turns into the time that the filters' multiply-adds would take.
    work = multiply_adds(config)
    per_window[FLOOR] = [s * work / SIZE**3 for s in took[FLOOR]]
    result: dict[str, Any] = {
        "bundle": bundle.name,
        "threads": 1,
        "windows_per_call": {name: n for name, (_, n) in ways.items() if name != FLOOR},
        "multiply_adds": work,
        "us_per_window": {
            name: machine.spread([s * 1e6 for s in seconds]) for name, seconds in per_window.items()
        },
        "times_faster": {
            f"{ours} than {name}": machine.ratios(per_window[name], per_window[ours])
            for ours in OURS
            for name in TARGETS
            if name in per_window
        },
        "times_the_floor": {
            ours: machine.ratios(per_window[ours], per_window[FLOOR]) for ours in OURS
        },
        "targets": {**TARGETS, "times_the_floor": WITHIN},
        "skipped": skipped,
    }
    _show(result)
    print(machine.save("scalogram", result, a.out))


def _ways(
    x: NDArray[np.float32], bundle: Bundle, config: ScalogramConfig
) -> tuple[dict[str, Way], dict[str, str]]:
    front_end = halves.front_end(bundle)
    a, b = np.random.default_rng(0).standard_normal((2, SIZE, SIZE), dtype=np.float32)
    few, some = x[:4], x[:64]
    ways: dict[str, Way] = {
        FLOOR: (lambda: a @ b, 1),
        "numpy": (lambda: scalogram(x, config), len(x)),
        "graph": (lambda: front_end(x), len(x)),
        "pywt": (lambda: chains.pywt_scalogram(few, bundle, "conv"), len(few)),
        "pywt fft": (lambda: chains.pywt_scalogram(some, bundle, "fft"), len(some)),
    }
    try:
        ways["ssqueezepy"] = (_ssqueezepy(some, bundle), len(some))
    except ImportError as error:
        return ways, {"ssqueezepy": f"cannot be imported: {error}"}
    return ways, {}


def _ssqueezepy(x: NDArray[np.float32], bundle: Bundle) -> Callable[[], object]:
    """Its Morlet exp(-t^2 / 2) exp(i mu t) is PyWavelets' with time stretched by sqrt(B / 2)."""
    os.environ["SSQ_PARALLEL"] = "0"  # else it takes every core
    import ssqueezepy

    facts = machine.scalogram_of(bundle)
    stretch = np.sqrt(facts.bandwidth / 2)
    wavelet = ssqueezepy.Wavelet(("morlet", {"mu": float(2 * np.pi * facts.center * stretch)}))
    _, scales = chains.wavelet(bundle)
    ascending = (stretch * scales[::-1]).astype(np.float32)
    flat = x.reshape(-1, bundle.window)

    def run() -> NDArray[np.float32]:
        found = ssqueezepy.cwt(flat, wavelet, scales=ascending, padtype="zero")[0]
        return chains.average(np.abs(found[..., ::-1, :]), bundle)

    return run


def _show(result: dict[str, Any]) -> None:
    faster, floor = result["times_faster"], result["times_the_floor"]

    def ratio(key: str) -> str:
        return f"{faster[key]['median']:,.0f} x" if key in faster else ""

    rows = [
        (
            name, f"{took['median']:,.1f}", ratio(f"numpy than {name}"),
            ratio(f"graph than {name}"), f"{TARGETS[name]} x" if TARGETS.get(name) else "",
            f"{floor[name]['median']:.1f}" if name in floor else "",
        )
        for name, took in result["us_per_window"].items()
    ]  # fmt: skip
    machine.show(
        f"scalogram in batches, one thread, {result['multiply_adds'] / 1e6:.2f} M multiply-adds",
        ("way", "us a window", "numpy faster", "graph faster", "target", "times floor"),
        rows,
    )
    for name, reason in result["skipped"].items():
        print(f"skipped {name}: {reason}")


if __name__ == "__main__":
    main()
