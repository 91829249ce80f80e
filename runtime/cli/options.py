"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlrsd.runtime.base.errors import InputError

if TYPE_CHECKING:
    from dlrsd.runtime.bundle.bearings.stated import Bearing

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
SpeedOption = Annotated[
    float | None,
    typer.Option("--speed", metavar="RPM", help="How fast the shaft turns, in rpm."),
]
BearingOption = Annotated[
    str | None,
    typer.Option(
        "--bearing",
        metavar="NAME",
        help="The bearing's designation, such as 6205 or 'SKF 6205-2RS', if it is among those "
        "known.",
    ),
]
GeometryOption = Annotated[
    str | None,
    typer.Option(
        "--geometry",
        metavar="N,D,PITCH,ANGLE",
        help="What is inside the bearing, in place of --bearing: how many rolling elements, their "
        "diameter and the pitch diameter in mm, and the contact angle in degrees.",
    ),
]
OrdersOption = Annotated[
    str | None,
    typer.Option(
        "--orders",
        metavar="BPFO,BPFI,BSF,FTF",
        help="The bearing's fault frequencies in multiples of the shaft's speed, in place of "
        "--bearing.",
    ),
]
TeethOption = Annotated[
    str | None,
    typer.Option(
        "--teeth", metavar="N,N", help="How many teeth the gears on the shaft have, such as 23,67."
    ),
]
MachineOption = Annotated[
    Path | None,
    typer.Option(
        "--machine",
        metavar="FOLDER",
        help="The folder of the machine, with its machine.toml and, once it was commissioned, its "
        "baseline.",
    ),
]


def parse_teeth(text: str | None) -> list[int]:
    """The numbers of teeth that the option states."""
    try:
        counts = [int(part) for part in text.split(",")] if text is not None else []
    except ValueError:
        counts = [0]
    if not all(2 <= count <= 2000 for count in counts):
        raise InputError(f"got --teeth {text}: expected whole numbers from 2 to 2000, like 23,67")
    return counts


def bearing_of(bearing: str | None, geometry: str | None, orders: str | None) -> Bearing | None:
    """The one bearing that the three options state, said on standard error if it was looked up."""
    # Imported here, for it loads NumPy and `--help` shall answer at once.
    from dlrsd.runtime.bundle.bearings.stated import stated_bearing

    stated = stated_bearing(bearing=bearing, geometry=geometry, orders=orders)
    if stated and bearing is not None:
        typer.echo(f"bearing {stated.note}", err=True)
    return stated
