"""``dlrsd-runtime diagnose``: a recording or a live stream, window by window."""

from __future__ import annotations

import os
import stat
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from dlrsd.runtime.base.choices import DeviceChoice, EngineChoice, PrecisionChoice
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.cli.options import (
    BearingOption,
    BundleOption,
    GeometryOption,
    MachineOption,
    OrdersOption,
    SpeedOption,
    ThreadsOption,
    bearing_of,
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
    from dlrsd.runtime.output.writers import Existing

CODES = {"sound": 0, "fault": 1, "no verdict": 3}


class FailOn(str, Enum):
    """What ends a diagnosis with an exit code of its own."""

    FAULT = "fault"


def diagnose(
    source: Annotated[
        str, typer.Argument(help="The recording to diagnose, or - for raw samples from a pipe.")
    ],
    bundle: BundleOption = "bundle",
    hop: Annotated[
        int | None,
        typer.Option(
            help="How many samples lie between the starts of two windows. By default as in "
            "training."
        ),
    ] = None,
    risk: Annotated[
        float | None,
        typer.Option(
            help="The share of diagnoses that may be wrong, such as 0.01. Windows that are not "
            "sure enough for it get no label. By default every window that is fit gets one."
        ),
    ] = None,
    engine: Annotated[
        EngineChoice,
        typer.Option(help="What runs the model. auto takes TensorRT where it is ready to run."),
    ] = EngineChoice.AUTO,
    device: Annotated[
        DeviceChoice, typer.Option(help="Where the model runs. auto takes a GPU that can be used.")
    ] = DeviceChoice.AUTO,
    precision: Annotated[
        PrecisionChoice,
        typer.Option(
            help="How the model computes. auto takes fp16 on a GPU where it was found to agree "
            "with fp32, else fp32."
        ),
    ] = PrecisionChoice.AUTO,
    threads: ThreadsOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="NAME.jsonl|NAME.csv|NAME.parquet|-",
            help="Where to write a record of every window; - writes JSONL to standard output.",
        ),
    ] = None,
    append: Annotated[
        bool,
        typer.Option("--append", help="Add to an output that is there, as a new segment."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where a diagnosis of the same recording into this output broke off.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there.")
    ] = False,
    dtype: DtypeOption = None,
    rate: RateOption = None,
    channels: ChannelsOption = None,
    scale: ScaleOption = None,
    unit: UnitOption = None,
    start: StartOption = None,
    variable: VariableOption = None,
    speed: SpeedOption = None,
    tacho: TachoOption = None,
    load: LoadOption = None,
    bearing: BearingOption = None,
    geometry: GeometryOption = None,
    orders: OrdersOption = None,
    machine: MachineOption = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="End with exit code 1 where a channel has a fault, known or unknown, and with 3 "
            "where there is no verdict. By default the code is 0 whatever was found."
        ),
    ] = None,
) -> None:
    """Diagnose a recording or a live stream, window by window."""
    # Imported here, for they load NumPy and `--help` shall answer at once. NumPy first: deep inside
    # the others its calls would cross the end of a chunk of Python's stack thousands of times, and
    # take 15 ms longer.
    import numpy  # noqa: F401

    from dlrsd.runtime.base.interrupt import Interrupt, end_in_order
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.diagnosis.beside import EvidenceBeside
    from dlrsd.runtime.diagnosis.diagnose import kind_of, open_diagnosis
    from dlrsd.runtime.engines.opening import open_engine
    from dlrsd.runtime.output.display import open_display
    from dlrsd.runtime.output.follow import follow
    from dlrsd.runtime.output.writers import open_writer
    from dlrsd.runtime.streams.stream import open_stream

    end_in_order()
    existing = _existing(source, output, fail_on, append=append, resume=resume, overwrite=overwrite)
    stated = bearing_of(bearing, geometry, orders)
    opened = load_bundle(bundle)
    kind = kind_of(opened)
    kind.operating_point(opened, risk)  # refused before an engine is built
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
    facts = None
    if machine is not None:  # what needs none shall begin as soon as ever
        from dlrsd.runtime.evidence.asking import fill_facts, with_facts
        from dlrsd.runtime.machine.file import read_machine

        facts = read_machine(machine)
        form = with_facts(form, facts)
    if output is not None and _is_same_file(source, output):
        raise InputError(f"the output {output} is the recording itself: choose another name")
    if output is not None and _is_standard_output(output):
        raise InputError(f"the output {output} is standard output: say --output -")
    beside = EvidenceBeside()
    with open_stream(source, form, default=opened.signal, heard=beside.hear) as stream:
        if facts is not None:
            fill_facts(stream.description, facts)
        graph = open_engine(
            opened,
            engine=engine.value,
            precision=precision.value,
            device=device.value,
            threads=threads,
            kinematics=opened.kinematics_of(stream),
        )
        kind.evidence(stream.description, machine, beside, opened)
        diagnosis = open_diagnosis(stream, opened, graph, hop=hop, risk=risk, beside=beside)
        writer = None
        if output is not None:
            writer = open_writer(output, opened.classes, existing=existing)
        shown = sys.stderr if output == "-" else sys.stdout
        display = open_display(shown, beside_records=output is not None)
        interrupt = Interrupt()
        stream.chunks = interrupt.while_reading(stream.chunks)
        follow(diagnosis, writer, display, interrupt)
    if interrupt.asked:
        raise typer.Exit(130)
    if fail_on is not None:
        from dlrsd.runtime.diagnosis.outcome import outcome_of

        verdicts = diagnosis.summary().verdicts
        raise typer.Exit(CODES[outcome_of(verdicts, opened.manifest.normal_class)])


def _existing(
    source: str, output: str | None, fail_on: FailOn | None, **chosen: bool
) -> Existing | None:
    """What to do with an output that is there, from the options."""
    names = [cast("Existing", name) for name, is_chosen in chosen.items() if is_chosen]
    if len(names) > 1:
        raise InputError(f"got --{' and --'.join(names)}: choose one of them")
    if names == ["resume"] and fail_on:
        raise InputError(
            "got --fail-on with --resume, and a diagnosis that is complete is not made again: "
            "leave one of them out"
        )
    if names and output is None:
        raise InputError(f"got --{names[0]} without --output: add --output, or leave it out")
    if (
        names == ["resume"]
        and not Path(source).is_file()
        and (source == "-" or Path(source).exists())
    ):
        raise InputError(
            "--resume reads the recording again from its start, which cannot be done with what "
            "comes through a pipe: start a new segment with --append"
        )
    return names[0] if names else None


def _is_same_file(source: str, output: str) -> bool:
    return Path(source).exists() and Path(output).exists() and Path(source).samefile(Path(output))


def _is_standard_output(output: str) -> bool:
    """What a person reads goes there as well."""
    try:
        there, ours = Path(output).stat(), os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return os.path.samestat(there, ours) and not stat.S_ISCHR(ours.st_mode)
