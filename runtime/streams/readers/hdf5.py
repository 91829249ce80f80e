"""HDF5 files, and MATLAB files of version 7.3: what they hold, and what is stated beside it.

Links within the file are followed to what they name; links to other files never are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import decoded, unit_of
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.hdf5_data import DataSet
from dlrsd.runtime.streams.readers.hdf5_headers import is_virtual
from dlrsd.runtime.streams.readers.holding import (
    TEXT_TIMES,
    Holding,
    Scaled,
    fields_of,
    group_of,
    is_series,
    other_fields,
    text_of,
)
from dlrsd.runtime.streams.source import Source, Variable, reader_library
from dlrsd.runtime.streams.stream_format import parse_start
from dlrsd.runtime.streams.units import time_unit

_MOST_OBJECTS, _DEEPEST = 10_000, 64
_MOST_ATTRIBUTES = 1_000
_LONGEST_FACT = 1 << 10  # bytes of a value that states a fact
_MOST_VALUES = 64  # of an attribute: one for each channel
# Groups in which MATLAB keeps what its cells, tables and objects hold.
_HIDDEN = ("#refs#", "#subsystem#")
_MISSING = ("_FillValue", "missing_value")  # what netCDF calls the number of a missing sample
_KINDS = {"b": "is true or false", "c": "is complex"}
_MATLAB_NUMBERS = re.compile(r"double|single|u?int(8|16|32|64)")
_MATLAB_KINDS = {
    "char": "is text",
    "logical": "is true or false",
    "cell": "is a cell array",
    "string": "is text",
    "table": "is a table",
    "function_handle": "is a function",
}
_OBJECT = "is an object, a table or a timetable"


def open_hdf5(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """The data sets of real numbers in an HDF5 file, in whichever group."""
    h5py = reader_library("h5py", path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        if re.search(r"\block\b|already open", str(error)):
            raise InputError(
                f"{path} is being written, or was left open by a program that stopped: wait until "
                f"it is closed, or run `h5clear -s` on it"
            ) from error
        raise
    try:
        with path.open("rb") as raw:
            holding = _holding(h5py, file, raw, path)
        source = arrays_source(holding, variable, path, channels)
    except BaseException:
        file.close()
        raise
    source.close = file.close
    return source


def _holding(h5py: Any, file: Any, raw: IO[bytes], path: Path) -> Holding:
    holding = Holding(facts={"": _attributes(file, "", path)})
    seen, waiting, count = set(), [("", file)], 0
    while waiting:
        prefix, group = waiting.pop()
        inner = []
        for name in group:
            full = f"{prefix}/{name}" if prefix else name
            if (count := count + 1) > _MOST_OBJECTS or full.count("/") > _DEEPEST:
                raise InputError(
                    f"{path} holds more than {_MOST_OBJECTS} groups and data sets, or groups "
                    f"nested deeper than {_DEEPEST}: split it"
                )
            link = group.id.links.get_info(name.encode("utf-8", "surrogateescape"))
            if link.type not in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
                holding.left[full] = "is a link to another file, which is never opened"
                continue
            if link.type == h5py.h5l.TYPE_SOFT or name in _HIDDEN or link.u in seen:
                continue  # what it names has a name of its own
            seen.add(link.u)
            if is_virtual(raw, link.u, file.userblock_size):
                holding.left[full] = "keeps its samples in another file, which is never opened"
                continue
            item = group[name]
            if "MATLAB_sparse" in item.attrs:
                holding.left[full] = "is a sparse matrix"
            elif isinstance(item, h5py.Group):
                holding.facts[full] = _attributes(item, full, path)
                inner.append((full, item))
            elif isinstance(item, h5py.Dataset):
                _add(h5py, holding, full, item, path)
        waiting += reversed(inner)
    return holding


def _add(h5py: Any, holding: Holding, name: str, item: Any, path: Path) -> None:
    """Keep a data set as a series, as a fact beside others, or say why not."""
    facts = _attributes(item, name, path)
    matlab, is_enum = facts.get("MATLAB_class"), h5py.check_enum_dtype(item.dtype) is not None
    if item.shape is None or facts.get("MATLAB_empty") or not min(item.shape, default=1):
        return
    if facts.get("NAME", "").startswith("This is a netCDF dimension but not"):
        return
    kind, size = "b" if is_enum else item.dtype.kind, math.prod(item.shape)
    fields = {each: item.dtype[each] for each in item.dtype.names or ()}
    if size * item.dtype.itemsize <= _LONGEST_FACT and (size == 1 or matlab == "char"):
        beside, last = holding.facts[group_of(name)], name.rpartition("/")[2]
        beside[last] = _fact(item, kind, matlab)
        if (unit := unit_of(facts)) is not None:
            beside.setdefault(f"{last}_unit", unit)
    elif fields.keys() in ({"real", "imag"}, {"r", "i"}):
        holding.left[name] = "is complex"
    elif matlab in _MATLAB_KINDS:
        holding.left[name] = _MATLAB_KINDS[matlab]
    elif "MATLAB_object_decode" in facts or (matlab and not _MATLAB_NUMBERS.fullmatch(matlab)):
        holding.left[name] = _OBJECT
    elif kind == "O" and holding.facts[group_of(name)].get("MATLAB_class") == "struct":
        holding.left[name] = (
            "is a field of an array of structures (save the variable with -v7: there they are read)"
        )
    elif kind in "SUO":
        if is_named_time(name.rpartition("/")[2]) and h5py.check_string_dtype(item.dtype):
            holding.left[name], holding.text_times[name] = TEXT_TIMES, size
        # Other texts, and references, describe; they are never samples.
    elif kind not in "iufV" or (kind == "V" and not fields):
        holding.left[name] = _KINDS.get(kind, f"is of type {item.dtype}")
    elif not is_series(item.shape) or (fields and len(item.shape) > 1):
        holding.left[name] = f"has {len(item.shape)} axes"
    else:
        try:
            data = DataSet(item, _reopening(h5py, item))
        except InputError as error:
            holding.left[name] = str(error)
            return
        if data.shape != item.shape:
            holding.warnings.append(
                f"{name} in {path} was written up to {max(data.shape)} of {max(item.shape)} "
                f"samples: read up to there"
            )
        series = fields_of(data)
        holding.arrays |= {f"{name}/{each}": series[each] for each in series}
        holding.labels |= {f"{name}/{each}": each for each in series}
        holding.left |= {f"{name}/{each}": why for each, why in other_fields(data).items()}
        holding.facts[name] = facts
        if not fields:
            factor, offset = facts.pop("scale_factor", 1.0), facts.pop("add_offset", 0.0)
            if not (_is_number(factor) and _is_number(offset)):
                holding.left[name] = f"states a scale of {factor} and an offset of {offset}"
                return
            none = [facts[each] for each in _MISSING if _is_number(facts.get(each))]
            is_scaled = (factor, offset) != (1.0, 0.0) or none
            holding.arrays[name] = Scaled(data, factor, offset, none) if is_scaled else data
            _date(holding, name, data)
        data.forget()


def _reopening(h5py: Any, item: Any) -> Callable[[int], Any]:
    """Gives a data set anew, of whose chunks HDF5 keeps so many bytes."""
    file, name = item.file.id, h5py.h5i.get_name(item.id)

    def reopen(kept: int) -> Any:
        access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
        access.set_chunk_cache(521, kept, 1.0)  # slots as by default; what was read goes first
        return h5py.Dataset(h5py.h5d.open(file, name, access))

    return reopen


def _date(holding: Holding, name: str, data: DataSet) -> None:
    """Split units of a time like "seconds since 2026-03-01", as netCDF has them."""
    facts = holding.facts[name]
    said = re.fullmatch(r"\s*(\w+)\s+since\s+(.+)", str(facts.get("units", "")))
    seconds = time_unit(said[1]) if said else None
    if said is None or seconds is None:
        return
    facts["units"] = said[1]
    with suppress(OverflowError):
        begin = parse_start(said[2].strip().removesuffix(" UTC"))
        if begin is not None and len(data.shape) == 1:
            start = begin + timedelta(seconds=float(data[:1][0]) * seconds)
            holding.facts.setdefault(group_of(name), {}).setdefault("start_time", start)


def _fact(item: Any, kind: str, matlab: str | None) -> Any:
    if kind in "iuf":
        data = DataSet(item, lambda _: item) if item.chunks else item
        values = data[()].reshape(-1)
        if matlab == "char":
            return text_of(values.astype("u2").tobytes().decode("utf-16"), item.shape[::-1])
        return values[0]
    return _plain(item[()]) if kind in "SUO" and item.chunks is None else None


def _attributes(item: Any, name: str, path: Path) -> dict[str, Any]:
    """The attributes that are a number or a text, or a few: of different ones a list as text."""
    if len(item.attrs) > _MOST_ATTRIBUTES:
        raise InputError(
            f"{name or 'the file'} in {path} has {len(item.attrs)} attributes: expected at most "
            f"{_MOST_ATTRIBUTES}"
        )
    facts = {}
    for key in item.attrs:
        attribute = item.attrs.get_id(key)
        is_short = attribute.get_storage_size() <= _LONGEST_FACT
        if is_short and 0 < math.prod(attribute.shape or ()) <= _MOST_VALUES:
            with suppress(OSError, TypeError, ValueError):  # of a type that h5py does not know
                value = _plain(item.attrs[key])
                if value is not None:
                    facts[key] = value
    return facts


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not np.isnan(value)


def _plain(value: Any) -> Any:
    """A number or text as Python has it, several different ones as a text, or None."""
    found = []
    for each in np.asarray(value).reshape(-1):
        if not isinstance(each, (bytes, str, bool, int, float, np.number)):
            return None
        if isinstance(each, str):
            each = each.encode("utf-8", "surrogateescape")  # as h5py has what is no UTF-8
        found.append(decoded(each) if isinstance(each, bytes) else each)
    same = all(each == found[0] for each in found)
    return found[0] if same else ", ".join(map(str, found))
