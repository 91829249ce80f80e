"""The command line ``dlrsd-runtime``: diagnose a stream, look at a bundle or at this machine."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.runtime.base.errors import InputError

# What loads NumPy or an engine is imported by the commands that need it, so that `--help` answers
# at once.
if TYPE_CHECKING:
    from dlrsd.runtime.base.interrupt import Interrupt
    from dlrsd.runtime.diagnosis.windows import Diagnosis
    from dlrsd.runtime.output.display import Display
    from dlrsd.runtime.output.writers import Writer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Diagnose vibration with a bundle that dlrsd-export wrote.",
)

BundleOption = Annotated[
    str, typer.Option("--bundle", help="Folder of a bundle, or the name of a ready one: cwru-6205.")
]


def main() -> NoReturn:
    """Entry point of the command."""
    run_app(app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib import metadata

        print(f"dlrsd {metadata.version('dlrsd')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def diagnose(
    source: Annotated[str, typer.Argument(help="A recording, or - for standard input.")],
    bundle: BundleOption = "bundle",
    hop: Annotated[
        int | None, typer.Option(help="Samples from window to window; else the bundle's.")
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime or tensorrt.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, fp16 or int8.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads; else one per core.")] = None,
    output: Annotated[
        str | None,
        typer.Option(help="NAME.jsonl, NAME.csv, NAME.parquet, or - for JSONL on standard output."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Raw samples: f32le, f64le, s16le, s24le or s32le.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Sampling rate in Hz.")] = None,
    channels: Annotated[int | None, typer.Option(help="Number of interleaved channels.")] = None,
    scale: Annotated[float | None, typer.Option(help="Factor from raw values to the unit.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the scaled values: g or m/s2.")] = None,
    start: Annotated[str | None, typer.Option(help="ISO 8601 time of the first sample.")] = None,
    variable: Annotated[
        str | None, typer.Option(help="Series of the file to read, several separated by commas.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Of the shaft in rpm, for a bundle that needs it.")
    ] = None,
    orders: Annotated[
        str | None,
        typer.Option(help="BPFO,BPFI,BSF,FTF in multiples of the shaft's speed; else as trained."),
    ] = None,
) -> None:
    """Diagnose a recording or a live stream, window by window."""
    from dlrsd.runtime.base.interrupt import Interrupt
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.diagnosis.diagnose import open_diagnosis
    from dlrsd.runtime.engines.opening import open_engine
    from dlrsd.runtime.output.display import open_display
    from dlrsd.runtime.output.writers import open_writer
    from dlrsd.runtime.streams.stream import StreamFormat, open_stream
    from dlrsd.runtime.streams.stream_format import parse_orders

    # A service manager stops with SIGTERM what a person stops with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    opened = load_bundle(bundle)
    form = StreamFormat(
        dtype=dtype,
        rate=rate,
        channels=channels,
        scale=scale,
        unit=unit,
        start=start,
        variable=variable,
        speed_rpm=speed,
        orders=parse_orders(orders) if orders is not None else None,
    )
    if output is not None and _is_same_file(source, output):
        raise InputError(f"the output {output} is the recording itself: choose another name")
    with open_stream(source, form, default=opened.signal) as stream:
        graph = open_engine(
            opened,
            engine=engine,
            precision=precision,
            device=device,
            threads=threads,
            kinematics=opened.kinematics_of(stream),
        )
        diagnosis = open_diagnosis(stream, opened, graph, hop=hop)
        writer = open_writer(output, opened.classes) if output is not None else None
        display = open_display(sys.stderr if output == "-" else sys.stdout)
        interrupt = Interrupt()
        stream.chunks = interrupt.while_reading(stream.chunks)
        _follow(diagnosis, writer, display, interrupt)


@app.command()
def info(
    bundle: Annotated[
        str, typer.Argument(help="Folder of a bundle, or the name of a ready one: cwru-6205.")
    ] = "bundle",
) -> None:
    """Show what a bundle was trained on, what it fits, and how well it did."""
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.cli.info import info_lines

    print("\n".join(info_lines(load_bundle(bundle))))


@app.command()
def benchmark(
    bundle: BundleOption = "bundle",
    engine: Annotated[
        str, typer.Option(help="onnxruntime or tensorrt; auto: all that work here.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="cpu or cuda; auto: all that work here.")] = "auto",
    precision: Annotated[
        list[str] | None, typer.Option(help="fp32, fp16 or int8, repeatable; else the bundle's.")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="Windows per call, repeatable; else 1, 64 and 1024.")
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    seconds: Annotated[float, typer.Option(help="Time to measure each row for.")] = 1.0,
    source: Annotated[
        str | None, typer.Option("--input", help="Recording to diagnose; else synthetic windows.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure how fast each engine and precision is here, and whether it agrees with fp32."""
    from dlrsd.runtime.bench.measure import benchmark as measure
    from dlrsd.runtime.bench.table import progress_bar, refuse_wrong, show
    from dlrsd.runtime.bench.windows import recorded_windows
    from dlrsd.runtime.bundle.bundle import load_bundle

    opened = load_bundle(bundle)
    with progress_bar() as advance:
        rows = measure(
            opened,
            recorded_windows(source, opened) if source is not None else None,
            engine=engine,
            device=device,
            precisions=precision or (),
            batches=batch or (),
            threads=threads,
            seconds=seconds,
            on_row=advance,
        )
    show(rows, source=source, as_json=json)
    refuse_wrong(rows)


@app.command()
def doctor() -> None:
    """Say which engines and readers this machine has, and how to get the missing ones."""
    from dlrsd.runtime.cli.doctor import report

    print("\n".join(report()))


@app.command()
def synthesize(
    class_name: Annotated[str, typer.Option("--class", help="A class of the bundle.")],
    count: Annotated[int, typer.Option(help="How many heatmaps.")],
    output: Annotated[Path, typer.Option(help="NAME.npz.")],
    bundle: BundleOption = "bundle",
    seed: Annotated[int, typer.Option(help="The same seed gives the same heatmaps.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="CPU threads; else one per core.")] = None,
) -> None:
    """Make new heatmaps of a class from the bundle's anchors."""
    from dlrsd.runtime.base.progress import count_bar
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.synthesis.synthesize import check_output, describe, save_synthesis
    from dlrsd.runtime.synthesis.synthesize import synthesize as make

    opened = load_bundle(bundle)
    check_output(output)
    with count_bar(class_name, count) as advance:
        synthesis = make(
            opened,
            class_name,
            count,
            seed=seed,
            device=device,
            threads=threads,
            on_kept=advance,
        )
    path = save_synthesis(synthesis, opened, output)
    print(f"{path}: {describe(synthesis)}")


def _follow(
    diagnosis: Diagnosis, writer: Writer | None, display: Display, interrupt: Interrupt
) -> None:
    """Run a diagnosis to its end or to an interrupt; what was diagnosed is in the output."""
    try:
        if writer:
            writer.header(diagnosis.header)
        display.start(diagnosis.header)
        with suppress(KeyboardInterrupt):
            for batch in diagnosis:
                if writer:
                    writer.windows(batch)
                display.update(diagnosis)
                if interrupt.asked:
                    break
        summary = diagnosis.summary(interrupted=interrupt.asked)
        if writer:
            writer.summary(summary)
        display.finish(summary)
    finally:
        display.close()
        if writer:
            writer.close()
    if interrupt.asked:
        raise typer.Exit(130)


def _is_same_file(source: str, output: str) -> bool:
    return Path(source).exists() and Path(output).exists() and Path(source).samefile(output)
