"""The sentences of alarms, and what a person may put in their place."""

import pytest

from dlrsd.runtime.service.alarms.kinds import DEFAULTS, Fault, Silent, Unfit, Zone
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Limits
from dlrsd.runtime.service.alarms.texts import PLACES, check_template, filled, when
from tests.runtime.service.alarms.histories import START, letters, second, taken

SENTENCE = "outer: lines of the outer race stand 14 dB over their surroundings"


def test_a_fault_says_machine_what_where_since_when_and_what_the_lines_say() -> None:
    alarms = MachineAlarms("pump1", [Fault(k=2, n=2, return_s=5)])
    up, over = taken(
        alarms,
        [second(at, place="outer", sentence=SENTENCE, lines={"outer": 14.2}) for at in range(9)]
        + list(letters("9h", 9)),
    )
    assert up.text == (
        "pump1, alert: fault of the bearing's outer race at sensor DE since "
        f"2027-01-15 08:00:00 UTC; {SENTENCE}"
    )
    assert (up.place, up.evidence, up.value, up.unit) == ("outer", SENTENCE, 14.2, "dB")
    assert over.text == (
        "pump1, normal: the alarm of rule fault is over; it was alert since 2027-01-15 08:00:00 UTC"
    )


def test_a_fault_of_the_network_alone_is_named_so() -> None:
    alarms = MachineAlarms("pump1", [Fault(k=2, n=2)])
    said = {"place": None, "label": "IR", "normal_class": "normal"}
    (change,) = taken(alarms, [second(at, **said) for at in range(9)])
    assert change.text == (
        "pump1, alert: IR by the network at sensor DE since 2027-01-15 08:00:00 UTC"
    )


def test_a_zone_says_how_high_against_which_limit() -> None:
    rule = Zone(k=2, n=2, return_s=4)
    alarms = MachineAlarms("pump1", [rule], limits=Limits(zones=(1.4, 2.8, 4.5)))
    history = [second(at, velocity=v) for at, v in enumerate([5.123] * 9 + [3.0] * 9)]
    up, less = taken(alarms, history)
    assert up.text == (
        "pump1, danger: velocity of 5.12 mm/s at sensor DE is over 4.5 mm/s since "
        "2027-01-15 08:00:00 UTC; zone D of ISO 20816-3"
    )
    assert less.text == (
        "pump1, alert: the alarm of rule zone is less grave, it was danger; zone C of ISO 20816-3"
    )


def test_a_sensor_fault_says_where_to_look() -> None:
    alarms = MachineAlarms("pump1", [Unfit(k=2, n=2), Silent()])
    (unfit,) = taken(alarms, letters("9x"))
    assert unfit.text == (
        "pump1, sensor fault: the signal of sensor DE is unfit for diagnosis since "
        "2027-01-15 08:00:00 UTC; clipped; look at the sensor and its cable"
    )
    (silent,) = alarms.tick(START + 70, {"tcp://:9000": 61.0})
    assert silent.text == (
        "pump1, sensor fault: nothing comes from tcp://:9000 since 2027-01-15 08:00:09 UTC; look "
        "at the sensor, its cable and the network"
    )


def test_a_text_of_the_file_goes_before_the_own() -> None:
    rule = Fault(k=2, n=2, return_s=3, text="Achtung {machine}: {{{what}}}", text_over="{rule} ok")
    up, over = taken(MachineAlarms("pump1", [rule]), letters("9o 9h"))
    assert (up.text, over.text) == (
        "Achtung pump1: {fault of the bearing's outer race}",
        "fault ok",
    )


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{pump}", r"the place \{pump\}: expected machine, rule, state"),
        ("{}", r"the place \{\}"),
        ("{0}", r"the place \{0\}"),
        ("{machine.__class__.__init__.__globals__}", r"the place \{machine.__class__"),
        ("{machine[0]}", r"the place \{machine\[0\]\}"),
        ("{value:>999999999}", r"more than a name in the place \{value\}"),
        ("{value:{limit}}", r"more than a name in the place \{value\}"),
        ("{machine!r}", r"more than a name in the place \{machine\}"),
        ("{machine", "is no template"),
        ("machine}", "is no template"),
        ("{machine!}", "is no template"),
    ],
)
def test_what_is_no_template_is_refused(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_template(template)
    with pytest.raises(ValueError, match=said):
        Fault(text=template)
    with pytest.raises(ValueError, match=said):
        Zone(text_over=template)


def test_the_own_texts_are_templates_and_fill_every_place() -> None:
    for rule in DEFAULTS:
        check_template(rule.default_text)
    every = " ".join(f"{{{place}}}" for place in PLACES)
    check_template(every)
    assert filled(every, {place: place for place in PLACES}) == " ".join(PLACES)


def test_what_is_filled_in_is_no_template() -> None:
    assert filled("{machine}: {what}", {"machine": "{what}", "what": "{0}"}) == "{what}: {0}"


def test_a_sentence_is_one_line_of_bounded_length() -> None:
    text = filled("{machine} {what}", {"machine": "a\nb", "what": "x" * 10_000})
    assert text.startswith("a b x")
    assert len(text) == 1000


def test_an_impossible_time_is_said_to_be_one() -> None:
    assert when(0) == "1970-01-01 00:00:00 UTC"
    for time in (1e300, float("nan"), float("inf")):
        assert when(time) == "an impossible time"
