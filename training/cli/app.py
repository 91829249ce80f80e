"""The command line ``dlrsd-train``: look at data, train on it, simulate where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dlrsd.runtime.base.console import run_app
from dlrsd.training.cli.compare import compare
from dlrsd.training.cli.options import (
    ChannelsOption,
    DataArgument,
    FrontEndOption,
    LabelOption,
    NormalWindowsOption,
    OwnHopOption,
    OwnWindowOption,
    PresetOption,
    RateOption,
    RootOption,
    SeedOption,
    TaskOption,
    TestLoadsOption,
    TrainLoadsOption,
    WindowOption,
    as_names,
    as_numbers,
    by_front_end,
    require_packages,
)
from dlrsd.training.cli.plants import (
    add_plant_commands,
    fit_plant_data,
    is_plant_data,
    refuse_bearing_options,
    show_plants,
)

# Torch and the data readers are imported by the commands that need them: `--help` answers at once.

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train a diagnosis from imbalanced vibration recordings.",
)


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
    front_end: FrontEndOption = "scalogram",
    preset: PresetOption = "edge",
    classifier: Annotated[
        str | None,
        typer.Option(
            help="edge, simple_cnn, vgg11, vgg13 or vgg16; of order maps bands; of plants "
            "lr_convlstm, deep_conv_lstm or lrcn."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="What meets the imbalance: dlrsd-smote, none, class-weights, ros, rus, smote, "
            "smote-waveform, borderline-smote, adasyn, mixup, deepsmote, deep-smote, rus-weights, "
            "smote-weights, rus-smote or rus-smote-weights. In plants: rus-weights, none, "
            "class-weights, ros, rus, smote, smote-weights, rus-smote or rus-smote-weights."
        ),
    ] = None,
) -> None:
    """Balance the classes, train a classifier, and write a run with its report."""
    require_packages()
    if is_plant_data(data):
        refuse_bearing_options(
            root=root, task=task, channels=channels, label=label, train_loads=train_loads,
            test_loads=test_loads, rate=rate, target=target,
            balance=None if balance == 1 else balance,
            front_end=None if front_end == "scalogram" else front_end,
        )  # fmt: skip
        fit_plant_data(
            data, out, protocol=protocol, classifier=classifier, method=method, seed=seed,
            window=window, hop=hop,
        )  # fmt: skip
        return
    protocol = protocol or "block"
    window, hop, classifier = by_front_end(front_end, window, hop, classifier)
    from rich.console import Console

    from dlrsd.training.base.progress import bars
    from dlrsd.training.data.vibration.prepare import Settings
    from dlrsd.training.evaluate.statistics import REFERENCE
    from dlrsd.training.kinds.vibration.fit import fit as train

    settings = Settings(
        data=data,
        root=root,
        task=task,
        channels=as_names(channels),
        label=label,
        protocol=protocol,
        train_loads=as_numbers(train_loads),
        test_loads=as_numbers(test_loads),
        balance=balance,
        n_normal=normal_windows,
        target=target,
        seed=seed,
        rate=rate,
        window=window,
        hop=hop,
        preset=preset,
        classifier=classifier,
        front_end=front_end,
    )
    method = method or REFERENCE
    name = f"{task or Path(data).name}-{protocol}-br{balance:g}-seed{seed}"
    if settings.has_order_map:
        name += "-order-map"
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

    from dlrsd.training.data.vibration.load import load_recordings
    from dlrsd.training.inspect.data import inspect as look
    from dlrsd.training.inspect.data import render

    if is_plant_data(data):
        show_plants(data)
        return
    recordings = load_recordings(
        data, root=root, task=task, channels=as_names(channels), label=label, rig_seed=seed
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

    from dlrsd.training.data.vibration.rig import simulate_stream

    samples, facts = simulate_stream(seed, seconds, fault, onset)
    samples.T.astype("<f4").tofile(output)
    sidecar = output.with_name(output.name + ".json")
    sidecar.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    turns = f"healthy until {onset:g} s, then {fault}"
    stays = "healthy throughout"
    print(f"{output}: {seconds:g} s, {turns if onset < seconds and fault != 'Normal' else stays}")


app.command()(compare)
add_plant_commands(app)

if __name__ == "__main__":
    main()
