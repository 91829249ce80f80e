"""``dlrsd-runtime commission``: a machine's baseline from healthy signal alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.cli.options import (
    BearingOption,
    GeometryOption,
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
    TachoOption,
    UnitOption,
    VariableOption,
    stream_format,
)


def commission(
    recordings: Annotated[
        list[str], typer.Argument(help="Recordings of the machine while it is healthy.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="The machine's folder. Its machine.toml is read if it is there, else written from "
            "the options.",
        ),
    ],
    speed: SpeedOption = None,
    tacho: TachoOption = None,
    load: LoadOption = None,
    bearing: BearingOption = None,
    geometry: GeometryOption = None,
    orders: OrdersOption = None,
    teeth: TeethOption = None,
    false_alarms: Annotated[
        float,
        typer.Option(
            help="How many false alarms a month the limits may let through for each sensor."
        ),
    ] = 1.0,
    seconds: Annotated[
        float, typer.Option(help="How many seconds of signal each verdict looks at.")
    ] = 2.0,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            help="The model that shall diagnose the machine: what it says of the healthy signal "
            "is kept, so that what is new is told from what always was.",
        ),
    ] = None,
    accept_lines: Annotated[
        bool,
        typer.Option(
            "--accept-lines",
            help="Take lines of a fault in these recordings for the machine's own, because "
            "somebody looked at the bearing and it is sound.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a baseline that is there.")
    ] = False,
    dtype: DtypeOption = None,
    rate: RateOption = None,
    channels: ChannelsOption = None,
    scale: ScaleOption = None,
    unit: UnitOption = None,
    variable: VariableOption = None,
) -> None:
    """Learn how a machine is while it is healthy, so that verdicts are held against that.

    No fault is needed. What comes of it is the folder to give to `evidence --machine`.
    """
    # Imported here, for they load NumPy and `--help` shall answer at once.
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.commissioning.commission import commission as learn
    from dlrsd.runtime.commissioning.first_facts import machine_of
    from dlrsd.runtime.evidence.commissioned import FOLDER, NAME, write_baseline
    from dlrsd.runtime.machine.file import NAME as FACTS
    from dlrsd.runtime.machine.file import read_machine, write_machine

    stated = bearing_of(bearing, geometry, orders)
    there = out / FOLDER / NAME
    _require_place(out, there, overwrite=overwrite)
    form = stream_format(
        dtype=dtype,
        rate=rate,
        channels=channels,
        scale=scale,
        unit=unit,
        variable=variable,
        speed_rpm=speed,
        tacho=tacho,
        load=load,
        orders=stated.orders if stated else None,
    )
    is_new = not (out / FACTS).exists()
    if is_new:
        facts = machine_of(
            recordings[0],
            form,
            name=out.resolve().name,
            bearing=bearing,
            geometry=geometry,
            teeth=parse_teeth(teeth),
        )
    else:
        facts = read_machine(out)
        if parse_teeth(teeth) and not facts.teeth:
            raise InputError(
                f"{out / FACTS} states no teeth: write teeth = [{teeth}] into it, above its tables"
            )
    baseline = learn(
        recordings,
        facts,
        form,
        teeth=parse_teeth(teeth),
        seconds=seconds,
        false_alarms_per_month=false_alarms,
        bundle=load_bundle(bundle) if bundle is not None else None,
        accept_lines=accept_lines,
    )
    _require_place(out, there, overwrite=overwrite)  # it may have come meanwhile
    try:
        out.mkdir(parents=True, exist_ok=True)
        if is_new:
            write_machine(facts, out)
        write_baseline(baseline, out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    for note in baseline.notes:
        print(note)
    print(f"{facts.name}: baseline written to {there}")


def _require_place(out: Path, baseline: Path, *, overwrite: bool) -> None:
    for folder in (baseline.parent, out):
        if os.path.lexists(folder) and not folder.is_dir():
            raise InputError(f"{folder} is no folder: choose another place for the machine's")
    if os.path.lexists(baseline) and not overwrite:
        raise InputError(
            f"{baseline} is there already: choose another folder, or say --overwrite to replace it"
        )
