"""From window to diagnosis: the chain of a follower of the published code, PyWavelets', and ours.

    python -m benchmarks.speed.chains --bundle cwru-6205

``reference_chain``: ``pywt.cwt`` with 128 scales, a contour figure to PNG, read back grey at 32 x
32, VGG16 in torch. ``pywt_chain``: ``pywt.cwt`` averaged to 32 x 32, then the bundle's own
network in ONNX Runtime; ``pywt_fft_chain``: the same with one FFT for all windows, PyWavelets'
fastest way. Ours: the bundle's fused graph. One thread, the same windows, taking turns in one
process. The scales span the bundle's own frequencies, which is cheaper for PyWavelets than the
usual ones, and VGG16 is not trained, which changes no time.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.speed import halves
from dlrsd.runtime.bench.windows import synthetic_windows
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.opening import open_engine

WAVELET = "cmor{bandwidth}-{center}"
N_SCALES = 128
SIDE = 32  # of the picture that the reference chain's network takes
TARGETS = {"reference_chain": 300, "pywt_chain": 50, "pywt_fft_chain": None}
Chain = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    ours = open_engine(bundle, engine="onnxruntime", device="cpu", precision="fp32", threads=1)
    chains: dict[str, Chain] = {
        "reference_chain": reference_chain(bundle),
        "pywt_chain": pywt_chain(bundle, "conv"),
        "pywt_fft_chain": pywt_chain(bundle, "fft"),
        "ours": lambda x: ours.run(x).probabilities,
    }
    windows = synthetic_windows(bundle, 64)
    result: dict[str, Any] = {"bundle": bundle.name, "threads": 1, "targets": TARGETS}
    rows = []
    with machine.one_thread():
        for batch, rounds in ((2, 2),) if a.quick else ((1, 11), (64, 5)):
            x = windows[:batch]
            took = machine.alternate(
                {name: lambda c=chain, x=x: c(x) for name, chain in chains.items()}, rounds=rounds
            )
            result[f"batch_{batch}"] = {
                "us_per_window": {
                    name: machine.spread([s / batch * 1e6 for s in seconds])
                    for name, seconds in took.items()
                },
                "times_faster": {
                    name: machine.ratios(took[name], took["ours"]) for name in TARGETS
                },
            }
            rows += [_row(batch, name, result[f"batch_{batch}"]) for name in chains]
        labels = [chains[name](windows).argmax(axis=1) for name in ("pywt_chain", "ours")]
    result["pywt_chain_has_our_label"] = float(np.mean(labels[0] == labels[1]))
    machine.show(
        "waveform to diagnosis, one thread",
        ("chain", "batch", "us a window", "ours faster", "from, to", "target"),
        rows,
    )
    print(machine.save("chains", result, a.out))


def reference_chain(bundle: Bundle) -> Chain:
    """Windows to probabilities as the published code is followed, one window at a time."""
    import matplotlib

    matplotlib.use("Agg")
    import torch
    from matplotlib import pyplot as plt
    from PIL import Image

    from dlrsd.training.models.classifiers import make_classifier

    name, scales = wavelet(bundle)
    torch.manual_seed(0)
    model = make_classifier("vgg16", channels=1, n_classes=len(bundle.classes)).eval()
    t = np.arange(bundle.window) / bundle.rate_hz

    def picture(window: NDArray[np.float32]) -> NDArray[np.float32]:
        coefficients, frequencies = pywt.cwt(window, scales, name, 1 / bundle.rate_hz)
        figure = plt.figure()
        plt.contourf(t, frequencies, np.abs(coefficients))
        plt.axis("off")
        file = io.BytesIO()
        plt.savefig(file, format="png")
        plt.close(figure)
        grey = Image.open(file).convert("L").resize((SIDE, SIDE))
        return np.asarray(grey, np.float32)[None] / 255

    def run(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        pictures = np.stack([picture(window[0]) for window in windows])
        with torch.inference_mode():
            return torch.softmax(model(torch.from_numpy(pictures))[0], dim=1).numpy()

    return run


def pywt_chain(bundle: Bundle, method: str) -> Chain:
    """Windows to probabilities with PyWavelets' scalogram before the bundle's own network."""
    network = halves.network(bundle)
    facts = machine.scalogram_of(bundle)
    mean, std = (np.asarray(getattr(facts, key), np.float32)[:, None] for key in ("mean", "std"))

    def run(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        heatmaps = np.log(pywt_scalogram(windows, bundle, method) + np.float32(facts.eps))
        return network((heatmaps - mean) / std)

    return run


def pywt_scalogram(
    windows: NDArray[np.float32], bundle: Bundle, method: str
) -> NDArray[np.float32]:
    """(n, channels, window) -> (n, channels, F, T): 128 scales averaged to the bundle's heatmap.

    PyWavelets takes window by window as by default ("conv"), or all in one call ("fft").
    """
    name, scales = wavelet(bundle)
    if method == "conv" and len(windows) > 1:
        return np.concatenate([pywt_scalogram(w[None], bundle, method) for w in windows])
    coefficients, _ = pywt.cwt(windows, scales, name, method=method, axis=-1)
    return average(np.abs(np.moveaxis(coefficients, 0, -2)), bundle)


def wavelet(bundle: Bundle) -> tuple[str, NDArray[np.float64]]:
    """PyWavelets' name of the bundle's wavelet, and 128 log-spaced scales, the largest first."""
    facts = machine.scalogram_of(bundle)
    frequencies = np.geomspace(facts.f_min_hz, facts.f_max_hz, N_SCALES)
    name = WAVELET.format(bandwidth=facts.bandwidth, center=facts.center)
    return name, facts.center * bundle.rate_hz / frequencies


def average(magnitude: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
    """(..., scales, window) -> (..., F, T), means over neighbours."""
    facts = machine.scalogram_of(bundle)
    rows, columns = facts.n_frequencies, facts.n_blocks
    *leading, n_scales, window = magnitude.shape
    parts = magnitude.reshape(*leading, rows, n_scales // rows, columns, window // columns)
    return parts.mean(axis=(-3, -1))


def _row(batch: int, name: str, figures: dict[str, Any]) -> tuple[object, ...]:
    us = f"{figures['us_per_window'][name]['median']:,.1f}"
    if name not in TARGETS:
        return name, batch, us, "", "", ""
    times = figures["times_faster"][name]
    return (
        name, batch, us, f"{times['median']:,.0f} x", f"{times['min']:,.0f}, {times['max']:,.0f}",
        f"{TARGETS[name]} x" if TARGETS[name] else "",
    )  # fmt: skip


if __name__ == "__main__":
    main()
