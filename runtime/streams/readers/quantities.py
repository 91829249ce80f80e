"""Which series are plainly no vibration, by their names and units.

A recording may hold the temperature or the speed of the machine beside its vibration. A name is
plain only where its last word says so: ``shaft speed`` is one, ``high speed shaft radial`` is not.
"""

from __future__ import annotations

import re

from dlrsd.runtime.streams.units import known_unit, unit_in

ACCELERATIONS = ("g", "m/s2")
# Neither of a motion, nor of what its sensor gives: volts, milliamperes, counts.
OTHER_UNITS = ("rpm", "Hz", "degC", "K", "bar", "Pa", "N", "Nm", "kW")
_NAMES = (
    ("a temperature", "temp temperature temperatur température temperatura"),
    ("a speed", "rpm speed drehzahl tacho tachometer tach velocity geschwindigkeit vitesse"),
    ("a displacement", "displacement auslenkung"),
    ("a pressure", "pressure druck"),
    ("a humidity", "humidity feuchte"),
    ("a torque", "torque drehmoment"),
    ("a current", "current strom"),
    ("a voltage", "voltage spannung"),
    ("an angle", "angle winkel phase"),
    ("a position", "position distance weg"),
    ("a label", "label labels class target"),
    ("a sampling rate", "fs samplerate samplingrate samplefrequency samplingfrequency"),
)
_SHORT = re.compile(r"[a-z]|\d{1,2}")  # an axis, a unit of one letter, or the number of a sensor
_WORDS = {word: what for what, words in _NAMES for word in words.split()}


def other_quantity(name: str) -> str | None:
    """What a series plainly is, where its name says that it is no vibration; else None.

    >>> other_quantity("motor/Temp_C"), other_quantity("1750 rpm"), other_quantity("acc (g)")
    ('a temperature', None, None)
    """
    if unit_in(name) in ACCELERATIONS:
        return None
    last = re.sub(r"\s*[(\[{].*$", "", name).rpartition("/")[2]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower()
    words = re.split(r"[\W_]+", spaced.strip("_ "))
    while len(words) > 1 and (_SHORT.fullmatch(words[-1]) or _is_unit(words[-1])):
        words.pop()
    if len(words) > 1 and words[-2].isdigit():
        return None  # 1750 rpm: at which it was taken
    return _WORDS.get(words[-1]) or _WORDS.get("".join(words[-2:]))


def _is_unit(word: str) -> bool:
    return known_unit(word) is not None and word not in _WORDS
