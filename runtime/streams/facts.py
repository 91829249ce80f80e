"""Whether what is stated of a stream fits what its file says and what the bundle expects."""

from __future__ import annotations

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.chosen_clock import left_aside
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.quantities import ACCELERATIONS, OTHER_UNITS, other_quantity
from dlrsd.runtime.streams.source import Source
from dlrsd.runtime.streams.stream_format import MAX_RATE_HZ, Stated
from dlrsd.runtime.streams.units import CLOCK_UNITS, unit_name

_MOST_LISTED = 8
STANDARD_GRAVITY = 9.80665  # m/s2 in one g
# The clock of a plant is uneven: rates of a slow signal this close are the same rate.
_SAME_SLOW_RATE = 5e-2
# An option contradicts a file's header beyond this; short files give a rate from few timestamps.
_CONTRADICTING_RATE = 1e-2


def check_header(stated: Stated, source: Source, name: str) -> None:
    """Raise an `InputError` where what is stated contradicts the file's own header."""
    dtype, who = stated.first("dtype")
    if dtype is not None:
        raise InputError(
            f"{who} dtype is {dtype}, but {name} is a {source.kind} file and states its own: omit "
            f"it, or rename the file to .bin to read it as raw samples"
        )
    channels, who = stated.first("channels")
    if channels not in (None, source.channels):
        raise InputError(f"{who} channels is {channels}, but {name} has {source.channels}: omit it")
    options, header = stated.options, source.rate_hz
    note = f" ({source.rate_note})" if source.rate_note else ""
    if header is not None and not 0 < header <= MAX_RATE_HZ:
        if stated.first("rate")[0] is None:
            raise InputError(
                f"{name} states a rate of {header:g} Hz, which cannot be{note}: give rate"
            )
    elif header:
        _check_rate(stated, source, name, note)
    if source.scale_note and stated.first("scale")[0] is None:
        raise InputError(f"{name} {source.scale_note}: state scale")
    # With a scale, the unit is that of the scaled samples and may well be another.
    unit = unit_name(source.unit)
    if unit is not None and options.unit not in (None, unit) and options.scale is None:
        raise InputError(
            f"option unit is {options.unit}, but {name} states {unit}: omit it, or give the scale "
            f"from {unit} to {options.unit} too"
        )


def _check_rate(stated: Stated, source: Source, name: str, note: str) -> None:
    """Check a stated rate against that of a file, and leave a doubtful clock aside for it."""
    rate, who = stated.first("rate")
    header = source.rate_hz
    units = CLOCK_UNITS if source.rate_note else CLOCK_UNITS[:1]
    if rate is None or header is None:
        return
    if any(abs(rate / unit - header) <= _CONTRADICTING_RATE * header for unit in units):
        return
    if who == "option" and not source.clock_doubt:
        advice = "omit it, or correct the file"
        if source.clock:
            advice = (
                f"omit it; if its column {source.clock!r} is no clock, state the rate in a file "
                f"{name}.json beside it, which wins over the column"
            )
        raise InputError(
            f"option rate is {rate:g}, but {name} states {header:g} Hz{note}: {advice}"
        )
    if source.clock:
        source.follows_clock = False
        source.warnings[:] = [each for each in source.warnings if each != source.clock_doubt]
        source.warnings.append(left_aside(source.clock, rate, name))


def check_quantity(source: Source, unit: str | None, name: str, aside: int | None = None) -> None:
    """Check that no channel that nobody chose is plainly no vibration, by its unit or name.

    Parameters
    ----------
    source : Source
    unit : str or None
        What is expected; all of this holds for accelerations only, which None stands for too.
    name : str
        What messages call the file.
    aside : int, optional
        The channel of a tacho.

    Raises
    ------
    NoRecordingError
        If none of the channels is a vibration.
    InputError
        If some are.
    """
    if unit is not None and unit_name(unit) not in ACCELERATIONS:
        return
    others = {
        each: what
        for at, each in enumerate(source.channel_names)
        if at != aside and (what := other_quantity(each)) is not None
    }
    if unit_name(source.unit) in OTHER_UNITS:
        raise NoRecordingError(
            f"{name} is in {source.unit!r}, which is no unit of a vibration: expected "
            f"{unit or 'g'!r}; where it does hold vibrations, name them as variable and state the "
            f"scale"
        )
    if not others:
        return
    listed = ", ".join(f"{each!r} ({what})" for each, what in list(others.items())[:_MOST_LISTED])
    if len(others) == source.channels - (aside is not None):
        raise NoRecordingError(
            f"{name} holds no vibration, but {listed}: expected accelerations; where it does hold "
            f"them, name them as variable"
        )
    raise InputError(
        f"{name} holds more than vibrations, {listed}: name the channels to read as variable, and "
        "a tacho or a speed as tacho"
    )


def check_interval(got_s: float, wanted_s: float, name: str) -> None:
    """Raise an `InputError` unless a slow signal is sampled as the bundle takes it."""
    if abs(got_s - wanted_s) > _SAME_SLOW_RATE * wanted_s:
        raise InputError(
            f"{name} has a sample every {got_s:g} s: expected one every {wanted_s:g} s, as the "
            f"bundle takes them; check the clock or the rate, or bring it to that interval first"
        )


def unit_factor(unit: str, wanted: str, name: str) -> float:
    """What samples of a unit are multiplied by to be in the wanted one."""
    pair = unit_name(unit), unit_name(wanted)
    if pair[0] == pair[1]:
        return 1.0
    if pair == ("g", "m/s2"):
        return STANDARD_GRAVITY
    if pair == ("m/s2", "g"):
        return 1 / STANDARD_GRAVITY
    raise InputError(
        f"{name} is in {unit!r} and the bundle in {wanted!r}: expected the same unit, or g and "
        f"m/s2; state unit, and the scale that leads to it"
    )
