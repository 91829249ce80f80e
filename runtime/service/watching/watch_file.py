"""``watch.toml``: machines, their sources and rules, and whom it is told.

What a machine *is* stands in its own folder, in ``machine.toml``. The structs here are the format;
the published ``watch.schema.json`` comes of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, Text, checked, json_schema
from dlrsd.runtime.machine.file import read_toml
from dlrsd.runtime.service.alarms.kinds import AnyRule
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.sinks.kinds import AnySink
from dlrsd.runtime.service.sources.kinds import AnySource
from dlrsd.runtime.service.store.limits import Limits

SCHEMA_VERSION: Final = 1
MOST_MACHINES = 1000
NO_BUNDLE = "none"


class StoreConfig(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``: where what was measured and said is kept, and for how long."""

    folder: Annotated[Text, Meta(description="Made where there is none")] = "store"


class MachineEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[machines]]``: a machine, and where its signal comes from.

    Parameters
    ----------
    machine : str
        Its folder, with ``machine.toml`` and, once it was commissioned, ``baseline/``.
    sources : list of sources
        Several sensors, in one source or several, are one machine with one alarm.
    bundle : str, optional
        In place of that of all machines; "none" watches with levels and evidence alone.
    rules : list of rules
        None stands for the default ones.
    """

    machine: Annotated[Text, Meta(description="Its folder, with machine.toml")]
    sources: Annotated[
        list[AnySource],
        Meta(min_length=1, max_length=64, description="Where its signal comes from"),
    ]
    bundle: Annotated[Text | None, Meta(description='A folder, a ready bundle, or "none"')] = None
    rules: Annotated[
        list[AnyRule], Meta(max_length=64, description="None stands for the default ones")
    ] = []


class WatchFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a ``watch.toml``. Paths in it are taken from the folder it stands in."""

    schema_version: Annotated[Literal[1], Meta(description="Of this file")]
    machines: Annotated[
        list[MachineEntry],
        Meta(min_length=1, max_length=MOST_MACHINES, description="Those that are watched"),
    ]
    bundle: Annotated[
        Text, Meta(description='Diagnoses every machine that names none of its own; or "none"')
    ] = "any-bearing"
    store: Annotated[StoreConfig, Meta(description="Where all is kept")] = StoreConfig()
    page: Annotated[PageConfig, Meta(description="Where it is, and for whom")] = PageConfig()
    sinks: Annotated[list[AnySink], Meta(max_length=64, description="Whom it is told besides")] = []

    def __post_init__(self) -> None:
        for what, names in (
            ("machines are in the folder", [str(Path(each.machine)) for each in self.machines]),
            ("sinks have the name", [each.name for each in self.sinks]),
        ):
            twice = next((each for each in names if names.count(each) > 1), None)
            if twice is not None:
                raise ValueError(f"two {what} {twice!r}")


def read_watch_file(path: Path) -> WatchFile:
    """The content of a ``watch.toml``.

    Raises
    ------
    InputError
        If it is missing, is no TOML, or does not fit the format; the message names the place.
    """
    try:
        return checked(read_toml(path), WatchFile)
    except FileNotFoundError as error:
        raise InputError(
            f"{path} is not there: expected a watch.toml; see a watch at work with "
            "`dlrsd-runtime watch --demo`"
        ) from error
    except FormatError as error:
        raise InputError(f"{path} states {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected TOML") from error


def watch_schema() -> dict[str, Any]:
    """The content of the published ``watch.schema.json``."""
    return json_schema(
        WatchFile,
        identifier=f"dlrsd-watch-{SCHEMA_VERSION}",
        title=f"What is watched, schema version {SCHEMA_VERSION}",
    )
