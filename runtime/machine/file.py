"""Reading and writing a ``machine.toml``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded, write_atomic
from dlrsd.runtime.base.formats import MOST_JSON, FormatError, checked
from dlrsd.runtime.machine.facts import Machine

if sys.version_info >= (3, 11):
    import tomllib
else:  # a Jetson's own Python
    import tomli as tomllib

NAME = "machine.toml"
# A dotted name of a megabyte would keep the parser busy for an hour, and no name spans lines.
_LONGEST_LINE = 4096


def read_machine(folder: str | Path) -> Machine:
    """The facts on a machine.

    Parameters
    ----------
    folder : str or Path
        The machine's folder, which holds the file, or the file itself.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, or does not fit the format; the message names the place.
    """
    path = folder_of(folder) / NAME
    try:
        return checked(read_toml(path), Machine)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{path} is not there: expected a machine's folder with the file {NAME}, as "
            "dlrsd-runtime commission writes it"
        ) from error
    except FormatError as error:
        raise InputError(f"{path} states {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected TOML") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, bounded in size.

    Raises
    ------
    OSError, ValueError, RecursionError
        If it cannot be read, is too large, or no TOML.
    """
    text = read_bounded(path, most=MOST_JSON).decode("utf-8-sig")
    longest = max(map(len, text.split("\n")))
    if longest > _LONGEST_LINE:
        raise ValueError(f"a line of {longest} characters, expected at most {_LONGEST_LINE}")
    return tomllib.loads(text)


def folder_of(path: str | Path) -> Path:
    """The machine's folder, given that or the file in it."""
    path = Path(path)
    return path.parent if path.name == NAME and not path.is_dir() else path


def write_machine(machine: Machine, folder: Path) -> None:
    """Write the file into the machine's folder, all or nothing."""
    with write_atomic(folder / NAME, durable=True) as file:
        file.write(machine_text(machine).encode())


def machine_text(machine: Machine) -> str:
    """The facts as TOML that reads back as the same.

    >>> from dlrsd.runtime.machine.facts import Sensor
    >>> print(machine_text(Machine(schema_version=1, name="pump", sensors=[Sensor(name="DE")])))
    schema_version = 1
    name = "pump"
    <BLANKLINE>
    [[sensors]]
    name = "DE"
    <BLANKLINE>
    """
    values: dict[str, Any] = msgspec.to_builtins(machine)
    tables = {name: value for name, value in values.items() if isinstance(value, dict) and value}
    sensors = values.pop("sensors")
    parts = [_lines({n: v for n, v in values.items() if not isinstance(v, dict)})]
    parts += [f"[{name}]\n{_lines(table)}" for name, table in tables.items()]
    parts += [f"[[sensors]]\n{_lines(sensor)}" for sensor in sensors]
    return "\n".join(parts)


def _lines(values: dict[str, Any]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in values.items())


def _value(value: Any) -> str:
    """A TOML value; its strings, numbers and lists are written as JSON writes them."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_value(each)}' for name, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
