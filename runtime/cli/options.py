"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

BundleOption = Annotated[
    str,
    typer.Option(
        "--bundle",
        help="The model to use: a folder that dlrsd-export wrote, or the name of a bundle that "
        "comes with the package, such as cwru-6205.",
    ),
]
BundleArgument = Annotated[
    str,
    typer.Argument(
        help="A folder that dlrsd-export wrote, or the name of a bundle that comes with the "
        "package, such as cwru-6205."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(help="How many CPU threads to use. By default one for each core."),
]
