"""Write the quality limits of a ready bundle anew, from the training windows its manifest names.

    python -m benchmarks.accuracy.ready_limits --root DATA

Its windows are drawn as they were when it was trained: data set, task, protocol, seed, ratio and
counts stand in the manifest. Only ``quality`` in ``manifest.json`` changes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.bundle.bundle import SHIPPED, load_bundle
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.runtime.dsp.quality import QualityLimits
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", required=True, help="folder of the data sets")
    parser.add_argument("--bundle", type=Path, default=SHIPPED / "cwru-6205")
    a = parser.parse_args()
    manifest = load_bundle(a.bundle).manifest
    if not isinstance(manifest, WindowManifest):
        raise InputError(f"{a.bundle} is no bundle of windows: it has no quality limits")
    place = a.bundle / "manifest.json"
    values = json.loads(place.read_bytes())
    values["quality"] = limits_of(manifest, a.root).asdict()
    place.write_text(json_text(values, indent=1))
    print(f"{place}: quality limits of {sum(manifest.training.window_counts['train'].values())}")


def limits_of(manifest: WindowManifest, root: str) -> QualityLimits:
    """Of the training windows of a manifest, drawn once more."""
    training, signal = manifest.training, manifest.signal
    counts = training.window_counts["train"]
    settings = Settings(
        data=training.dataset,
        root=root,
        task=training.task,
        protocol=training.protocol,
        balance=training.balance_ratio,
        n_normal=counts[manifest.normal_class or max(counts, key=counts.__getitem__)],
        seed=training.seed,
        rate=signal.rate_hz,
        window=signal.window,
        hop=signal.hop,
    )
    data = line.prepare(settings)
    if (drawn := counts_by_class(data.drawn, data.classes)) != counts:
        raise InputError(f"drew {drawn}, the manifest says {counts}: is this the same data?")
    return data.limits


if __name__ == "__main__":
    main()
