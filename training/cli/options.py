"""Options that commands of ``dlrsd-train`` share, and what the texts given for them mean."""

from __future__ import annotations

from typing import Annotated

import typer

from dlrsd.runtime.base.errors import InputError, require

# Samples of a window and between windows, and the classifier, by front end.
DEFAULTS = {"scalogram": (1024, 512, "edge"), "order-map": (12288, 6144, "bands")}

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
OwnWindowOption = Annotated[
    int | None, typer.Option(help="Samples of a window: 1024; order map 12288; plants 24.")
]
OwnHopOption = Annotated[
    int | None, typer.Option(help="Samples between windows: 512; order map 6144; plants 4.")
]
SeedOption = Annotated[int, typer.Option(help="Of the split, the draw and the training.")]
TrainLoadsOption = Annotated[str | None, typer.Option(help="For the protocol load: 0,1")]
TestLoadsOption = Annotated[str | None, typer.Option(help="For the protocol load: 2,3")]
NormalWindowsOption = Annotated[int, typer.Option(help="Windows drawn of the normal class.")]
RateOption = Annotated[float | None, typer.Option(help="Model's rate in Hz; else the lowest.")]
FrontEndOption = Annotated[
    str,
    typer.Option(
        help="scalogram; or order-map: lines at the bearing's fault orders, which carry over to "
        "other bearings better, and need speeds and orders."
    ),
]
PresetOption = Annotated[str, typer.Option(help="Generator: edge, or paper (for a GPU).")]


def as_names(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",")) if text else None


def as_numbers(text: str | None, what: str = "loads") -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in text.split(",")) if text else None
    except ValueError:
        raise InputError(
            f"got {what} {text!r}: expected numbers separated by commas, such as 0,1"
        ) from None


def as_seeds(text: str) -> tuple[int, ...]:
    """Numbers and ranges of them: 0,3,5-7."""
    try:
        ranges = [part.partition("-") for part in text.split(",")]
        return tuple(
            seed for first, _, last in ranges for seed in range(int(first), int(last or first) + 1)
        )
    except ValueError:
        raise InputError(f"got seeds {text!r}: expected such as 0-9, or 0,3,5-7") from None


def by_front_end(
    front_end: str, window: int | None, hop: int | None, classifier: str | None
) -> tuple[int, int, str]:
    """Window, hop and classifier, where they are not given those of the front end."""
    usual_window, usual_hop, usual_classifier = DEFAULTS.get(front_end, DEFAULTS["scalogram"])
    if window is None:
        window = usual_window
    return window, usual_hop if hop is None else hop, classifier or usual_classifier


def require_packages(*others: str) -> None:
    for package in ("torch", "safetensors", "sklearn", "imblearn", "matplotlib", "scipy", *others):
        require(package, extra="train", purpose="training")
