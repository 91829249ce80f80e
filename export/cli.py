"""The command line ``dlrsd-export``: a trained run becomes a bundle for the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.runtime.base.errors import InputError, require
from dlrsd.training.base.scratch import leave_no_fonts

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def main() -> NoReturn:
    """Entry point of the command."""
    leave_no_fonts()
    run_app(app)


@app.command()
def export(
    run: Annotated[
        Path | None,
        typer.Argument(help="The finished run to export. By default the latest in runs/."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The folder to write; a bundle that is there is replaced.")
    ] = Path("bundle"),
    fp16: Annotated[
        bool, typer.Option("--fp16", help="Also write a graph that computes in half precision.")
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also write a graph that computes in 8-bit integers.")
    ] = False,
    anchors: Annotated[
        bool,
        typer.Option(
            help="Also write what the box makes new heatmaps with. It holds anchors that derive "
            "from training windows: leave it out of a bundle for strangers."
        ),
    ] = True,
    tensorrt: Annotated[
        bool,
        typer.Option("--tensorrt", help="Also build TensorRT engines of the fp32 and fp16 graphs."),
    ] = False,
    sm: Annotated[
        list[int] | None,
        typer.Option(
            help="A GPU to build engines for with --tensorrt, by its compute capability (86 is "
            "8.6); may be given several times. By default 80, 86, 89 and 120, or with the package "
            "tensorrt this machine's own."
        ),
    ] = None,
) -> None:
    """Write a run as a bundle of ONNX graphs, and check them against the trained model."""
    for package in ("torch", "safetensors", "sklearn", "onnx", "onnxscript", "onnxruntime"):
        require(package, extra="export", purpose="exporting")
    if sm and not tensorrt:
        raise InputError(f"got --sm {sm[0]} without --tensorrt: add --tensorrt, or leave out --sm")
    # Imported here: torch takes seconds to load, and `--help` shall answer at once.
    from rich.console import Console

    from dlrsd.export.package.bundle import export_bundle
    from dlrsd.export.verify.parity import parity_table
    from dlrsd.training.base.progress import bars
    from dlrsd.training.runs.folder import latest_run

    run = run or latest_run()
    with bars(Console(stderr=True)) as progress:
        manifest = export_bundle(
            run,
            out,
            fp16=fp16,
            int8=int8,
            anchors=anchors,
            tensorrt=(sm or ()) if tensorrt else None,
            progress=progress,
        )
    size = sum(facts.bytes for facts in manifest.files.values())
    print(f"{out}: {run} as {len(manifest.files)} files, {size / 1e6:.2f} MB")
    for line in parity_table(manifest.parity):
        print(line)
    for engine in manifest.engines:
        print(
            f"{engine.file}: {manifest.files[engine.file].bytes / 1e6:.2f} MB for "
            f"{', '.join(engine.targets)} ({engine.package} {engine.version})"
        )


if __name__ == "__main__":
    main()
