"""Time and memory to read one simulated plant of real size: 3 years, 12 components, 9 zones.

    python -m benchmarks.speed.plant_loader

The plant is written in the published layout once; each round reads it in a process of its own, as
`dlrsd-train inspect` does. Memory is the most that process ever held.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from dlrsd.training.data.plants.rig import simulate_plants, write_plants

COMPONENTS, ZONES, YEARS = 12, 9, 3.0
READ = """
import json, sys, time
from pathlib import Path
from dlrsd.training.data.plants.plants import load_plants
began = time.perf_counter()
(plant,) = load_plants(sys.argv[1])
seconds = time.perf_counter() - began
status = Path("/proc/self/status")
peak = status.read_text().split("VmHWM:")[1].split()[0] if status.is_file() else 0
print(json.dumps([seconds, int(peak) / 1024, *plant.signal.shape, plant.report["rows"]]))
"""


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = _run(Path(folder), 0.05 if a.quick else YEARS, 1 if a.quick else a.rounds)
    print(json.dumps(result, indent=1))
    machine.save("plant_loader", result, a.out)


def _run(folder: Path, years: float, rounds: int) -> dict[str, Any]:
    plants = simulate_plants(seed=0, n_plants=1, years=years, components=COMPONENTS, zones=ZONES)
    write_plants(plants, folder)
    command = [sys.executable, "-c", READ, str(folder)]
    read = [json.loads(subprocess.check_output(command, text=True)) for _ in range(rounds)]
    seconds, peaks = ([one[k] for one in read] for k in (0, 1))
    _, _, channels, samples, rows = read[0]
    return {
        "plant": "simulated",
        "years": years,
        "channels": channels,
        "samples": samples,
        "rows": rows,
        "megabytes": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1),
        "seconds": machine.spread(seconds),
        "peak_mb": machine.spread(peaks),
    }


if __name__ == "__main__":
    machine.run(main)
