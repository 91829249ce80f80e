"""The channel of a recording that tells how the shaft turns, and what is no sample beside it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import Source, Variable

RPM = "rpm"
MAX_PULSES = 100_000
_DIGITS = 6  # of a number that may be meant


class Turning(Struct, frozen=True):
    """What is stated of it.

    Parameters
    ----------
    channel : int >= 0 or str
        Its number in the recording or its name there.
    pulses_per_turn : int > 0 or None
        None where the channel holds the speed in revolutions per minute.
    """

    channel: int | str
    pulses_per_turn: int | None = 1

    def __str__(self) -> str:
        return f"{self.channel},{self.pulses_per_turn or RPM}"


def parse_turning(text: str) -> Turning | None:
    """What ``CHANNEL``, ``CHANNEL,PULSES`` or ``CHANNEL,rpm`` states; None if it states nothing.

    >>> parse_turning("1"), parse_turning("tacho, 2"), parse_turning("rpm,rpm")
    (Turning(channel=1, pulses_per_turn=1), Turning(channel='tacho', pulses_per_turn=2), \
Turning(channel='rpm', pulses_per_turn=None))
    >>> parse_turning("rpm").pulses_per_turn, parse_turning("1,0"), parse_turning(" ")
    (None, None, None)
    """
    channel, comma, what = (part.strip() for part in text.rpartition(","))
    if not comma:
        # A channel whose whole name is "rpm" holds it.
        channel, what = what, RPM if what.lower() == RPM else "1"
    is_count = what.isdecimal() and len(what) <= _DIGITS and 0 < int(what) <= MAX_PULSES
    if not channel or not (what == RPM or is_count):
        return None
    number = int(channel) if channel.isdecimal() and len(channel) <= _DIGITS else channel
    return Turning(number, None if what == RPM else int(what))


def with_turning(variable: Variable, turning: Turning | None) -> Variable:
    """The series to read, with the one that tells how the shaft turns if it is stated by name."""
    if turning is None or not isinstance(variable, str) or isinstance(turning.channel, int):
        return variable
    names = [name.strip() for name in variable.split(",")]
    return variable if turning.channel in names else f"{variable},{turning.channel}"


def turning_number(turning: Turning, names: Sequence[str], channels: int, source: str) -> int:
    """The number of its channel.

    Raises
    ------
    InputError
        If the recording has none of that number or name, or no channel beside it.
    """
    at = turning.channel
    has = ", ".join(map(repr, names[:8])) if names else f"{channels} without names"
    if isinstance(at, str):
        at = list(names).index(at) if at in names else channels
    if at >= channels:
        raise InputError(
            f"the tacho is channel {turning.channel!r}, and {source} has {has}: expected one of "
            "these names, or a number from 0"
        )
    if channels == 1:
        raise InputError(
            f"the tacho is the only channel of {source}: expected one of vibration beside it"
        )
    return at


def settle_units(source: Source, aside: int | None) -> None:
    """Take the unit that the samples have in common, whatever that of the tacho is.

    Raises
    ------
    InputError
        If they have none in common.
    """
    if not source.unit_unclear:
        return
    units = {unit for at, unit in enumerate(source.units) if at != aside}
    if len(units) > 1:
        raise InputError(f"{source.unit_unclear}, and a tacho or a speed among them as tacho")
    source.unit = units.pop()
