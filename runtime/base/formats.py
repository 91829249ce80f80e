"""Formats as typed structs: reading, checking and the published JSON Schema come from one class.

A format is a `msgspec.Struct` that refuses unknown fields; what no type can say is checked in its
``__post_init__``, which raises a `ValueError`.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

_IN_WORDS: dict[str, str] = {}  # what a text must be, by its regular expression


def written(
    pattern: str, words: str, *, min_length: int | None = None, max_length: int | None = None
) -> Meta:
    """What a text must be: as a regular expression for programs, in words for people."""
    _IN_WORDS[pattern] = words
    return Meta(pattern=pattern, min_length=min_length, max_length=max_length)


# Bounds keep out what only some JSON readers take: infinities, and integers beyond 64 bits.
# Controls have no place in a name, and would move the cursor of who prints it.
Text = Annotated[
    str,
    written(
        r"^[^\x00-\x1f\x7f-\x9f]*(?![\s\S])", "a text without control characters", min_length=1
    ),
]
Count = Annotated[int, Meta(ge=1, le=2**31)]
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[float, Meta(gt=0, le=1e30)]
Share = Annotated[float, Meta(ge=0, le=1)]
# Of levels in decibels or in units of a spread: far beyond any, and no quotient of two overflows.
Finite = Annotated[float, Meta(ge=-1e6, le=1e6)]
Spread = Annotated[float, Meta(ge=1e-6, le=1e6)]


class FormatError(ValueError):
    """Values do not fit a format; the text names the place, what is there and what is expected."""


# A JSON file that states facts is small; whoever reads one gives this bound to `read_bounded`.
MOST_JSON = 1 << 20
_DEEPEST = 64
_TOO_DEEP = f"more than {_DEEPEST} levels, one inside the other"


def parse_json(text: bytes) -> Any:
    """Values of a JSON text in UTF-8.

    Raises
    ------
    FormatError
        If it is none: NaN, numbers beyond float64, halves of surrogate pairs, a name twice in one
        object and more than 64 levels are none either.
    """
    if text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise FormatError("a text in UTF-16, expected JSON in UTF-8: save it as UTF-8")
    text = text.removeprefix(codecs.BOM_UTF8)  # which editors of Windows put there
    try:
        values = msgspec.json.decode(text)
        _require_bounded(values, _DEEPEST)
        json.loads(text.decode(), object_pairs_hook=_of_different_names)
    except FormatError:
        raise
    except RecursionError as error:
        raise FormatError(_TOO_DEEP) from error
    except ValueError as error:
        raise FormatError(str(error)) from error
    return values


def _require_bounded(value: Any, levels: int) -> None:
    if isinstance(value, (dict, list)):
        if not levels:
            raise FormatError(_TOO_DEEP)
        for each in value.values() if isinstance(value, dict) else value:
            _require_bounded(each, levels - 1)
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        raise FormatError("a number beyond float64")


def _of_different_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"the name {twice[:60]!r} twice in one object")
    return values


def checked(values: Any, form: type[T]) -> T:
    """Values of a JSON text as a struct.

    Parameters
    ----------
    values : any
        Of `parse_json`, or as Python holds them.
    form : type
        The struct, or a union of tagged ones.

    Raises
    ------
    FormatError
        If they do not fit.
    """
    try:
        return msgspec.convert(as_json_has_it(values), form)
    except msgspec.ValidationError as error:
        raise FormatError(_explained(str(error), values, form)) from error
    except RecursionError as error:
        raise FormatError(_TOO_DEEP) from error


def as_json_has_it(value: Any) -> Any:
    """Values with an integer wherever a number has no fraction: to JSON 1.0 is 1."""
    if isinstance(value, dict):
        return {key: as_json_has_it(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json_has_it(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return value


def json_schema(form: Any, *, identifier: str, title: str) -> dict[str, Any]:
    """The published JSON Schema of a format."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identifier}
    schema: dict[str, Any] = json.loads(json.dumps({**head, "title": title, **_schema(form)}))
    return schema


def json_text(values: Any, *, indent: int | None = None) -> str:
    """A struct, or any JSON values, as JSON text in ASCII."""
    return json.dumps(msgspec.to_builtins(values), indent=indent) + "\n"


_schema = cache(msgspec.json.schema)


class _Place(NamedTuple):
    """A place in values: its name, what is there, and its part of the schema."""

    name: str
    value: Any
    schema: dict[str, Any]


def _explained(reason: str, values: Any, form: Any) -> str:
    words, _, path = " ".join(reason.split()).partition(" - at ")
    place = _find(path, values, _schema(form))
    if missing := re.fullmatch(r"Object missing required field `(.*)`", words):
        wanted = _step(place, missing[1], place.schema)
        return f"no {wanted.name}, which is expected there{_described(wanted.schema)}"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", words):
        name = f"{place.name}.{unknown[1][:60]}".lstrip(".")
        return f"{name}, expected only {', '.join(place.schema.get('properties', []))}"
    got = f"{place.name or 'a content'} = {str(place.value)[:60]!r}"
    if path.startswith("`key`"):
        if unknown := re.fullmatch(r"Invalid enum value (.*)", words):
            return f"the name {unknown[1][:60]} in {place.name}, expected one that is known there"
        return f"a name in {place.name}, expected {_matching(words)}"
    if words.startswith("Expected"):
        return f"{got}, expected {_expected(place.schema, _matching(words))}"
    if words.startswith("Invalid"):
        return f"{got}, expected {_expected(place.schema)}"
    return f"an impossible {place.name}: {words}" if place.name else words


def _matching(words: str) -> str:
    """What msgspec expected, in the words of JSON."""
    for pattern, said in _IN_WORDS.items():
        if f"matching regex {pattern!r}" in words:
            return said
    words = words.removeprefix("Expected ").partition(", got")[0].replace("`", "")
    for python, plain in (("int", "an integer"), ("float", "a number"), ("str", "a text")):
        words = re.sub(rf"\b{python}\b", plain, words)
    return words


def _expected(schema: dict[str, Any], words: str = "") -> str:
    choices = schema.get("enum") or list(schema.get("discriminator", {}).get("mapping", []))
    if choices:
        words = f"one of {', '.join(map(str, choices))}"
    return f"{words or 'another value'}{_described(schema)}"


def _described(schema: dict[str, Any]) -> str:
    words = str(schema.get("description", "")).partition("\n")[0].rstrip(".")
    return f" ({words})" if words else ""


def _find(path: str, values: Any, schema: dict[str, Any]) -> _Place:
    """The place that a path like ``$.files[...].bytes`` leads to, as far as it can be followed."""
    place = _Place("", values, _resolved(schema, schema, values))
    for key, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
        place = _step(place, key or index, schema)
    return place


def _step(place: _Place, key: str, root: dict[str, Any]) -> _Place:
    value: Any = "..."
    if isinstance(place.value, dict):
        value = place.value.get(key, "...")
    elif isinstance(place.value, list) and key.isdigit():
        value = place.value[int(key)]
    inside = place.schema.get("properties", {}).get(key) or {}
    if key == place.schema.get("discriminator", {}).get("propertyName"):
        inside = {"enum": list(place.schema["discriminator"]["mapping"])}
    if key == "..." or key.isdigit():
        inside = place.schema.get("items") or place.schema.get("additionalProperties") or {}
        return _Place(f"{place.name}[{key}]", value, _resolved(inside, root, value))
    return _Place(f"{place.name}.{key}".lstrip("."), value, _resolved(inside, root, value))


def _resolved(schema: dict[str, Any], root: dict[str, Any], value: Any) -> dict[str, Any]:
    """A schema without references, and of a tagged union the part that the value's tag names."""
    tag = schema.get("discriminator")
    if tag and isinstance(value, dict):
        chosen = tag["mapping"].get(str(value.get(tag["propertyName"])))
        schema = {"$ref": chosen} if chosen else schema
    elif options := [each for each in schema.get("anyOf", []) if each.get("type") != "null"]:
        schema = {**options[0], **schema}
    if "$ref" in schema:
        target = root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {})
        return {**target, **schema}
    return schema
