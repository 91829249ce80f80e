"""The kinds of data there are: a new one is a folder beside this, a line here, and its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.sources import source_of
from dlrsd.training.kinds.kind import Kind
from dlrsd.training.kinds.plants.kind import Plants
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.runs.folder import finished_run, read_json
from dlrsd.training.runs.schema1 import config_2

KINDS: dict[str, Kind[Any]] = {kind.source.tag: kind for kind in (Plants(), Vibration())}
AnySettings = Settings | SequenceSettings


def kind_of(data: str) -> Kind[Any]:
    """The kind of what a user calls ``data``."""
    return KINDS[source_of(data).tag]


def kind_of_settings(settings: AnySettings) -> Kind[Any]:
    """The kind that settings are of."""
    return KINDS[str(settings.__struct_config__.tag)]


def kind_of_run(folder: str | Path) -> Kind[Any]:
    """The kind of data that a finished run was trained on.

    Raises
    ------
    InputError
        If the folder is no finished run, or of a kind that this version does not know.
    """
    path = finished_run(folder) / "config.json"
    facts = config_2(read_json(path))
    tag = facts.get("kind") if isinstance(facts, dict) else None
    if not isinstance(tag, str) or tag not in KINDS:
        raise InputError(
            f"{path} states the kind {tag!r}: expected one of {', '.join(KINDS)}; train it again"
        )
    return KINDS[tag]


def load_run(folder: str | Path) -> Any:
    """A finished run of any kind; errors as of `kind_of_run`, or if a file of it is damaged."""
    return kind_of_run(folder).load_run(Path(folder))


def make_settings(kind: Kind[Any], data: str, **stated: Any) -> Any:
    """Settings of a kind from what was stated; what is None was not.

    Raises
    ------
    InputError
        If something was stated that the kind has no use for, or a value is impossible.
    """
    given = {name: value for name, value in stated.items() if value is not None}
    for name in given:
        if name not in kind.settings.__struct_fields__:
            kind.source.refuse_option(name)
    return kind.settings(kind.located(data), **kind.completed(given))
