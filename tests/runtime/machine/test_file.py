"""machine.toml: what is read, what is refused and in which words, what is written."""

from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.machine.facts import Iso20816, Load, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import machine_text, read_machine, write_machine

PUMP = """\
schema_version = 1
name = "pump 1"
teeth = [23, 67]

[shaft]
speed_rpm = 1480

[load]
least = 0
most = 7.5
unit = "kW"

[iso_20816_3]
group = 2
mounting = "rigid"

[[sensors]]
name = "drive end"
bearing = "6205"

[[sensors]]
name = "fan end"
channel = "acc 2"
orders = { bpfo = 3.053, bpfi = 4.947, bsf = 1.994, ftf = 0.382 }
"""
MACHINE = Machine(
    schema_version=1,
    name="pump 1",
    teeth=[23, 67],
    shaft=Shaft(speed_rpm=1480),
    load=Load(least=0, most=7.5, unit="kW"),
    iso_20816_3=Iso20816(group=2, mounting="rigid"),
    sensors=[
        Sensor(name="drive end", bearing="6205"),
        Sensor(
            name="fan end",
            channel="acc 2",
            orders={"bpfo": 3.053, "bpfi": 4.947, "bsf": 1.994, "ftf": 0.382},
        ),
    ],
)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_reads_what_a_person_wrote(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "machine.toml").write_bytes(mark + PUMP.encode())
    assert read_machine(tmp_path) == MACHINE
    assert read_machine(tmp_path / "machine.toml") == MACHINE


def test_what_is_written_reads_back_as_the_same(tmp_path: Path) -> None:
    odd = Machine(
        schema_version=1,
        name='a "pump" \\ größer 😀',
        sensors=[Sensor(name="1", geometry=(9, 7.94, 39.04, 0.0), channel=3)],
        shaft=Shaft(tacho="n", pulses_per_turn=60),
    )
    for machine in (MACHINE, odd):
        write_machine(machine, tmp_path)
        assert read_machine(tmp_path) == machine
    assert machine_text(MACHINE).count("[[sensors]]") == 2


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("1480", "0", r"shaft.speed_rpm = '0', expected a number > 0"),
        ("1480", "nan", r"shaft.speed_rpm"),
        ('"6205"', "6205", r"bearing = '6205', expected a text"),
        ('"pump 1"', '""', r"name = ''"),
        ("[23, 67]", "[1]", r"teeth\["),
        ("group = 2", "group = 3", r"group = '3', expected one of 1, 2"),
        ("most = 7.5", "most = inf", r"the least load is 0 and the most inf"),
        ('"pump 1"', f'"{"x" * 4096}"', r"a line of 4105 characters, expected at most 4096"),
        ("schema_version = 1", "a." * 400_000 + "b = 1", r"a line of 800005 characters"),
        ("least = 0", "least = 9", r"the least load is 9 and the most 7.5"),
        ('"fan end"', '"drive end"', r"two sensors have the name 'drive end'"),
        ('channel = "acc 2"', "channel = 0", r"two sensors have the channel 0"),
        ('"6205"', '"6205"\ngeometry = [9, 7.9, 39.0, 0]', r"states bearing and geometry: keep"),
        ("bpfi = 4.947, ", "", r"sensors\[1\].orders = .*bpfo, bpfi, bsf and ftf"),
        ('"drive end"', '"drive end"\nsens = 3', r"sens, expected only name, channel, bearing"),
        ("schema_version = 1", "", r"no schema_version, which is expected there"),
        ("[shaft]", "[shaft", r"cannot be read: .*; expected TOML"),
        ('name = "pump 1"', 'name = "a"\nname = "b"', r"cannot be read: .*; expected TOML"),
    ],
)
def test_refuses_in_one_line(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    assert was in PUMP
    (tmp_path / "machine.toml").write_text(PUMP.replace(was, becomes, 1))
    with pytest.raises(InputError, match=said) as refused:
        read_machine(tmp_path)
    assert "\n" not in str(refused.value)
    assert "machine.toml" in str(refused.value)


def test_asks_for_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there: expected a machine's folder"):
        read_machine(tmp_path)
