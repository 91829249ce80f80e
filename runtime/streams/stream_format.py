"""What is stated of a stream from outside it: the caller's options and the sidecar, checked.

A sidecar is the file `NAME.bin.json` beside `NAME.bin`: an object with some of the fields of
`StreamFormat`.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded
from dlrsd.runtime.base.formats import (
    MOST_JSON,
    Count,
    Finite,
    FormatError,
    Positive,
    checked,
    json_schema,
    parse_json,
)
from dlrsd.runtime.dsp.order_map_config import ORDERS, Order
from dlrsd.runtime.streams.raw import DTYPES, Dtype
from dlrsd.runtime.streams.turning import parse_turning
from dlrsd.runtime.streams.units import unit_name

MAX_RATE_HZ = 1e8


class StreamFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a stream from outside it; None is not known.

    Parameters
    ----------
    dtype : {"f32le", "f64le", "s16le", "s24le", "s32le"}, optional
        Of raw samples. Integers count as they are stored, not as a fraction of full scale.
    rate : float > 0 and at most `MAX_RATE_HZ`, optional
        Sampling rate in Hz.
    channels : int > 0, optional
        Interleaved channels.
    scale : float, optional
        `unit` per stored value, 1 if nobody states it. WAV and FLAC files of integers are stored
        as a fraction of full scale.
    unit : {"g", "m/s2"}, optional
        Of the scaled samples. A bundle of another unit takes that one only.
    start : str, optional
        ISO 8601 time of the first sample.
    variable : str, optional
        Series to read from a file that names its series, or several separated by commas.
    speed_rpm : float > 0, optional
        Of the shaft, in revolutions per minute.
    orders : dict of str to float > 0, optional
        ``bpfo``, ``bpfi``, ``bsf`` and ``ftf`` of its bearing, in multiples of the shaft's speed.
    tacho : str, optional
        The channel that tells how the shaft turns, as `parse_turning` reads it.
    load : float, optional
        At which the machine ran, in the unit that its ``machine.toml`` has.
    """

    # A description says what a value must be: messages quote it.
    dtype: Annotated[Dtype | None, Meta(description=f"one of {', '.join(DTYPES)}")] = None
    rate: Annotated[
        Annotated[float, Meta(gt=0, le=MAX_RATE_HZ)] | None,
        Meta(description=f"a number above 0 and at most {MAX_RATE_HZ:g}, in Hz"),
    ] = None
    channels: Annotated[
        Count | None, Meta(description=f"an integer above 0 and at most {2**31}")
    ] = None
    scale: Annotated[
        Annotated[float, Meta(ge=-1e30, le=1e30, extra_json_schema={"not": {"const": 0}})] | None,
        Meta(description="a number other than 0, from -1e30 to 1e30"),
    ] = None
    unit: Annotated[str | None, Meta(description="one of g, m/s2, or the bundle's own")] = None
    start: Annotated[str | None, Meta(description="an ISO 8601 time like 2026-01-31T12:00:00Z")] = (
        None
    )
    variable: Annotated[str | None, Meta(description="the name of a series")] = None
    speed_rpm: Annotated[Positive | None, Meta(description="a number above 0, in rpm")] = None
    orders: Annotated[
        Annotated[
            dict[Order, Positive],
            Meta(
                min_length=len(ORDERS), extra_json_schema={"propertyNames": {"enum": list(ORDERS)}}
            ),
        ]
        | None,
        Meta(
            description=f"{', '.join(ORDERS)}, each a number above 0 in multiples of the shaft's "
            "speed"
        ),
    ] = None
    tacho: Annotated[
        str | None,
        Meta(
            description="a channel's number or name, alone or with a comma and its pulses a turn, "
            "or with ,rpm where it holds the speed"
        ),
    ] = None
    load: Annotated[Finite | None, Meta(description="a number from -1e6 to 1e6")] = None


def sidecar_schema() -> dict[str, Any]:
    """The content of the published ``sidecar.schema.json``."""
    return json_schema(
        StreamFormat, identifier="dlrsd-sidecar", title="What a sidecar states of a recording"
    )


class Stated:
    """Who states which fact: the option before the sidecar, the file's header, the bundle.

    ``by`` keeps who stated each fact that was settled, ``assumed`` what only the bundle stated.
    """

    def __init__(self, options: StreamFormat, sidecar: StreamFormat) -> None:
        self.options = options
        self.sidecar = sidecar
        self.by: dict[str, str] = {}
        self.assumed: dict[str, Any] = {}

    def first(self, fact: str) -> tuple[Any, str | None]:
        """What option or sidecar says, and which of them; (None, None) if neither does."""
        for who, said in (("option", self.options), ("sidecar", self.sidecar)):
            if (value := getattr(said, fact)) is not None:
                return value, who
        return None, None

    def settle(self, fact: str, header: Any, assumed: Any) -> Any:
        """The value of a fact, given what the header says (None: nothing) and the bundle."""
        value, who = self.first(fact)
        if who is not None:
            self.by[fact] = who
            return value
        self.by[fact] = "bundle" if header is None else "file"
        if header is None:
            self.assumed[fact] = assumed
            return assumed
        return header


def read_sidecar(path: Path, *, bundle_unit: str | None) -> StreamFormat:
    """What the sidecar ``path`` states, checked; nothing if there is no such file."""
    try:
        values = parse_json(read_bounded(path, most=MOST_JSON))
    except FileNotFoundError:
        return StreamFormat()
    except (OSError, FormatError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected JSON") from error
    known = list(StreamFormat.__struct_fields__)
    if not isinstance(values, dict):
        raise InputError(f"{path} holds {values!r:.40}: expected an object with {known}")
    if unknown := sorted(set(values) - set(known)):
        raise InputError(f"{path} states {_shown(unknown)}: expected only some of {known}")
    return checked_format(StreamFormat(**values), f"{path}: ", bundle_unit=bundle_unit)


def checked_format(fmt: StreamFormat, origin: str, *, bundle_unit: str | None) -> StreamFormat:
    """The same with a normal unit name, if every fact in it is possible.

    Raises
    ------
    InputError
        If one is not; the message begins with ``origin``.
    """
    for fact, value in structs.asdict(fmt).items():
        if value is None:
            continue
        try:
            checked({fact: value}, StreamFormat)
            read = {"start": parse_start, "tacho": parse_turning}.get(fact)
            is_possible = read is None or read(value) is not None
        except FormatError:
            is_possible = False
        if not is_possible or (fact == "scale" and value == 0):
            expected = sidecar_schema()["$defs"]["StreamFormat"]["properties"][fact]["description"]
            raise InputError(f"{origin}{fact} is {_shown(value)}: expected {expected}")
    unit = unit_name(fmt.unit)
    units = list(dict.fromkeys(("g", "m/s2", unit_name(bundle_unit))))
    if unit not in (None, *units):
        raise InputError(
            f"{origin}unit is {_shown(unit)}: expected one of {', '.join(map(str, units))}"
        )
    channels = None if fmt.channels is None else int(fmt.channels)
    return structs.replace(fmt, unit=unit, channels=channels)


def _shown(value: Any) -> str:
    """A value as a message quotes it, not more than a line of it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def parse_orders(text: str) -> dict[Order, float]:
    """The ``orders`` that four numbers separated by commas state.

    Raises
    ------
    InputError
        If they are not four numbers.
    """
    try:
        return dict(zip(ORDERS, map(float, text.split(",")), strict=True))
    except ValueError as error:
        raise InputError(
            f"option orders is {text!r}: expected {','.join(ORDERS)} as four numbers in multiples "
            "of the shaft's speed, like 3.585,5.415,2.357,0.398"
        ) from error


def parse_start(text: str) -> datetime | None:
    """The time that ISO 8601 text states, None if it states none."""
    # Python 3.10 reads neither the Z nor fractions of other than 3 or 6 digits.
    text = re.sub(r"[Zz]$", "+00:00", text.strip())
    text = re.sub(r"[.,](\d+)", lambda found: f".{found[1]:0<6.6}", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # What follows it, and the same in UTC, must be a time as well.
    return moment if 1 < moment.year < 9999 else None
