import pytest

from dlrsd.runtime.dsp.shaft_speed import ShaftSpeed
from dlrsd.runtime.evidence.lines import Line
from dlrsd.runtime.evidence.sentence import sentence_of

SPEED = ShaftSpeed(stated_hz=29.93, hz=29.93, how="refined")


def line(name, place, order, level_db, **facts):
    seen = 1e-6 if level_db > 8 else 0.5
    return Line(
        name=name, place=place, order=order, hz=order * 29.93, level_db=level_db,
        probability=seen, **facts,
    )  # fmt: skip


OUTER = [
    line(f"bpfo {k}x", "outer", 3.585 * k, level) for k, level in enumerate((14, 16, 12, 3, 14), 1)
]
SIDES = [line(f"bpfo 1x {s}1 shaft", "outer", 3.585 + float(f"{s}1"), 2.0) for s in "-+"]


def test_an_outer_race():
    said = sentence_of("outer", OUTER + SIDES, SPEED, None)
    assert said == (
        "outer race: BPFO 1x to 3x and 5x at 107.3 Hz, 14 dB over the floor, no sidebands"
    )


def test_sidebands_are_counted():
    lines = [
        line("bpfi 1x", "inner", 5.415, 20),
        line("bpfi 2x", "inner", 10.83, 18),
        line("bpfi 1x -1 shaft", "inner", 4.415, 12),
        line("bpfi 1x +1 shaft", "inner", 6.415, 3),
    ]
    assert sentence_of("inner", lines, SPEED, None) == (
        "inner race: BPFI 1x and 2x at 162.1 Hz, 19 dB over the floor, sidebands of the shaft "
        "(1 of 2)"
    )


def test_a_line_that_the_shaft_explains_is_not_spoken_of():
    lines = [
        line("bpfo 1x", "outer", 3.053, 14),
        line("bpfo 2x", "outer", 6.02, 30, shaft=6),
        *SIDES,
    ]
    assert "BPFO 1x at 91.38 Hz, 14 dB" in sentence_of("outer", lines, SPEED, None)


def test_what_was_there_when_healthy_is_told():
    lines = [line("bpfo 1x", "outer", 3.585, 20, over_baseline_db=11.2), *SIDES]
    assert "20 dB over the floor and 11 dB over its healthy level" in sentence_of(
        "outer", lines, SPEED, None
    )


def test_cage_lines_alone_are_told_as_such():
    lines = [line(f"ftf {k}x", "cage", 0.398 * k, 10) for k in (1, 2, 3)]
    lines += [line("2bsf 1x", "ball", 4.714, 1)]
    why = "lines of the cage's turn alone: a ball carried round, or the cage itself"
    assert sentence_of("ball", lines, SPEED, why) == (
        f"ball: FTF 1x to 3x at 11.91 Hz, 10 dB over the floor ({why})"
    )


def test_a_gear():
    lines = [line("mesh 23 1x", "gear", 23.0, 30), line("mesh 23 1x +1 shaft", "gear", 24.0, 25)]
    assert sentence_of("gear", lines, SPEED, None) == (
        "gear: mesh 1x at 688.4 Hz, 30 dB over the floor, sidebands of the shaft (1 of 1)"
    )


def test_healthy_names_what_is_clearest():
    said = sentence_of("healthy", OUTER[3:4] + SIDES, SPEED, None)
    assert said == (
        "no line of a bearing fault stands out at 1796 rpm; the clearest is BPFO 4x at 429.2 Hz, "
        "3 dB over the floor"
    )


@pytest.mark.parametrize("verdict", ["undecided"])
def test_undecided_says_why(verdict):
    assert sentence_of(verdict, [], SPEED, "too short") == "undecided: too short"
