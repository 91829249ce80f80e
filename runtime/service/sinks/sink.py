"""What every output is: one protocol, and what its part of watch.toml has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.base.secrets import read_secret
from dlrsd.runtime.service.sinks.payload import Kind, Message
from dlrsd.runtime.service.sinks.tls import trusting

TIME_LIMIT_S = 10.0  # for one step with the other side: to connect, to hand over one message

Says = Annotated[
    tuple[Kind, ...],
    Meta(min_length=1, description='What it is told: any of "alarm", "state", "minute", "event".'),
]


class NotDelivered(Exception):
    """The other side did not take a message; the text says why, in one line without secrets."""


class Refused(NotDelivered):
    """The other side is there, and has the other messages, but will not take this one."""


class Sink(Protocol):
    """An output: opened, given messages, closed; after any failure closed and opened anew.

    ``name`` is unique among the outputs; ``says`` is which kinds of messages it is given.
    Every method but ``close`` raises what went wrong: `NotDelivered`, a `DlrsdError` for a mistake
    in its settings, or an `OSError`.
    """

    name: str
    says: tuple[Kind, ...]

    async def open(self) -> None:
        """Reach the other side as far as that can be done before there is a message."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Hand messages over; returns only when the other side has every one of them."""

    async def close(self) -> None:
        """Let go of the other side; never raises. May be called twice."""


class SinkConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all outputs have."""

    name: Annotated[Text, Meta(max_length=100, description="Its own, unique among the outputs.")]
    says: Says = ("alarm", "event")

    def sink(self, home: Path = Path()) -> Sink:
        """The output that it describes, not opened yet; relative paths begin in ``home``."""
        raise NotImplementedError

    def check(self, home: Path = Path()) -> None:
        """Whether the secret and the certificates that it names are there.

        Raises
        ------
        InputError
            If one is not.
        """
        for what in ("key", "password"):
            env, file = (getattr(self, f"{what}_{kind}", None) for kind in ("env", "file"))
            read_secret(what, env=env, file=file)
        if ca_file := getattr(self, "ca_file", None):
            trusting(home / ca_file)


async def send_each(
    messages: Sequence[Message], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Send one after the other; one that is refused keeps back none behind it.

    Raises
    ------
    Refused
        At the end, where one was.
    """
    refusals = [why for message in messages if (why := await _refusal(send, message))]
    if refusals:
        raise refusals[0]


async def _refusal(send: Callable[[Message], Awaitable[None]], message: Message) -> Refused | None:
    try:
        await send(message)
    except Refused as error:
        return error
    return None
