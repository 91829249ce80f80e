"""The command ``dlrsd-train simulate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Write a stream of the simulated rig that begins healthy and turns faulty."""
    # Imported here: `--help` shall answer at once.
    from dlrsd.training.data.vibration.rig import simulate_stream

    samples, facts = simulate_stream(seed, seconds, fault.value, onset)
    samples.T.astype("<f4").tofile(output)
    sidecar = output.with_name(output.name + ".json")
    sidecar.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    turns = onset < seconds and fault is not Fault.normal
    what = f"healthy until {onset:g} s, then {fault.value}" if turns else "healthy throughout"
    print(f"{output}: {seconds:g} s, {what}")
