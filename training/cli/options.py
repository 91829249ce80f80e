"""Options that commands of ``dlrsd-train`` share, and what the texts given for them mean."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.training.cli.choices import FrontEnd, Preset

DataArgument = Annotated[
    str,
    typer.Argument(
        help="What to train on: the name of a data set of bearing-datasets, a folder with one "
        "sub-folder for every class, or several of these separated by commas; or a folder of "
        "plants (PHM 2015). The names rig, spalls and plant stand for simulated data."
    ),
]
RootOption = Annotated[
    str | None,
    typer.Option(help="Folder that holds the data sets; without it $BEARING_DATASETS_ROOT counts."),
]
TaskOption = Annotated[
    str | None,
    typer.Option(help="A known choice of recordings and classes of a data set, such as cwru10."),
]
ChannelsOption = Annotated[
    str | None,
    typer.Option(help="Channels to use, separated by commas; without it all accelerometers."),
]
LabelOption = Annotated[
    str | None,
    typer.Option(help="Columns of a data set's table that make the class, joined by +."),
]
WindowOption = Annotated[
    int | None,
    typer.Option(
        help="Samples of a window; without it 1024 for scalograms, 12288 for order maps and 24 for "
        "plants."
    ),
]
HopOption = Annotated[
    int | None,
    typer.Option(
        help="Samples from one window to the next; without it 512 for scalograms, 6144 for order "
        "maps and 4 for plants."
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(
        help="Number that all random choices follow from: which part is tested, which windows are "
        "drawn, and the networks' first weights."
    ),
]
TrainLoadsOption = Annotated[
    str | None,
    typer.Option(help="Loads to train on, for the protocol load, separated by commas: 0,1"),
]
TestLoadsOption = Annotated[
    str | None,
    typer.Option(help="Loads to test on, for the protocol load, separated by commas: 2,3"),
]
NormalWindowsOption = Annotated[
    int | None,
    typer.Option(help="Windows to draw of the normal class; without it 2000."),
]
RateOption = Annotated[
    float | None,
    typer.Option(help="Sampling rate of the model in Hz; without it the lowest of the recordings."),
]
FrontEndOption = Annotated[
    FrontEnd | None,
    typer.Option(
        help="What a window is turned into: scalogram; order-map, the lines at the bearing's fault "
        "orders; lines, the same of the whitened band by place; or fusion, all of them weighed "
        "together. All but the scalogram need speeds and orders. Without it scalogram; under load, "
        "bearing and rig fusion, where all recordings state both and neither window, hop nor "
        "classifier is given."
    ),
]
PresetOption = Annotated[
    Preset | None,
    typer.Option(help="Size of the generator: edge, which is the default, or paper, for a GPU."),
]


def as_names(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",")) if text else None


def as_numbers(text: str | None, what: str = "loads") -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in text.split(",")) if text else None
    except ValueError:
        raise InputError(
            f"got {what} {text!r}: expected numbers separated by commas, such as 0,1"
        ) from None


_MOST_SEEDS = 10_000  # in a range


def as_seeds(text: str) -> tuple[int, ...]:
    """Numbers and ranges of them: 0,3,5-7."""
    try:
        parts = [part.partition("-") for part in text.split(",")]
        ranges = [range(int(a), int(b if dash else a) + 1) for a, dash, b in parts]
        if any(each.stop - each.start > _MOST_SEEDS for each in ranges):
            raise ValueError
        return tuple(seed for each in ranges for seed in each)
    except ValueError:
        raise InputError(f"got seeds {text!r}: expected such as 0-9, or 0,3,5-7") from None


def by_new_name(method: str, former: Mapping[str, str]) -> str:
    """A method by the name that it has now; a former one still works, and is told of."""
    if method not in former:
        return method
    print(f"note: method {method} is called {former[method]} now", file=sys.stderr)
    return former[method]


# What training a network takes; whatever only looks at data does without.
TRAINING = ("torch", "safetensors", "sklearn", "imblearn", "matplotlib", "scipy")


def require_packages(*packages: str) -> None:
    """Make sure that packages can be imported, before anything is written.

    Raises
    ------
    ExtraMissingError
        If one cannot.
    """
    for package in packages:
        require(package, extra="train", purpose="training")
