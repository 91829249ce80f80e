"""What the attributes of a file say of its series: rate, unit and start, in the many spellings.

Attributes are name and value pairs of whatever a library gives (HDF5 attributes, TDMS properties,
lines before a table). A value that nobody set is no fact: acquisition programs write 1904, 1970 or
the year 0 or 1 for a start, and a sampling interval of exactly 1 s, where they know none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from dlrsd.runtime.streams.stream_format import parse_start
from dlrsd.runtime.streams.units import known_unit, time_unit, time_unit_in, unit_in

_RATE = re.compile(
    r"(fs|sr|f_s|sf|sps|odr|srate|rate|(samples?|sampling|samp|acquisition|acq|scan|daq|adc|data)_?"
    r"(rate|freq|frequency)(_in)?|(f|freq|frequency)_?(samp|sample|sampling)|rate_?hz|abtastrate"
    r"|(ab)?tastfrequenz|samples_(per_)?(s|sec|second)|frequency_of_sampling"
    r"|frequence_echantillonnage)"
)
_INTERVAL = re.compile(
    r"(dt|d_t|ts|delta_?[tx]|wf_increment|[tx]_?(increment|incr|step|delta)|increment|(sample|sampling)_?"
    r"(interval|period|time|step)|abtastintervall|abscissa_(inc|increment|spacing)|period"
    r"|time_?(step|delta|increment|interval)|[tx]_?(axis|values)_(delta|increment|incr|step))"
)
_UNIT = re.compile(
    r"(((wf|engineering|eng|physical|phys|measurement|signal|data|values?|amplitude|acc|acceleration"
    r"|vib|vibration)_)?(y_?)?((?<=y_)(axis|values)_)?units?(_?(string|label|name|description|text))?"
    r"|einheit|eu|uom)"
)
# A name that says what a quantity is: that of a unit only where it is a known one.
_LABEL = re.compile(r"(y_values_)?quantity(_(label|name))?")
# A title, which may hold the unit of an acceleration beside other words.
_TITLE = re.compile(r"(y_?|axis_|ordinate_)?label|long_name")
_IN_TITLE = re.compile(r"(?:[(\[]|\bin\s)\s*([^()\[\]]+?)\s*[)\]]?$")
# By what integers may have to be multiplied; or have been, for all that a name says.
_FACTOR = re.compile(
    r"((scale|scaling|conversion|calibration|cal|gain|multiplication)(_?(factor|coefficient|value))?"
    r"|factor|multiplier|slope|sensitivity|lsb|((volts?|g|v|mv|units?)_per_"
    r"(count|bit|lsb|digit)s?))"
)
_START = re.compile(
    r"((wf_)?((recording|acquisition|measurement)_)?(start|begin|recording|acquisition|measurement|trigger)_?(time|date|datetime|at|utc"
    r"|timestamp)?|timestamp|date_?time|(created|recorded)_?(at|on)?|t0|startzeit)"
)
_RATE_UNITS = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "s/s": 1.0, "sps": 1.0, "ks/s": 1e3, "": 1.0}
_RATE_UNITS |= {"ksps": 1e3, "msps": 1e6, "ms/s": 1e6}
_BRACKETED = re.compile(r"(.+?)\s*[(\[]([a-zA-Z/]+)[)\]]\s*")
# Beside ISO 8601: as MATLAB, C and people write what can be read in one way only.
_WRITTEN = (
    *(
        f"{date}{time}"
        for date in ("%d-%b-%Y", "%d %b %Y", "%d.%m.%Y", "%Y/%m/%d", "%b %d %Y", "%b %d, %Y")
        for time in (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p")
    ),
    "%a %b %d %H:%M:%S %Y",
)
_DATENUM = (730_852.0, 752_400.0)  # days of MATLAB from 2001 to 2060
_1970_AS_DATENUM = 719_529
# Years from which programs count: a start in the first two days of one was never set. Clocks of
# devices that were never set begin with 1980 or 2000.
_EPOCHS = (1, 1601, 1899, 1900, 1904, 1970)
_FROM_2001, _TO_2060 = 9.783e8, 2.84e9  # seconds since 1970
_DEVICE_EPOCHS = (1980, 2000)


def rate_of(attributes: Mapping[str, Any]) -> float | None:
    """The sampling rate in Hz that attributes state, or None.

    A number, or a text like "25.6 kHz"; of a rate, or of the interval between two samples. Not a
    number, zero and below are handed on as they are: whoever uses it has to refuse them. An
    interval of exactly 1 s is no fact.
    """
    return next(iter(rates_of(attributes).values()), None)


def rates_of(attributes: Mapping[str, Any]) -> dict[str, float]:
    """Every sampling rate in Hz that attributes state, by name; rates before intervals."""
    keys = {_key(name): _text(value) for name, value in attributes.items()}
    rates, intervals = {}, {}
    for name, value in attributes.items():
        bracketed = _BRACKETED.fullmatch(name)  # sample rate (kS/s)
        is_rated = bracketed is not None and bracketed[2].lower() in _RATE_UNITS
        key = _key(bracketed[1] if bracketed and is_rated else name)
        number, written = _number(value)
        written = written or (bracketed[2] if bracketed and is_rated else _unit_beside(key, keys))
        if number is None:
            continue
        bare, _, unit = key.rpartition("_")
        if _RATE.fullmatch(key) or (unit in _RATE_UNITS and _RATE.fullmatch(bare)):
            factor = _RATE_UNITS.get(written.lower() or (unit if unit in _RATE_UNITS else ""))
            if factor is not None:
                rates[name] = number * factor
        stated = time_unit_in(name) if re.search(r"[\s_(\[/]", name) else None
        bare = re.sub(r"_[a-zµ]+$", "", key) if stated else key
        if _INTERVAL.fullmatch(key) or (stated and _INTERVAL.fullmatch(bare)):
            seconds = time_unit(written) if written else stated or 1.0
            if seconds is not None and number * seconds != 1.0:
                intervals[name] = 1 / (number * seconds) if number else np.inf
    return rates | intervals


def unclear_of(attributes: Mapping[str, Any]) -> tuple[str, str]:
    """What attributes state of the rate, and of the start, that is not understood.

    Each as in "fs = 25,600"; empty where there is none.
    """
    found = {"rate": "", "start": ""}
    rates = rates_of(attributes)
    for name, value in attributes.items():
        key, text = _key(name), _text(value)
        if _RATE.fullmatch(key) and key != "rate" and name not in rates and re.search(r"\d", text):
            found["rate"] = found["rate"] or f"{name} = {text:.40}"
        elif _START.fullmatch(key) and len(re.findall(r"\d", text)) >= 6 and _moment(value) is None:
            number, _ = _number(value)
            if number is None and not re.match(r"000[01]\b", text):
                found["start"] = found["start"] or f"{name} = {text:.40}"
    return found["rate"], found["start"]


def factor_of(attributes: Mapping[str, Any]) -> tuple[str, float] | None:
    """What may have to be multiplied with integers, or was already: its name and value, or None.

    Programs write a gain, a sensitivity or a scale beside the numbers of a converter, and only the
    person who set it up knows which way it goes.
    """
    for name, value in attributes.items():
        if _FACTOR.fullmatch(_key(name)):
            number, _ = _number(value)
            if number is not None and number not in (0.0, 1.0):
                return name, number
    return None


def unit_of(attributes: Mapping[str, Any]) -> str | None:
    """The unit that attributes state, as written, or None."""
    for name, value in attributes.items():
        if _UNIT.fullmatch(_key(name)) and (text := _text(value)) and text.upper() != "NONE":
            return known_unit(text) or (None if "," in text else unit_in(text)) or text
    for name, value in attributes.items():
        if _LABEL.fullmatch(_key(name)) and (known := known_unit(_text(value))) is not None:
            return known
    for name, value in attributes.items():
        unit = _IN_TITLE.search(_text(value)) if _TITLE.fullmatch(_key(name)) else None
        if unit is not None and (known := known_unit(unit[1])) in ("g", "m/s2"):
            return known
    return None


def start_of(attributes: Mapping[str, Any]) -> datetime | None:
    """The time of the first sample that attributes state, or None.

    A time without a zone stays without one; one of a type that is UTC by definition has it.
    """
    for name, value in attributes.items():
        if _START.fullmatch(_key(name)) and (moment := _moment(value)) is not None:
            return moment if is_set(moment) else None
    return None


def is_set(moment: datetime) -> bool:
    """Whether a time is a fact, not what a program writes where it knows none."""
    day = (moment.month, moment.day)
    is_epoch = moment.year in _EPOCHS and day in ((1, 1), (1, 2), (12, 30), (12, 31))
    is_midnight = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return not (is_epoch or (moment.year in _DEVICE_EPOCHS and day == (1, 1) and is_midnight))


def decoded(text: bytes) -> str:
    """A text of a file that does not say its encoding: UTF-8, or else that of Windows."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _unit_beside(key: str, keys: Mapping[str, str]) -> str:
    """The unit in an attribute of its own: "dt_unit" of "dt", "x_axis_unit" of "x_axis_delta"."""
    axis = re.match(r"([tx]_?(axis|values))_", key)
    stems = [key, *([axis[1]] if axis else [])]
    if key == "wf_increment" and "wf_xunit_string" in keys:
        return keys["wf_xunit_string"]
    named = (f"{stem}{end}" for stem in stems for end in ("_unit", "_units", "_quantity_label"))
    return next((keys[name] for name in named if keys.get(name)), "")


def _key(name: str) -> str:
    name = name.strip().replace("kHz", "khz").replace("MHz", "mhz")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)  # SampleRate
    return re.sub(r"[^a-z0-9µ]+", "_", spaced.lower()).strip("_")


def _scalar(value: Any) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[0] if array.size == 1 else None


def _number(value: Any) -> tuple[float | None, str]:
    """A number and the unit written behind it."""
    single = _scalar(value)
    if isinstance(single, (bool, np.bool_)) or single is None:
        return None, ""
    if isinstance(single, (int, float, np.integer, np.floating)):
        return float(single), ""
    found = re.fullmatch(
        r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?|nan)\s*\[?([^\d\s\]]*)\]?\s*", _text(value)
    )
    if not found:
        return None, ""
    try:
        return float(found[1]), found[2]
    except ValueError:
        return None, ""


def _text(value: Any) -> str:
    single = _scalar(value)
    if isinstance(single, bytes):
        return decoded(single).strip("\0 ")
    return str(single).strip() if single is not None else ""


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    single = _scalar(value)
    if isinstance(single, np.datetime64):
        if np.isnat(single):
            return None
        try:
            naive: Any = single.astype("datetime64[us]").astype(datetime)
        except (ValueError, OverflowError):
            return None
        return naive.replace(tzinfo=timezone.utc) if isinstance(naive, datetime) else None
    if isinstance(single, (int, float, np.number)) and not isinstance(single, bool):
        return _since_1970(float(np.real(single)))
    return parse_start(_text(value)) or _written(_text(value))


def _written(text: str) -> datetime | None:
    if not 10 < len(text) < 40:
        return None
    for form in _WRITTEN:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def _since_1970(number: float) -> datetime | None:
    """The time that a number counts in s, ms, us or ns since 1970, if it is one of 2001 to 2060.

    One with a fraction may count days, as MATLAB does.
    """
    if _DATENUM[0] < number < _DATENUM[1] and not number.is_integer():
        return datetime(1970, 1, 1) + timedelta(days=number - _1970_AS_DATENUM)
    for per_second in (1, 1e3, 1e6, 1e9):
        if _FROM_2001 < number / per_second < _TO_2060:
            micros = round(number / per_second * 1e6)
            return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)
    return None
