"""``dlrsd-runtime synthesize``: new heatmaps of a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.choices import SynthesisDevice
from dlrsd.runtime.cli.options import BundleOption, ThreadsOption


def synthesize(
    class_name: Annotated[
        str, typer.Option("--class", help="The class of the bundle to make heatmaps of.")
    ],
    count: Annotated[int, typer.Option(help="How many heatmaps to make.")],
    output: Annotated[
        Path, typer.Option(metavar="NAME.npz", help="The file to write the heatmaps into.")
    ],
    bundle: BundleOption = "bundle",
    seed: Annotated[
        int, typer.Option(help="Where chance begins: the same seed gives the same heatmaps.")
    ] = 0,
    device: Annotated[
        SynthesisDevice, typer.Option(help="Where heatmaps are made.")
    ] = SynthesisDevice.CPU,
    threads: ThreadsOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there.")
    ] = False,
) -> None:
    """Make new heatmaps of a class from the training windows that the bundle keeps of it."""
    # Imported here, for they load NumPy and `--help` shall answer at once.
    from dlrsd.runtime.base.progress import count_bar
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.synthesis.synthesize import check_output, describe, save_synthesis
    from dlrsd.runtime.synthesis.synthesize import synthesize as make

    opened = load_bundle(bundle)
    check_output(output, overwrite=overwrite)
    with count_bar(class_name, count) as advance:
        synthesis = make(
            opened,
            class_name,
            count,
            seed=seed,
            device=device.value,
            threads=threads,
            on_kept=advance,
        )
    path = save_synthesis(synthesis, opened, output)
    print(f"{path}: {describe(synthesis)}")
