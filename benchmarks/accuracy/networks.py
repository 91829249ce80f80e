"""Which small network for the edge: accuracy on training-side windows beside multiply-adds.

    python -m benchmarks.accuracy.networks --root DATA

The balanced set of cwru10 `block` is made once for every seed, then each candidate is trained on it
as a run trains its classifier, and judged by windows of the training part that touch no drawn one.
The test part is never looked at; seeds are others than the reported ones.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks import machine
from dlrsd.training.evaluate.statistics import interval

# Filters, kernel sizes and strides of the convolutions; a mean over positions and a linear layer
# follow. The default network of a run is the one called "16-32-64".
CANDIDATES = {
    "8-16-32": ((8, 16, 32), (5, 3, 3), (2, 2, 2)),
    "8-24-48": ((8, 24, 48), (5, 3, 3), (2, 2, 2)),
    "16-24-48": ((16, 24, 48), (5, 3, 3), (2, 2, 2)),
    "8-32-64": ((8, 32, 64), (5, 3, 3), (2, 2, 2)),
    "16-32-64": ((16, 32, 64), (5, 3, 3), (2, 2, 2)),
    "16-24-32-48": ((16, 24, 32, 48), (5, 3, 3, 3), (2, 2, 1, 2)),
    "32-48-64-96": ((32, 48, 64, 96), (5, 3, 3, 3), (2, 2, 1, 2)),
}


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--root", required=True, help="folder of the data sets")
    parser.add_argument("--balance", type=float, default=400)
    parser.add_argument("--seeds", default="100-103", help="first-last")
    a = parser.parse_args()
    seeds = machine.seed_range(a.seeds)[: 1 if a.quick else None]
    jobs = [(a.root, a.balance, seed, 1 if a.quick else None) for seed in seeds]
    with ProcessPoolExecutor(machine.usable_cores()) as pool:
        found = list(pool.map(_search, *zip(*jobs, strict=True)))
    rows = [
        {
            "network": name,
            "multiply_adds": _multiply_adds(name),
            "accuracy": float(np.mean([seed[name]["accuracy"] for seed in found])),
            "half_width": interval([seed[name]["accuracy"] for seed in found])[1],
            "worst_recall": float(np.mean([seed[name]["worst_recall"] for seed in found])),
        }
        for name in CANDIDATES
    ]
    machine.show(
        f"cwru10 block 1:{a.balance:g}, undrawn training windows, seeds {a.seeds}",
        ["network", "multiply-adds", "accuracy", "half width", "worst recall"],
        [
            [r["network"], f"{r['multiply_adds']:,}", f"{r['accuracy']:.4f}",
             f"{r['half_width'] or 0:.4f}", f"{r['worst_recall']:.3f}"]
            for r in rows
        ],
    )  # fmt: skip
    machine.save("networks", {"part": "dev", "seeds": seeds, "rows": rows}, folder=a.out)


def undrawn(data: Any, *, hop: int | None = None) -> Any:
    """Windows of the training part that touch no drawn one, as a ``WindowIndex``.

    Parameters
    ----------
    data : dlrsd.training.data.vibration.prepared.Prepared
    hop : int, optional
        Half the samples from window to window; the settings' own by default.
    """
    index = data.train_index(hop=2 * (hop or data.hop))
    keep = np.ones(len(index), dtype=bool)
    for r in np.unique(index.recording):
        rows = np.flatnonzero(index.recording == r)
        if data.classes[index.label[rows[0]]] == data.normal:
            continue  # 2000 draws touch every window of it
        drawn = data.drawn.start[data.drawn.recording == r]
        gap = np.abs(index.start[rows, None] - drawn[None, :]).min(axis=1, initial=1 << 30)
        keep[rows] = gap >= data.window
    return type(index)(index.recording[keep], index.start[keep], index.label[keep])


def _search(
    root: str, balance: float, seed: int, epochs: int | None
) -> dict[str, dict[str, float]]:
    import torch
    from msgspec.structs import replace
    from sklearn.metrics import recall_score

    from dlrsd.training.fitting.classifier import predict, train_classifier
    from dlrsd.training.kinds.vibration import line
    from dlrsd.training.kinds.vibration.settings import Settings, Training

    torch.set_num_threads(1)
    training = Training()
    if epochs:
        generator, classifier = training.generator, training.classifier
        training = replace(
            training,
            generator=replace(generator, epochs=epochs),
            classifier=replace(classifier, epochs=epochs),
        )
    settings = Settings(
        "cwru12k", root=root, task="cwru10", balance=balance, seed=seed, training=training
    )
    data = line.prepare(settings)
    materials = line.materials_for("dlrsd-smote", settings, data)
    index = undrawn(data)
    heatmaps = materials.frontend.of(data, index)
    balanced = line.balance(settings, "dlrsd-smote", materials)
    found = {}
    for name in CANDIDATES:
        torch.manual_seed(seed)
        network = _network(name, n_classes=len(data.classes))
        train_classifier(
            network,
            balanced.pools,
            materials.validation,
            schedule=training.classifier,
            seed=seed,
        )
        label = predict(network, heatmaps)[0].argmax(axis=1)
        recall = recall_score(index.label, label, average=None)
        found[name] = {
            "accuracy": float((label == index.label).mean()),
            "worst_recall": float(recall.min()),
        }
    return found


def _network(name: str, *, n_classes: int) -> Any:
    from torch import nn

    from dlrsd.training.models.classifier import Classifier
    from dlrsd.training.models.seaformer import ConvNorm

    layers: list[nn.Module] = []
    c_in = 1
    for c_out, kernel, stride in zip(*CANDIDATES[name], strict=True):
        layers += [ConvNorm(c_in, c_out, kernel, stride=stride), nn.ReLU()]
        c_in = c_out
    features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(features, c_in, n_classes, dropout=0.2)


def _multiply_adds(name: str) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        _network(name, n_classes=10).eval()(torch.zeros(1, 1, 32, 32))
    return counter.get_total_flops() // 2


if __name__ == "__main__":
    machine.run(main)
