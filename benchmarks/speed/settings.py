"""Which settings of ONNX Runtime suit the CPU: each against what the runtime's engine does.

    python -m benchmarks.speed.settings --bundle cwru-6205

Batch 1 and 64, one thread unless said, taking turns in one process. A ratio is a setting's time
over the engine's; above 1 the engine is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

from benchmarks import machine
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.engine import GRAPH_FILES, Output
from dlrsd.runtime.engines.opening import open_engine


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    engine = open_engine(bundle, engine="onnxruntime", device="cpu", precision="fp32", threads=1)
    graph = bundle.graph(GRAPH_FILES["fp32"])
    shape = (64, bundle.channels, bundle.window)
    windows = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    extended = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    sessions = {
        "plain run": _session(graph),
        "two threads in the graph": _session(graph, intra_op_num_threads=2),
        "optimisation level extended": _session(graph, graph_optimization_level=extended),
        "no memory pattern": _session(graph, enable_mem_pattern=False),
        "no arena": _session(graph, enable_cpu_mem_arena=False),
        "denormals as zero": _session(graph, entries={"session.set_denormal_as_zero": "1"}),
    }
    rows = []
    for batch in (1, 64):
        x = windows[:batch]
        ways: dict[str, Callable[[], object]] = {"engine": lambda x=x: engine.run(x)}
        for name, session in sessions.items():
            ways[name] = lambda s=session, x=x: s.run(list(Output._fields), {"waveform": x})
        took = machine.alternate(ways, rounds=2 if a.quick else 15)
        rows += [
            {"batch": batch, "setting": name, **machine.ratios(took[name], took["engine"])}
            for name in sessions
        ]
    machine.show(
        "time over the engine's",
        ("setting", "batch", "ratio", "lowest", "highest"),
        [
            (r["setting"], r["batch"], *(f"{r[key]:.2f}" for key in ("median", "min", "max")))
            for r in rows
        ],
    )
    print(machine.save("settings", {"bundle": bundle.name, "rows": rows}, a.out))


def _session(graph: bytes, entries: dict[str, str] | None = None, **settings: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for name, value in settings.items():
        setattr(options, name, value)
    for name, value in (entries or {}).items():
        options.add_session_config_entry(name, value)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
