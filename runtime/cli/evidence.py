"""``dlrsd-runtime evidence``: what the lines of bearing, shaft and gears say, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.cli.options import (
    BearingOption,
    GeometryOption,
    MachineOption,
    OrdersOption,
    SpeedOption,
    TeethOption,
    bearing_of,
    parse_teeth,
)
from dlrsd.runtime.cli.stream_options import (
    ChannelsOption,
    DtypeOption,
    LoadOption,
    RateOption,
    ScaleOption,
    StartOption,
    TachoOption,
    UnitOption,
    VariableOption,
    stream_format,
)

if TYPE_CHECKING:
    from dlrsd.runtime.evidence.commissioned import MachineBaseline
    from dlrsd.runtime.evidence.examine import Examined


def evidence(
    source: Annotated[
        str, typer.Argument(help="The recording to look at, or - for raw samples from a pipe.")
    ],
    speed: SpeedOption = None,
    tacho: TachoOption = None,
    load: LoadOption = None,
    bearing: BearingOption = None,
    geometry: GeometryOption = None,
    orders: OrdersOption = None,
    teeth: TeethOption = None,
    machine: MachineOption = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="How many seconds of signal each verdict looks at. By default 2, or those that "
            "the machine was commissioned with."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object in place of text.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="NAME.svg|NAME.png", help="Where to draw the spectrum of the envelope."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a picture that is there.")
    ] = False,
    dtype: DtypeOption = None,
    rate: RateOption = None,
    channels: ChannelsOption = None,
    scale: ScaleOption = None,
    unit: UnitOption = None,
    start: StartOption = None,
    variable: VariableOption = None,
) -> None:
    """Say which place of a bearing is faulty by the lines in the spectrum of the envelope.

    Needs no model, but the shaft's speed and the bearing. Without a baseline of the machine,
    "healthy" means that no line stands out.
    """
    # Imported here, for they load NumPy and `--help` shall answer at once.
    from rich.console import Console

    from dlrsd.runtime.base.files import require_place
    from dlrsd.runtime.base.formats import json_text
    from dlrsd.runtime.base.interrupt import Interrupt, end_in_order
    from dlrsd.runtime.evidence.asking import asked_of, with_facts
    from dlrsd.runtime.evidence.commissioned import read_baseline
    from dlrsd.runtime.evidence.examine import examine
    from dlrsd.runtime.machine.file import folder_of, read_machine
    from dlrsd.runtime.output.evidence_report import finding_json, show_findings
    from dlrsd.runtime.output.spectrum_picture import picture_kind
    from dlrsd.runtime.streams.stream import open_stream

    end_in_order()
    if picture is not None:
        picture_kind(picture)("")  # before any work
        require_place(picture, overwrite=overwrite)
    stated = bearing_of(bearing, geometry, orders)
    form = stream_format(
        dtype=dtype,
        rate=rate,
        channels=channels,
        scale=scale,
        unit=unit,
        start=start,
        variable=variable,
        speed_rpm=speed,
        tacho=tacho,
        load=load,
        orders=stated.orders if stated else None,
    )
    facts = read_machine(machine) if machine is not None else None
    baseline = read_baseline(folder_of(machine)) if machine is not None else None
    form = with_facts(form, facts) if facts is not None else form
    with open_stream(source, form) as stream:
        asked = asked_of(
            stream.description, machine=facts, baseline=baseline, teeth=parse_teeth(teeth)
        )
        used = _seconds(seconds, baseline)
        interrupt = Interrupt()
        stream.chunks = interrupt.until_asked(stream.chunks)
        examined = examine(stream, asked, seconds=used)
        description = stream.description
    if as_json:
        print(json_text(finding_json(examined, description)), end="")
    else:
        console = Console(soft_wrap=True)
        show_findings(examined.findings, description, seconds=used, console=console)
    if interrupt.asked:
        raise typer.Exit(130)
    if picture is not None:
        _draw(examined, picture, rate_hz=description["rate_hz"])


def _seconds(stated: float | None, baseline: MachineBaseline | None) -> float:
    from dlrsd.runtime.evidence.windows import SECONDS

    if baseline is None:
        return SECONDS if stated is None else stated
    if stated is not None and stated != baseline.seconds:
        raise InputError(
            f"got windows of {stated:g} s, and the machine was commissioned with those of "
            f"{baseline.seconds:g} s: leave --seconds out, or commission it anew"
        )
    return baseline.seconds


def _draw(examined: Examined, path: Path, *, rate_hz: float) -> None:
    from dlrsd.runtime.output.spectrum_picture import draw_spectrum

    draw_spectrum(
        examined.typical[examined.first],
        examined.findings[examined.first],
        path,
        rate_hz=rate_hz,
    )
