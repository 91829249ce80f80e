"""The command line ``dlrsd-export``: a trained run becomes a bundle for the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.runtime.base.errors import InputError, require

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def main() -> NoReturn:
    """Entry point of the command."""
    run_app(app)


@app.command()
def export(
    run: Annotated[
        Path | None, typer.Argument(help="A finished run; else the latest in runs/.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("bundle"),
    fp16: Annotated[bool, typer.Option("--fp16", help="Also a half-precision graph.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Also an 8-bit integer graph.")] = False,
    anchors: Annotated[
        bool, typer.Option(help="Also the synthesiser, with anchors made of training windows.")
    ] = True,
    tensorrt: Annotated[
        bool, typer.Option("--tensorrt", help="Also TensorRT engines of the fp32 and fp16 graphs.")
    ] = False,
    sm: Annotated[
        list[int] | None,
        typer.Option(
            help="With --tensorrt: compute capability of a GPU to build for (86 is 8.6), once "
            "for each; else 80, 86, 89 and 120, or with the package tensorrt this machine's."
        ),
    ] = None,
) -> None:
    """Write a run as a bundle of ONNX graphs, and check them against the trained model."""
    for package in ("torch", "safetensors", "sklearn", "onnx", "onnxscript", "onnxruntime"):
        require(package, extra="export", purpose="exporting")
    if sm and not tensorrt:
        raise InputError(f"got --sm {sm[0]} without --tensorrt: add --tensorrt, or leave out --sm")
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
