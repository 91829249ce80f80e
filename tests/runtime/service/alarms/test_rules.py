"""Rules as they stand in a file, and what each makes of a second."""

from typing import Any

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, checked, json_schema
from dlrsd.runtime.service.alarms.kinds import (
    DEFAULTS,
    AnyRule,
    Fault,
    Silent,
    Threshold,
    Trend,
    Zone,
    rules_of,
)
from dlrsd.runtime.service.alarms.levels import LEVELS, Level
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Crossing, Limits
from dlrsd.runtime.service.said import Levels
from tests.runtime.service.alarms.histories import START, second, taken

KNOWN, OTHER = Limits(network_known=True), Limits()


def test_no_rules_are_the_default_ones() -> None:
    assert rules_of([]) is DEFAULTS
    assert {rule.kind for rule in DEFAULTS} == {
        "fault", "zone", "threshold", "trend", "unfit", "silent",
    }  # fmt: skip
    assert rules_of([Zone()]) == (Zone(),)


def test_a_rule_is_read_by_its_kind() -> None:
    rules = checked(
        [
            {"kind": "fault", "name": "outer race", "faults": ["outer"], "state": "danger"},
            {"kind": "threshold", "name": "hot", "level": "temperature_c", "alert": 70},
        ],
        list[AnyRule],
    )
    assert isinstance(rules[0], Fault)
    assert rules[0].faults == ("outer",)
    assert isinstance(rules[1], Threshold)
    assert rules[1].alert == 70


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (
            {"kind": "vault"},
            "'vault', expected one of fault, zone, threshold, trend, unfit, silent",
        ),
        ({"kind": "fault", "hysteresis": 3}, "hysteresis, expected only"),
        (
            {"kind": "fault", "k": 31, "n": 30},
            "rule 'fault' wants 31 of 30 seconds: k is at most n",
        ),
        ({"kind": "fault", "k": 0}, "k = '0'"),
        ({"kind": "fault", "n": 3601}, "n = '3601'"),
        ({"kind": "fault", "by": "guess"}, "by = 'guess', expected one of"),
        ({"kind": "threshold", "level": "velocity_mm_s"}, "no [0].name, which is expected"),
        ({"kind": "threshold", "name": "a", "level": "noise"}, "level = 'noise', expected one of"),
        (
            {"kind": "threshold", "name": "a", "level": "crest", "alert": 5, "danger": 5},
            "rule 'a' has danger 5 and alert 5: danger is above alert",
        ),
        (
            {"kind": "threshold", "name": "a", "level": "crest", "alert": 5, "back": 6},
            "rule 'a' is back at 6, above its limit of 5",
        ),
        ({"kind": "threshold", "name": "a", "level": "crest", "alert": 1e300}, "alert = '1e+300'"),
        ({"kind": "trend", "k": 7, "n": 5}, "rule 'trend' wants 7 of 5 trends"),
        ({"kind": "silent", "after_s": 0}, "after_s = '0'"),
        ({"kind": "fault", "text": "{machine.x}"}, "the text has the place {machine.x}"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(FormatError) as error:
        checked([stated], list[AnyRule])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="2 rules have the name 'zone'"):
        rules_of([Zone(), Silent(), Zone()])


def test_every_kind_is_in_the_schema_with_a_description_of_each_setting() -> None:
    schema = json_schema(list[AnyRule], identifier="x", title="y")
    kinds = {name: one for name, one in schema["$defs"].items() if "kind" in one["properties"]}
    assert set(kinds) == {"Fault", "Zone", "Threshold", "Trend", "Unfit", "Silent"}
    bare = [
        f"{name}.{setting}"
        for name, one in kinds.items()
        for setting, what in one["properties"].items()
        if setting != "kind" and "description" not in what
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("place", "label", "known", "unknown", "both", "network"),
    [  # what it reaches and keeps: with the network known on the healthy machine, without, ...
        ("outer", None, (1, 1), (1, 1), (0, 1), None),
        ("healthy", None, (0, 0), (0, 0), (0, 0), None),
        ("undecided", None, (0, 1), (0, 1), (0, 1), None),
        ("unknown", "undecided", (1, 1), (1, 1), (0, 1), (0, 1)),
        ("healthy", "inner", (1, 1), (0, 0), (0, 0), (1, 1)),
        ("undecided", "inner", (1, 1), (0, 1), (0, 1), (1, 1)),
        ("outer", "inner", (1, 1), (1, 1), (1, 1), (1, 1)),
        ("undecided", "normal", (0, 0), (0, 1), (0, 0), (0, 0)),
        ("healthy", "unknown fault", (1, 1), (0, 0), (0, 0), (1, 1)),
        (None, "inner", (1, 1), (1, 1), (0, 1), (1, 1)),
        (None, "undecided", (0, 1), (0, 1), (0, 1), (0, 1)),
        (None, "normal", (0, 0), (0, 0), (0, 0), (0, 0)),
        (None, None, None, None, None, None),
    ],
)
def test_whose_word_counts(
    place: Any, label: Any, known: Any, unknown: Any, both: Any, network: Any
) -> None:
    said = second(0, place=place, label=label, normal_class="normal")
    assert Fault().grade(said, KNOWN) == known
    assert Fault().grade(said, OTHER) == unknown
    assert Fault(by="both").grade(said, OTHER) == both
    assert Fault(by="network").grade(said, OTHER) == network


def test_a_label_is_no_fault_where_nobody_says_which_class_is_none() -> None:
    said = second(0, place=None, label="K1", normal_class=None)
    assert Fault().grade(said, KNOWN) == (0, 1)
    assert Fault(faults=("K1",)).grade(said, KNOWN) == (1, 1)
    unknown = second(0, place=None, label="unknown fault", normal_class=None)
    assert Fault().grade(unknown, KNOWN) == (1, 1)


def test_a_rule_of_some_faults_is_blind_to_others() -> None:
    rule = Fault(faults=("outer", "unknown fault"))
    assert rule.grade(second(0, place="inner"), KNOWN) == (0, 0)
    assert rule.grade(second(0, place="outer"), KNOWN) == (1, 1)
    said = second(0, place="healthy", label="unknown fault", normal_class="normal")
    assert rule.grade(said, KNOWN) == (1, 1)


def test_a_fault_may_be_a_danger_by_the_file() -> None:
    alarms = MachineAlarms("pump1", [Fault(state="danger", k=2, n=2)])
    changes = taken(alarms, [second(at, place="cage") for at in range(9)])
    assert [each.state for each in changes] == ["danger"]


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_every_level_has_its_value_words_and_unit(level: Level) -> None:
    names = ("velocity_mm_s", "acceleration_m_s2", "peak_m_s2", "crest", "kurtosis")
    values = dict(zip((*names, "envelope_m_s2"), range(1, 7), strict=True))
    places = ("outer", "inner", "ball", "cage", "shaft", "gear")
    lines = dict(zip(places, map(float, range(11, 17)), strict=True))
    said = second(0, novelty=7.0, temperature_c=8.0, lines=lines)
    said = msgspec.structs.replace(said, levels=Levels(**values))
    wanted = (
        values | {"novelty": 7, "temperature_c": 8} | {f"line {p}": v for p, v in lines.items()}
    )
    assert LEVELS[level].of(said) == wanted[level]
    assert LEVELS[level].of(second(0, velocity=None)) is None
    rule = Threshold(name="a", level=level, alert=wanted[level] - 0.5)
    assert rule.grade(said, OTHER) == (1, 1)
    (unit,) = [end for end in ("mm_s", "m_s2", "_c", "") if level.endswith(end)][:1]
    known = {"mm_s": "mm/s", "m_s2": "m/s2", "_c": "°C", "": None}[unit]
    assert LEVELS[level].unit == ("dB" if level.startswith("line") else known)


def test_a_level_below_zero_has_a_return_limit_below_it() -> None:
    rule = Threshold(name="cold", level="temperature_c", alert=-10.0)
    said = [rule.grade(second(0, temperature_c=t), OTHER) for t in (-9.0, -10.5, -11.1)]
    assert said == [(1, 1), (0, 1), (0, 0)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_no_knowledge(value: float) -> None:
    assert Zone().grade(second(0, velocity=value), Limits(zones=(1.4, 2.8, 4.5))) is None
    assert Threshold(name="a", level="velocity_mm_s", alert=1).grade(
        second(0, velocity=value), OTHER
    ) is None  # fmt: skip
    alarms = MachineAlarms("pump1", [Fault(k=1, n=1), Silent(), Trend(k=1, n=1)])
    (change,) = taken(alarms, [second(0, place="outer", lines={"outer": value})])
    assert change.value is None
    crossing = Crossing(earliest=value, likely=value, latest=value, limit=4.5, figure="velocity")
    assert alarms.crossing("DE", "velocity_mm_s", crossing, START) == []
    alarms.tick(START, {"tcp": value})
    MachineAlarms("pump1", restored=alarms.snapshot())


def trend(days: float, *, sure: bool = True) -> Crossing:
    at = START + 86_400 * days
    latest = at + 3600 if sure else None
    return Crossing(
        earliest=at - 3600, likely=at, latest=latest, limit=4.5, figure="velocity", value=3.1,
        unit="mm/s",
    )  # fmt: skip


def test_a_trend_that_crosses_soon_is_an_alert_once() -> None:
    alarms = MachineAlarms("pump1", [Trend(k=3, n=4, within_days=14)])
    say = alarms.crossing
    assert [say("DE", "velocity_mm_s", trend(3), START) for _ in range(9)] == [[]] * 9
    alarms.take(second(0, running="standing"))  # not before it is known to run
    assert [say("DE", "velocity_mm_s", trend(3), START) for _ in range(9)] == [[]] * 9
    alarms.take(second(1))
    for crossing in (trend(20), trend(14.5), trend(3, sure=False), trend(-1), None):
        assert [say("DE", "velocity_mm_s", crossing, START) for _ in range(9)] == [[]] * 9
    assert say("DE", "envelope_m_s2", trend(3), START) == []  # another level's
    said = [say("DE", "velocity_mm_s", trend(13), START) for _ in range(9)]
    assert [len(each) for each in said] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    (change,) = said[2]
    assert (change.state, change.value, change.limit) == ("alert", 3.1, 4.5)
    assert change.text == (
        "pump1, alert: velocity rises and will reach 4.5 mm/s about 2027-01-28 08:00:00 UTC "
        "(between 2027-01-28 07:00:00 UTC and 2027-01-28 09:00:00 UTC) at sensor DE; "
        "it is 3.1 mm/s now"
    )
    kept = [say("DE", "velocity_mm_s", trend(15), START) for _ in range(9)]  # a tenth more
    assert kept == [[]] * 9
    over = [say("DE", "velocity_mm_s", trend(20), START) for _ in range(4)]
    assert [len(each) for each in over] == [0, 0, 1, 0]


def test_the_default_durations_are_those_of_the_study_of_false_alarms() -> None:
    said = {rule.name: rule.patience()[:2] for rule in DEFAULTS}
    assert said == {
        "fault": (27, 30), "zone": (36, 40), "level": (36, 40), "envelope": (36, 40),
        "trend": (5, 5), "unfit": (27, 30), "silent": (1, 1),
    }  # fmt: skip
