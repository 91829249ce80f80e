"""The command ``dlrsd-train fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlrsd.training.cli.choices import Classifier, Protocol
from dlrsd.training.cli.options import (
    TRAINING,
    ChannelsOption,
    DataArgument,
    FrontEndOption,
    HopOption,
    LabelOption,
    NormalWindowsOption,
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
    by_new_name,
    require_packages,
)


def fit(
    data: DataArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; without it one in runs/, named by the settings."),
    ] = None,
    root: RootOption = None,
    task: TaskOption = None,
    channels: ChannelsOption = None,
    label: LabelOption = None,
    balance: Annotated[
        float | None,
        typer.Option(
            help="Balance ratio: normal windows for each window of a fault; without it 1, as many."
        ),
    ] = None,
    protocol: Annotated[
        Protocol | None,
        typer.Option(
            help="How data are divided for the test: block (the default), random, load, bearing or "
            "rig; plants by time (the default) or by plant."
        ),
    ] = None,
    train_loads: TrainLoadsOption = None,
    test_loads: TestLoadsOption = None,
    seed: SeedOption = 0,
    normal_windows: NormalWindowsOption = None,
    target: Annotated[
        int | None,
        typer.Option(
            help="Windows of a class after balancing; without it as many as the largest class has."
        ),
    ] = None,
    rate: RateOption = None,
    window: WindowOption = None,
    hop: HopOption = None,
    front_end: FrontEndOption = None,
    preset: PresetOption = None,
    classifier: Annotated[
        Classifier | None,
        typer.Option(
            help="Network: edge, simple_cnn or a vgg for scalograms, bands for order maps, "
            "lr_convlstm, deep_conv_lstm or lrcn for plants."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="How the imbalance between classes is met: dlrsd-smote (the default), none, "
            "class-weights, ros, rus, smote, smote-waveform, borderline-smote, adasyn, mixup, "
            "dablain-deepsmote, mansourifar-deep-smote, rus-weights, smote-weights, rus-smote or "
            "rus-smote-weights. For plants: rus-weights (the default), none, "
            "class-weights, ros, light-rus, smote, smote-weights, "
            "light-rus-smote or light-rus-smote-weights."
        ),
    ] = None,
) -> None:
    """Balance the classes, train a classifier, and write a run with its report."""
    require_packages(*TRAINING)
    # Imported here: torch takes seconds to load, and `--help` shall answer at once.
    from rich.console import Console

    from dlrsd.training.base.progress import bars
    from dlrsd.training.kinds.registry import kind_of, make_settings

    kind = kind_of(data)
    settings = make_settings(
        kind,
        data,
        root=root,
        task=task,
        channels=as_names(channels),
        label=label,
        protocol=protocol and protocol.value,
        train_loads=as_numbers(train_loads),
        test_loads=as_numbers(test_loads),
        balance=balance,
        n_normal=normal_windows,
        target=target,
        seed=seed,
        rate=rate,
        window=window,
        hop=hop,
        preset=preset and preset.value,
        classifier=classifier and classifier.value,
        front_end=front_end and front_end.value,
    )
    chosen = by_new_name(method or kind.reference, kind.former_methods)
    name = kind.run_name(settings)
    out = out or Path("runs") / (name if chosen == kind.reference else f"{name}-{chosen}")
    with bars(Console(stderr=True)) as progress:
        metrics = kind.fit(settings, out, method=chosen, progress=progress)
    first, *others = kind.summary(settings, metrics)
    print(f"{out}: {first}", *others, f"report: {out / 'report.html'}", sep="\n")
