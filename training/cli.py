"""The command line ``dlrsd-train``: look at data, train on it, simulate where there is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from dlrsd.runtime.console import run_app
from dlrsd.runtime.errors import DlrsdError, InputError, require
from dlrsd.training.plant_cli import (
    add_plant_commands,
    compare_plant_data,
    fit_plant_data,
    is_plant_data,
    refuse_bearing_options,
    show_plants,
)

WINDOW, HOP = 1024, 512  # samples

# Torch and the data readers are imported by the commands that need them: `--help` answers at once.

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train a diagnosis from imbalanced vibration recordings.",
)

DataArgument = Annotated[
    str,
    typer.Argument(
        help="A bearing-datasets name, a folder with a sub-folder per class, or of plants (PHM "
        "2015), or simulated: rig, plant."
    ),
]
RootOption = Annotated[
    str | None,
    typer.Option(help="Folder of the data sets; else $BEARING_DATASETS_ROOT."),
]
TaskOption = Annotated[str | None, typer.Option(help="A known task, such as cwru10.")]
ChannelsOption = Annotated[
    str | None, typer.Option(help="Channels to use, separated by commas; else all accelerometers.")
]
LabelOption = Annotated[
    str | None, typer.Option(help="Metadata columns that make the class, joined by +.")
]
WindowOption = Annotated[int, typer.Option(help="Samples of a window.")]
OwnWindowOption = Annotated[int | None, typer.Option(help="Samples of a window: 1024; plants 24.")]
OwnHopOption = Annotated[int | None, typer.Option(help="Samples between windows: 512; plants 4.")]
SeedOption = Annotated[int, typer.Option(help="Of the split, the draw and the training.")]
TrainLoadsOption = Annotated[str | None, typer.Option(help="For the protocol load: 0,1")]
TestLoadsOption = Annotated[str | None, typer.Option(help="For the protocol load: 2,3")]
NormalWindowsOption = Annotated[int, typer.Option(help="Windows drawn of the normal class.")]
RateOption = Annotated[float | None, typer.Option(help="Model's rate in Hz; else the lowest.")]
PresetOption = Annotated[str, typer.Option(help="Generator: edge, or paper (for a GPU).")]


def main() -> NoReturn:
    """Entry point of the command."""
    run_app(app)


@app.command()
def fit(
    data: DataArgument,
    out: Annotated[Path | None, typer.Option(help="Run folder; else runs/DATA-PROTOCOL...")] = None,
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    balance: Annotated[
        float, typer.Option(help="Balance ratio: normal windows for each window of a fault.")
    ] = 1.0,
    protocol: Annotated[
        str | None, typer.Option(help="block, random, load or bearing; of plants time or plant.")
    ] = None,
    train_loads: TrainLoadsOption = None,
    test_loads: TestLoadsOption = None,
    seed: SeedOption = 0,
    normal_windows: NormalWindowsOption = 2000,
    target: Annotated[
        int | None, typer.Option(help="Windows of a class after balancing; else the largest's.")
    ] = None,
    rate: RateOption = None,
    window: OwnWindowOption = None,
    hop: OwnHopOption = None,
    preset: PresetOption = "edge",
    classifier: Annotated[
        str | None,
        typer.Option(
            help="edge, simple_cnn, vgg11, vgg13 or vgg16; of plants lr_convlstm, deep_conv_lstm "
            "or lrcn."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="What meets the imbalance: dlrsd-smote, none, class-weights, ros, rus, smote, "
            "smote-waveform, borderline-smote, adasyn, mixup, deepsmote, deep-smote, rus-weights, "
            "smote-weights, rus-smote or rus-smote-weights; of plants rus-weights or another of "
            "none, weights, ros, rus, smote and their combinations."
        ),
    ] = None,
) -> None:
    """Balance the classes, train a classifier, and write a run with its report."""
    _require_packages()
    if is_plant_data(data):
        refuse_bearing_options(
            root=root, task=task, channels=channels, label=label, train_loads=train_loads,
            test_loads=test_loads, rate=rate, target=target,
            balance=None if balance == 1 else balance,
        )  # fmt: skip
        fit_plant_data(
            data, out, protocol=protocol, classifier=classifier, method=method, seed=seed,
            window=window, hop=hop,
        )  # fmt: skip
        return
    protocol, classifier = protocol or "block", classifier or "edge"
    from rich.console import Console

    from dlrsd.training.fit import fit as train
    from dlrsd.training.prepare import Settings
    from dlrsd.training.progress import bars
    from dlrsd.training.statistics import REFERENCE

    settings = Settings(
        data=data,
        root=root,
        task=task,
        channels=_names(channels),
        label=label,
        protocol=protocol,
        train_loads=_numbers(train_loads),
        test_loads=_numbers(test_loads),
        balance=balance,
        n_normal=normal_windows,
        target=target,
        seed=seed,
        rate=rate,
        window=WINDOW if window is None else window,
        hop=HOP if hop is None else hop,
        preset=preset,
        classifier=classifier,
    )
    method = method or REFERENCE
    name = f"{task or Path(data).name}-{protocol}-br{balance:g}-seed{seed}"
    out = out or Path("runs") / (name if method == REFERENCE else f"{name}-{method}")
    console = Console(stderr=True)
    with bars(console) as progress:
        metrics = train(settings, out, method=method, progress=progress)
    worst = metrics["worst_class"]
    print(
        f"{out}: protocol {protocol}, balance ratio 1:{balance:g}, {metrics['n']} test windows\n"
        f"accuracy {metrics['accuracy']:.4f}, macro recall {metrics['macro_recall']:.4f}, "
        f"worst recall {metrics['worst_recall']:.4f} ({worst}, "
        f"{metrics['per_class'][worst]['support']} windows)\n"
        f"report: {out / 'report.html'}"
    )


@app.command()
def compare(
    data: DataArgument,
    out: Annotated[Path, typer.Option(help="Table to fill or go on with: .parquet or .csv")],
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    methods: Annotated[
        str,
        typer.Option(
            help="Names separated by commas; all; combinations; ablations (of dlrsd-smote)."
        ),
    ] = "all",
    balance: Annotated[str, typer.Option(help="Balance ratios: 400,100,5")] = "100",
    protocols: Annotated[
        str | None, typer.Option(help="Of block, random, load, bearing; of plants time, plant.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="0-9, or 0,3,5-7")] = "0-4",
    classifiers: Annotated[
        str | None,
        typer.Option(
            help="Of edge, simple_cnn, vgg11, vgg13, vgg16; of plants lr_convlstm, deep_conv_lstm, "
            "lrcn."
        ),
    ] = None,
    train_loads: TrainLoadsOption = None,
    test_loads: TestLoadsOption = None,
    normal_windows: NormalWindowsOption = 2000,
    rate: RateOption = None,
    window: OwnWindowOption = None,
    hop: OwnHopOption = None,
    preset: PresetOption = "edge",
    jobs: Annotated[
        int | None, typer.Option(help="Processes; else one for every core that may be used.")
    ] = None,
) -> None:
    """Compare methods over balance ratios, protocols, seeds and classifiers, in one table."""
    import signal

    _require_packages("filelock", "pyarrow")
    from rich.console import Console

    from dlrsd.training.compare import Grid, method_names
    from dlrsd.training.compare import compare as fill
    from dlrsd.training.prepare import Settings
    from dlrsd.training.progress import bars
    from dlrsd.training.standings import standings

    # As Ctrl-C: what is done is in the table, and the processes end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with bars(errors) as progress:
        how: dict[str, Any] = {"jobs": jobs, "progress": progress, "say": errors.print}
        if is_plant_data(data):
            refuse_bearing_options(
                root=root, task=task, channels=channels, label=label, train_loads=train_loads,
                test_loads=test_loads, rate=rate,
            )  # fmt: skip
            rows, failed = compare_plant_data(
                data, out, methods=_names(methods), protocols=_names(protocols),
                seeds=_seeds(seeds), classifiers=_names(classifiers), window=window, hop=hop, **how,
            )  # fmt: skip
        else:
            settings = Settings(
                data=data,
                root=root,
                task=task,
                channels=_names(channels),
                label=label,
                train_loads=_numbers(train_loads),
                test_loads=_numbers(test_loads),
                n_normal=normal_windows,
                rate=rate,
                window=WINDOW if window is None else window,
                hop=HOP if hop is None else hop,
                preset=preset,
            )
            grid = Grid(
                settings,
                methods=method_names(_names(methods) or ()),
                balances=_numbers(balance, "balance ratios") or (),
                protocols=_names(protocols or "block") or (),
                seeds=_seeds(seeds),
                classifiers=_names(classifiers or "edge") or (),
            )
            rows, failed = fill(grid, out, **how)
    if rows:
        Console(width=None if sys.stdout.isatty() else 100).print(standings(rows))
    if failed:
        others = f", the others are in {out}" if rows else ""
        raise DlrsdError(
            f"{len(failed)} of {len(rows) + len(failed)} cells failed{others}; the first: "
            f"{failed[0]}"
        )
    print(f"{len(rows)} cells: {out}")


@app.command()
def inspect(
    data: DataArgument,
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    window: WindowOption = 1024,
    seed: SeedOption = 0,
) -> None:
    """Say what is in the data, what each protocol leaves of it, and whether that is enough."""
    from rich.console import Console

    from dlrsd.training.inspect_data import inspect as look
    from dlrsd.training.inspect_data import render
    from dlrsd.training.recordings import load_recordings

    if is_plant_data(data):
        show_plants(data)
        return
    recordings = load_recordings(
        data, root=root, task=task, channels=_names(channels), label=label, rig_seed=seed
    )
    Console().print(render(look(recordings, window=window, seed=seed)))


@app.command()
def simulate(
    output: Annotated[Path, typer.Argument(help="Raw file to write; NAME.json beside it.")],
    fault: Annotated[str, typer.Option(help="inner, outer or ball; Normal: none.")] = "outer",
    seconds: Annotated[float, typer.Option(help="Length of the recording.")] = 60.0,
    onset: Annotated[float, typer.Option(help="Second at which the fault begins.")] = 30.0,
    seed: SeedOption = 0,
) -> None:
    """Write a stream of the simulated rig that begins healthy and turns faulty."""
    import json

    from dlrsd.training.rig import simulate_stream

    samples, facts = simulate_stream(seed, seconds, fault, onset)
    samples.T.astype("<f4").tofile(output)
    sidecar = output.with_name(output.name + ".json")
    sidecar.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    turns = f"healthy until {onset:g} s, then {fault}"
    stays = "healthy throughout"
    print(f"{output}: {seconds:g} s, {turns if onset < seconds and fault != 'Normal' else stays}")


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",")) if text else None


def _numbers(text: str | None, what: str = "loads") -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in text.split(",")) if text else None
    except ValueError:
        raise InputError(
            f"got {what} {text!r}: expected numbers separated by commas, such as 0,1"
        ) from None


def _seeds(text: str) -> tuple[int, ...]:
    """Numbers and ranges of them: 0,3,5-7."""
    try:
        ranges = [part.partition("-") for part in text.split(",")]
        return tuple(
            seed for first, _, last in ranges for seed in range(int(first), int(last or first) + 1)
        )
    except ValueError:
        raise InputError(f"got seeds {text!r}: expected such as 0-9, or 0,3,5-7") from None


def _require_packages(*others: str) -> None:
    for package in ("torch", "safetensors", "sklearn", "imblearn", "matplotlib", "scipy", *others):
        require(package, extra="train", purpose="training")


add_plant_commands(app)

if __name__ == "__main__":
    main()
