"""Units as people write them: of a signal and of a clock, alone or behind a name.

A header cell often holds both: ``acc (m/s^2)``, ``Beschleunigung [g]``, ``Time/s``, ``t_us``. What
is in brackets, behind a slash or a comma, or behind the last underscore or blank is taken for a
unit if it is a known one; anything else is part of the name. A single letter behind an underscore
is one only if it is g or s: ``acc_V`` may be the vertical one.
"""

from __future__ import annotations

import re

_ACCELERATION = {
    **dict.fromkeys(("g", "gn", "g0", "gs", "g_n", "grav", "g's"), "g"),
    **dict.fromkeys(
        (
            *("m/s2", "m/s^2", "m/s**2", "m/s²", "m/sec^2", "m/sec2", "m/sec²", "m/s/s", "mps2"),
            *("ms-2", "ms^-2", "m s-2", "m s^-2", "m*s^-2", "m·s^-2", "m·s-2", "m s⁻²", "ms⁻²"),
            *("m.s-2", "m/s^(2)", "(m/s)/s", "meter/s^2", "m/(s^2)", "m_s2", "m_s^2", "ms2"),
        ),
        "m/s2",
    ),
}
# Others that a vibration recording may be in. They are not converted, but they are said.
_OTHERS = {
    each.lower(): each
    for each in (
        *("mg", "mm/s2", "mm/s", "m/s", "in/s", "ips", "um", "mil", "mils", "V", "mV", "uV"),
        *("Pa", "A", "mA", "N", "Nm", "degC", "rpm", "Hz", "counts", "%", "K", "bar", "kW"),
        *("cm/s2", "ft/s2", "in/s2", "Gal", "mGal", "ug", "dB", "mm", "cm", "m", "in", "ft", "psi"),
        *("kPa", "MPa", "deg", "rad", "kHz", "degF", "cm/s", "kN", "mV/g", "LSB", "digits"),
    )
}
_OTHERS |= {"µm": "um", "µv": "uV", "mm/s^2": "mm/s2", "mm/s²": "mm/s2", "volt": "V", "volts": "V"}
_OTHERS |= {
    "mm_s": "mm/s",
    "mm_s2": "mm/s2",
    "mms2": "mm/s2",
    "in_s": "in/s",
    "µg": "ug",
    "°": "deg",
}
_OTHERS |= {f"{a}/s{two}": f"{a}/s2" for a in ("cm", "ft", "in") for two in ("^2", "²", "**2")}
_OTHERS |= {"milli-g": "mg", "°c": "degC", "inch/s": "in/s", "1/min": "rpm", "u/min": "rpm"}

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunde", "sekunden"), 1.0),
    **dict.fromkeys(("seconde", "secondes", "segundos", "secondi"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("millisekunden", "millis"), 1e-3),
    **dict.fromkeys(
        ("us", "µs", "μs", "usec", "microsecond", "microseconds", "mikrosekunden"), 1e-6
    ),
    **dict.fromkeys(("micros", "microseconde", "microsecondes"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds", "nanos"), 1e-9),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "stunden"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "tage"), 86400.0),
}
# In one second; a clock that states no unit may be in any of them.
CLOCK_UNITS = (1.0, 1e3, 1e6, 1e9)
# In brackets at the end; or behind a slash, comma or colon; or behind the last underscore or blank.
_BRACKETS = re.compile(r"[(\[{<]\s*([^()\[\]{}<>]*(?:\([^()]*\))?[^()\[\]{}<>]*)\s*[)\]}>]\s*\.?$")
_SEPARATED = re.compile(r"(?:\s*[,:;]\s*|\s+in\s+|\s*/\s*)([^\s,:;]+(?: [^\s,:;]+)?)$")
_LAST_WORD = re.compile(r"[_\s]((?:mm|m|in)_s2?|[^_\s]+(?:_s2|_s\^2)?)$")
_ANY_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*(?:\([^()]*\))?[^()\[\]{}]*)[)\]}]")
# How large a value is of the samples; that does not change their unit.
_SIZE = re.compile(r"[\s_,]+(rms|peak|pk|p-p|pk-pk|0-p|pp|eff)\.?$", re.IGNORECASE)
# What stands in brackets and is made of more than letters is a unit, known or not.
_LIKE_A_UNIT = re.compile(r"[a-zA-Zµμ°%]+\S*[/^²³·*]\S*|[a-zA-Zµμ]+[23]|[%°µμ]\S*")


def unit_name(unit: str | None) -> str | None:
    """One spelling, "g" or "m/s2", for the many; another unit as it is.

    >>> unit_name(" m/s^2")
    'm/s2'
    """
    if unit is None:
        return None
    text = unit.strip()
    return _ACCELERATION.get(text.lower(), text)


def known_unit(text: str) -> str | None:
    """The unit of a signal that a text is, or None where it is no known one."""
    bare = _bare(text)
    return _ACCELERATION.get(bare) or _OTHERS.get(bare)


def unit_in(name: str) -> str | None:
    """The unit of a signal that its name states, or None.

    One in brackets that is not known is given as it is written, to be refused by name.

    >>> unit_in("acc (m/s^2)"), unit_in("a_mV"), unit_in("bearing")
    ('m/s2', 'mV', None)
    """
    name = _SIZE.sub("", name.strip())
    brackets = [_SIZE.sub("", each).strip() for each in _ANY_BRACKETS.findall(name)][::-1]
    known = (unit for text in [*brackets, *_endings(name)] if (unit := known_unit(text)))
    others = (text for text in brackets if _LIKE_A_UNIT.fullmatch(text) and not time_unit(text))
    return next(known, None) or next(others, None)


def time_unit(text: str | None) -> float | None:
    """Seconds in a unit of time, or None where the text is none."""
    return None if text is None else _SECONDS.get(_bare(text))


def time_unit_in(name: str) -> float | None:
    """Seconds in the unit of time that the name of a clock ends with, or None.

    >>> time_unit_in("Zeit [ms]"), time_unit_in("t_us"), time_unit_in("Time/s")
    (0.001, 1e-06, 1.0)
    """
    return next((unit for text in [name, *_endings(name)] if (unit := time_unit(text))), None)


def _bare(text: str) -> str:
    text = text.strip().rstrip(".").lower()
    return text[1:-1].strip() if text[:1] in tuple("([{") and text[-1:] in tuple(")]}") else text


def _endings(name: str) -> list[str]:
    text = name.strip().strip('"').strip()
    endings = [found[1] for found in (_BRACKETS.search(text), _SEPARATED.search(text)) if found]
    if (slash := text.find("/")) > 0:  # acc/m/s^2: the unit holds a slash itself
        endings.append(text[slash + 1 :])
    word = _LAST_WORD.search(text)
    # acc_V may be the vertical one, and "in" is a word.
    if word and (len(word[1]) > 1 or word[1] in ("g", "s")) and word[1].lower() not in ("in", "ft"):
        endings.append(word[1])
    return endings
