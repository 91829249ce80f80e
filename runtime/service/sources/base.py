"""What every source is, and the facts that all sources of signal have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.wire import MOST_CHANNELS
from dlrsd.runtime.streams.raw import Dtype
from dlrsd.runtime.streams.stream_format import MAX_RATE_HZ

Give = Callable[[Block | Slow], Awaitable[None]]

_Scale = Annotated[float, Meta(ge=-1e30, le=1e30, extra_json_schema={"not": {"const": 0}})]


class Source(Protocol):
    """Where blocks of signal, or slow values, come from."""

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what comes until cancelled, or until standard input ends.

        What the outside does wrong is told as an `Event` and survived: connections are made again,
        what is not understood is left out. Events name neither machine nor source.

        Parameters
        ----------
        give : function
            Is awaited with each `Block` or `Slow`: while it waits nothing more is read.
        tell : function
            Is given each `Event`; it must not block.
        """
        ...


class SignalSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What is to be known of signal that its blocks do not say."""

    unit: Annotated[
        Literal["g", "m/s2"], Meta(description="Of the samples times the scale: g or m/s2")
    ] = "g"
    scale: Annotated[_Scale, Meta(description="How much of the unit one sent number is")] = 1.0
    sensors: Annotated[
        Annotated[list[Text], Meta(min_length=1)] | None,
        Meta(
            description="Names in machine.toml of the sensors that its channels are, in order; by "
            "default machine.toml says which channel is which",
        ),
    ] = None
    silent_s: Annotated[
        float,
        Meta(gt=0, le=1e7, description="After how many seconds without signal it is silent"),
    ] = 10.0

    def at(self, home: Path) -> SignalSource:
        """The same, with paths taken from the folder of ``watch.toml``."""
        del home
        return self

    def check(self) -> None:
        """Look at what it names outside the file.

        Raises
        ------
        InputError
            If a password is not there.
        """

    @property
    def names_sensors(self) -> bool:
        """Whether each block names the one sensor it is of."""
        return False

    def __post_init__(self) -> None:
        if self.scale == 0:
            raise ValueError("scale is 0: expected how much of the unit one sent number is")
        if self.sensors and len(set(self.sensors)) < len(self.sensors):
            raise ValueError(f"sensors are {self.sensors}: expected each name once")


class BytesSource(SignalSource, frozen=True, kw_only=True):
    """A source of bytes: blocks with a header each (see `wire`), or nothing but samples."""

    format: Annotated[
        Literal["blocks", "raw"],
        Meta(description="blocks: each with its header; raw: interleaved samples and no more"),
    ] = "blocks"
    dtype: Annotated[Dtype | None, Meta(description="Of raw samples")] = None
    rate: Annotated[
        Annotated[float, Meta(gt=0, le=MAX_RATE_HZ)] | None,
        Meta(description="Of raw samples, in Hz"),
    ] = None
    channels: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_CHANNELS)] | None,
        Meta(description="Of raw samples; by default one"),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format == "raw" and (self.dtype is None or self.rate is None):
            raise ValueError("raw samples need their dtype and rate: state both")
        if self.format == "blocks" and (self.dtype or self.rate or self.channels):
            raise ValueError(
                "dtype, rate and channels are of raw samples, and blocks say their own: leave them "
                'out, or state format = "raw"'
            )
