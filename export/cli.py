"""The command line ``dlrsd-export``: a trained run becomes a bundle for the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dlrsd.runtime.console import run_app
from dlrsd.runtime.errors import require

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
    anchors: Annotated[
        bool, typer.Option(help="Also the synthesiser, with anchors made of training windows.")
    ] = True,
) -> None:
    """Write a run as a bundle of ONNX graphs, and check them against the trained model."""
    for package in ("torch", "safetensors", "sklearn", "onnx", "onnxscript", "onnxruntime"):
        require(package, extra="export", purpose="exporting")
    from rich.console import Console

    from dlrsd.export.bundle import export_bundle
    from dlrsd.training.progress import bars
    from dlrsd.training.run import latest_run

    run = run or latest_run()
    with bars(Console(stderr=True)) as progress:
        manifest = export_bundle(run, out, fp16=fp16, anchors=anchors, progress=progress)
    size = sum(facts["bytes"] for facts in manifest["files"].values())
    print(f"{out}: {run} as {len(manifest['files'])} files, {size / 1e6:.2f} MB")
    parity = manifest["parity"]
    for precision in ("fp32", "fp16"):
        if precision in parity:
            found = parity[precision]
            print(
                f"{precision}: the trained model's label on {found['label_agreement']:.4%} of "
                f"{parity['windows']} test windows, probabilities within "
                f"{found['max_probability_difference']:.1e}"
            )


if __name__ == "__main__":
    main()
