"""Machines in folders, and a watch of them that runs as fast as it can."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine

SPEED_RPM = 1770.0


def facts(name: str, *sensors: str, bearing: str | None = "6205") -> Machine:
    return Machine(
        schema_version=1,
        name=name,
        shaft=Shaft(speed_rpm=SPEED_RPM),
        sensors=[Sensor(name=each, bearing=bearing) for each in sensors or ("DE",)],
        iso_20816_3=Iso20816(group=2, mounting="rigid"),
    )


@pytest.fixture
def machine(tmp_path: Path):
    """Writes a machine's folder."""

    def write(name: str, *sensors: str, bearing: str | None = "6205") -> Machine:
        (tmp_path / name).mkdir()
        made = facts(name, *sensors, bearing=bearing)
        write_machine(made, tmp_path / name)
        return made

    return write
