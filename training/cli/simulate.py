"""The command ``dlrsd-train simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.files import require_place, write_atomic
from dlrsd.runtime.base.formats import json_text
from dlrsd.training.cli.choices import Fault


def simulate(
    output: Annotated[
        Path, typer.Argument(help="Raw file to write; NAME.json beside it says its format.")
    ],
    fault: Annotated[
        Fault, typer.Option(help="Fault that begins; Normal stays healthy.")
    ] = Fault.outer,
    seconds: Annotated[float, typer.Option(help="Length of the recording in seconds.")] = 60.0,
    onset: Annotated[float, typer.Option(help="Second at which the fault begins.")] = 30.0,
    seed: Annotated[
        int, typer.Option(help="Number that the noise and the rig's details follow from.")
    ] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there by these names.")
    ] = False,
) -> None:
    """Write a stream of the simulated rig that begins healthy and turns faulty."""
    # Imported here: `--help` shall answer at once.
    from dlrsd.training.data.vibration.rig import simulate_stream

    sidecar = Path(f"{output}.json")
    for path in (output, sidecar):
        require_place(path, overwrite=overwrite)
    samples, facts = simulate_stream(seed, seconds, fault.value, onset)
    with write_atomic(sidecar) as file:  # in the end both are there, or neither
        file.write(json_text(facts, indent=1).encode())
        file.flush()
        with write_atomic(output) as raw:
            raw.write(samples.T.astype("<f4").tobytes())
    turns = onset < seconds and fault is not Fault.normal
    what = f"healthy until {onset:g} s, then {fault.value}" if turns else "healthy throughout"
    print(f"{output}: {seconds:g} s, {what}")
