"""``dlrsd-runtime benchmark``: how fast a bundle is on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from dlrsd.runtime.base.choices import DeviceChoice, EngineChoice, GraphPrecision
from dlrsd.runtime.cli.options import BundleOption


def benchmark(
    bundle: BundleOption = "bundle",
    engine: Annotated[
        EngineChoice,
        typer.Option(help="Which engine to measure. auto measures all that work here."),
    ] = EngineChoice.AUTO,
    device: Annotated[
        DeviceChoice, typer.Option(help="Where to measure. auto measures wherever it works here.")
    ] = DeviceChoice.AUTO,
    precision: Annotated[
        list[GraphPrecision] | None,
        typer.Option(
            help="Which precision to measure; may be given several times. By default all that the "
            "bundle has."
        ),
    ] = None,
    batch: Annotated[
        list[int] | None,
        typer.Option(
            help="How many windows to give the model at once; may be given several times. By "
            "default 1, 64 and 1024 are measured."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="How many CPU threads to use.")] = 1,
    seconds: Annotated[float, typer.Option(help="How long to measure each row, in seconds.")] = 1.0,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", help="A recording to take windows from. By default they are made up."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the rows as JSON in place of a table.")
    ] = False,
) -> None:
    """Measure how fast each engine and precision is here, and whether it agrees with fp32."""
    # Imported here, for they load NumPy and `--help` shall answer at once.
    from dlrsd.runtime.bench.measure import benchmark as measure
    from dlrsd.runtime.bench.table import progress_bar, refuse_wrong, show
    from dlrsd.runtime.bench.windows import recorded_windows
    from dlrsd.runtime.bundle.bundle import load_bundle

    opened = load_bundle(bundle)
    with progress_bar() as advance:
        rows = measure(
            opened,
            recorded_windows(source, opened) if source is not None else None,
            engine=engine.value,
            device=device.value,
            precisions=[name.value for name in precision or ()],
            batches=batch or (),
            threads=threads,
            seconds=seconds,
            on_row=advance,
        )
    show(rows, source=source, as_json=json)
    refuse_wrong(rows)
