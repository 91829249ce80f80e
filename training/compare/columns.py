"""Arrow's columns of typed rows: what a type annotation is in Arrow."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
from msgspec import inspect

_SIMPLE: dict[type, pa.DataType] = {
    inspect.StrType: pa.string(),
    inspect.IntType: pa.int64(),
    inspect.FloatType: pa.float64(),
    inspect.BoolType: pa.bool_(),
}


def arrow_schema(row: type, **special: pa.DataType) -> pa.Schema:
    """A column for every field of a typed dict; ``special`` are types of some, by name."""
    (info,) = inspect.multi_type_info([row])
    assert isinstance(info, inspect.TypedDictType)  # noqa: S101 - for type checkers
    columns = {field.name: field.type for field in info.fields}
    return pa.schema(
        {name: special.get(name) or _arrow(columns[name]) for name in row.__annotations__}
    )


def arrow_struct(*kinds: type[msgspec.Struct]) -> pa.DataType:
    """One struct with the fields of all of these; what one lacks is null."""
    fields: dict[str, pa.DataType] = {}
    for info in inspect.multi_type_info(kinds):
        assert isinstance(info, inspect.StructType)  # noqa: S101 - for type checkers
        for field in info.fields:
            own = _arrow(field.type)
            fields[field.name] = _merged(fields[field.name], own) if field.name in fields else own
    return pa.struct(fields)


def _arrow(info: Any) -> pa.DataType:
    if simple := _SIMPLE.get(type(info)):
        return simple
    if isinstance(info, inspect.Metadata):  # of the schema alone
        return _arrow(info.type)
    if isinstance(info, inspect.UnionType):  # of a type and None
        (one,) = (t for t in info.types if not isinstance(t, inspect.NoneType))
        return _arrow(one)
    if isinstance(info, inspect.DictType):
        return pa.map_(_arrow(info.key_type), _arrow(info.value_type))
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return pa.list_(_arrow(info.item_type))
    assert isinstance(info, inspect.StructType)  # noqa: S101 - for type checkers
    return pa.struct({field.name: _arrow(field.type) for field in info.fields})


def _merged(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """A struct of the fields of both, or the type that both are."""
    if not pa.types.is_struct(one) or one == other:
        return one
    return pa.struct({field.name: field.type for field in [*one, *other]})
