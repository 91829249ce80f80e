"""Options that say what a recording is, for every command that reads one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlrsd.runtime.base.choices import SampleType

if TYPE_CHECKING:
    from dlrsd.runtime.streams.stream import StreamFormat

DtypeOption = Annotated[
    SampleType | None, typer.Option("--dtype", help="How raw samples are stored. By default f32le.")
]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", help="How many samples a second the recording has, in Hz."),
]
ChannelsOption = Annotated[
    int | None,
    typer.Option(
        "--channels", help="How many channels are interleaved in raw samples, or are in a matrix."
    ),
]
ScaleOption = Annotated[
    float | None,
    typer.Option("--scale", help="What stored values are multiplied by to be in the unit."),
]
UnitOption = Annotated[
    str | None,
    typer.Option(
        "--unit", metavar="[g|m/s2]", help="The unit of the samples once they are scaled."
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", help="When the first sample was taken, such as 2026-01-31T12:00:00Z."),
]
VariableOption = Annotated[
    str | None,
    typer.Option(
        "--variable", help="Which series of the file to read; separate several by commas."
    ),
]
TachoOption = Annotated[
    str | None,
    typer.Option(
        "--tacho",
        metavar="CHANNEL[,PULSES|,rpm]",
        help="The channel that tells how the shaft turns, by its number from 0 or its name: a "
        "tacho's pulses, one a turn unless stated, or the speed in rpm.",
    ),
]
LoadOption = Annotated[
    float | None,
    typer.Option(
        "--load", help="At which load the machine ran, in the unit that its machine.toml has."
    ),
]


def stream_format(*, dtype: SampleType | None, **stated: Any) -> StreamFormat:
    """What options state of a recording; the others as fields of `StreamFormat`."""
    # Imported here, for it loads NumPy and `--help` shall answer at once.
    from dlrsd.runtime.streams.stream import StreamFormat

    return StreamFormat(dtype=dtype.value if dtype is not None else None, **stated)
