import re
import warnings

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.evidence.baseline import baseline_of
from dlrsd.runtime.evidence.verdict import FLOOR, Evidence, evidence
from tests.runtime.evidence.machine import (
    K6203,
    K6205,
    RATE,
    faulty,
    noise,
    shaft,
    strikes,
    turns,
)


@pytest.mark.parametrize("place", ["outer", "inner", "ball", "cage"])
def test_a_fault_is_found_at_its_place_and_its_frequency(place):
    found = evidence(faulty(place, strength=4), RATE, K6205)
    assert found.verdict == place
    order = {"outer": 3.5848, "inner": 5.4152, "ball": 4.714, "cage": 0.3983}[place]
    first = next(line for line in found.lines if line.place == place)
    # Intervals are 0.4 % longer than the geometry says: the line lies as much lower.
    assert first.hz == pytest.approx(order * 1772 / 60 / 1.004, abs=0.5)
    assert first.level_db > 8
    assert first.probability < 1e-3
    assert first.shaft is None


def test_the_sentence_is_an_engineers():
    found = evidence(faulty("outer", strength=6), RATE, K6205)
    words = r"outer race: BPFO 1x to 5x at 105\.\d Hz, \d\d dB over the floor, no sidebands"
    assert re.fullmatch(words, found.sentence), found.sentence
    # The 5th, at order 26.97, is one with 27 turns of the shaft.
    found = evidence(faulty("inner", strength=10), RATE, K6205)
    words = (
        r"inner race: BPFI 1x to 4x at 159\.\d Hz, \d\d dB over the floor, "
        r"sidebands of the shaft \([56] of 6\)"
    )
    assert re.fullmatch(words, found.sentence), found.sentence


@pytest.mark.parametrize("kinematics", [K6205, K6203])
def test_noise_is_healthy(kinematics):
    verdicts = [evidence(noise(seed), RATE, kinematics).verdict for seed in range(60)]
    assert verdicts == ["healthy"] * 60


def test_gain_and_unit_do_not_matter():
    x = faulty("inner", strength=1.0)
    found, other = evidence(x, RATE, K6205), evidence(9.80665 * x, RATE, K6205)
    assert found.verdict == other.verdict
    assert other.scores == pytest.approx(found.scores, abs=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for gain in (1e-300, 1e300):
            assert evidence(gain * x, RATE, K6205).scores == pytest.approx(found.scores, abs=1e-6)


def modulated(seed):
    """A healthy machine on a 6203 whose noise swells with the shaft: lines at 1 to 9 turns."""
    angle = turns(rpm=1796.0)
    swell = 1 + sum(0.25 * np.cos(2 * np.pi * k * angle + k * k) for k in range(1, 10))
    return noise(seed) * np.maximum(swell, 0) + shaft(angle)


def test_6203_lines_that_the_shaft_explains_prove_nothing():
    for seed in range(10):
        found = evidence(modulated(seed), RATE, K6203)
        assert found.verdict == "healthy"
        assert max(found.scores[p] for p in ("outer", "inner", "ball")) < FLOOR


def test_6203_a_fault_beside_the_shafts_lines_is_still_found():
    """Over 60 turns, order 3.053 lies three bins beside 3."""
    angle = turns(rpm=1796.0)
    found = evidence(modulated(0) + 3 * strikes(angle, 3.053), RATE, K6203)
    assert found.verdict == "outer"


def test_a_line_says_which_multiple_of_the_shaft_explains_it():
    found = evidence(modulated(1), RATE, K6203)
    for line in found.lines:
        if line.shaft is not None:
            assert abs(line.order - line.shaft) < 0.06
    assert any(line.shaft == 3 for line in found.lines)


def test_harmonics_of_the_outer_race_are_none_of_the_inner():
    """3 x 3.5848 is 2 x 5.4152 within 1 %: the comb of the outer race explains both."""
    found = evidence(faulty("outer", strength=8, slip=-0.002), RATE, K6205)
    assert found.verdict == "outer"
    assert found.scores["inner"] < FLOOR


def test_two_faults_alike_are_undecided():
    angle = turns()
    both = strikes(angle, 3.5848) + 1.3 * strikes(angle, 5.4152, modulation=1.0, seed=5)
    found = evidence(noise() + 2.2 * both, RATE, K6205)
    assert found.scores["outer"] > FLOOR
    assert found.scores["inner"] > FLOOR
    if abs(found.scores["outer"] - found.scores["inner"]) < 0.8:
        assert found.verdict == "undecided"


def test_a_stated_speed_that_is_wrong_is_said_and_mended():
    x = faulty("outer")
    found = evidence(x, RATE, Kinematics(1700.0, 3.5848, 5.4152, 2.357, 0.3983))
    assert found.verdict == "outer"
    assert "stated speed of 1700 rpm is contradicted" in found.reason
    assert "those of 1771 rpm" in found.reason
    assert found.reason in found.sentence


def test_it_is_json_and_back():
    found = evidence(faulty("inner").astype(np.float32), RATE, K6205, teeth=(23,))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evidence) == found
    assert {"verdict", "scores", "lines", "sentence"} <= set(msgspec.to_builtins(found))


@pytest.mark.parametrize("stated", [1420.0, 1560.0, 2150.0])
def test_a_stated_speed_that_is_far_off_allows_no_verdict(stated):
    found = evidence(faulty("outer"), RATE, Kinematics(stated, 3.5848, 5.4152, 2.357, 0.3983))
    assert found.verdict == "undecided"
    assert f"stated speed of {stated:g} rpm is contradicted" in found.reason
    assert found.reason.endswith(": state the true speed")
    assert found.speed.hz * 60 == pytest.approx(1772, rel=0.001)


@pytest.mark.parametrize(
    ("x", "rate", "why"),
    [
        (noise(seconds=0.2), RATE, "5.91 turns of the shaft are too few"),
        (np.zeros(0), RATE, "0 turns of the shaft are too few"),
        (np.ones(24000), RATE, "no signal"),
        (np.full(24000, np.nan), RATE, "no numbers"),
        (noise(), 2000.0, "a rate of 2000 Hz is too low for the lines"),
    ],
)
def test_a_window_that_allows_no_verdict_is_undecided(x, rate, why):
    found = evidence(x, rate, K6205)
    assert found.verdict == "undecided"
    assert why in found.reason
    assert found.sentence == f"undecided: {found.reason}"
    assert found.lines == []


_T = np.arange(24000) / RATE


@pytest.mark.parametrize(
    "x",
    [
        np.sin(2 * np.pi * 105.9 * _T),
        (1 + 0.5 * np.sin(2 * np.pi * 105.9 * _T)) * np.sin(2 * np.pi * 1234.5 * _T),
        np.sin(2 * np.pi * 1000 * _T) + np.sin(2 * np.pi * 1105.9 * _T),
        np.round(3000 * np.sin(2 * np.pi * 105.9 * _T)),
    ],
    ids=["sine", "modulated", "two", "integers"],
)
def test_lines_without_noise_are_no_machines(x):
    found = evidence(x.astype(np.float32), RATE, K6205)
    assert found.verdict == "undecided"
    assert "lines and no noise between them" in found.reason
    heard = x + np.abs(x).max() * 1e-2 * noise()
    assert evidence(heard, RATE, K6205).reason != found.reason


@pytest.mark.parametrize("hz", [20.0, 50.0, 105.9, 1000.0])
def test_what_repeats_exactly_is_no_error(hz):
    for x in (np.sign(np.sin(2 * np.pi * hz * _T + 0.1)), (hz * _T) % 1, 1.0 * (_T > 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert evidence(x, RATE, K6205).sentence


def test_what_no_machine_can_have_is_refused():
    swapped = Kinematics(1772.0, 5.4152, 3.5848, 2.357, 0.3983)
    with pytest.raises(InputError, match=r"fit no rolling bearing.*swapped"):
        evidence(noise(), RATE, swapped)
    for speed in (0.0, float("nan"), -5.0):
        with pytest.raises(InputError, match="speed_rpm"):
            Kinematics(speed, 3.5848, 5.4152, 2.357, 0.3983)
    with pytest.raises(InputError, match="rate of nan"):
        evidence(noise(), float("nan"), K6205)
    with pytest.raises(InputError, match="teeth 0"):
        evidence(noise(), RATE, K6205, teeth=(0,))
    with pytest.raises(InputError, match="one channel"):
        evidence(np.zeros((2, 24000)), RATE, K6205)


def test_even_lines_alone_are_no_outer_race():
    """Impulses at twice BPFO draw its 2nd and 4th line, not its 1st."""
    x = noise() + 3 * strikes(turns(), 2 * K6205.bpfo)
    found = evidence(x, RATE, K6205)
    assert found.scores["outer"] > FLOOR
    assert found.verdict == "undecided"
    assert found.reason.startswith("lines of outer stand out, but not the first of them")


FORMS = {
    "sawtooth": lambda phase: phase,
    "square": lambda phase: np.sign(phase - 0.5),
    "pulses": lambda phase: (phase < 0.05) * 1.0,
    "ringing": lambda phase: np.exp(-8 * phase) * np.sin(2 * np.pi * 30 * phase),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "order", [K6205.bpfo, K6205.bpfi, 2 * K6205.bsf, 1.0, K6205.bpfo / 2, 2.637]
)
@pytest.mark.parametrize("noise_db", [None, -40])
def test_a_generator_is_no_machine(form, order, noise_db):
    """Even where its period is a fault's, and where it is recorded with a little noise."""
    x = FORMS[form]((order * turns() + 0.13) % 1)
    x = np.round(20_000 * (x - x.mean()) / np.abs(x - x.mean()).max())  # of 16 bits
    if noise_db is not None:
        x += 10 ** (noise_db / 20) * x.std() * noise(1)
    found = evidence(x, RATE, K6205)
    assert found.verdict == "undecided"
    assert "repeats itself exactly" in found.reason or "no noise between" in found.reason


@pytest.mark.parametrize("amplitude", [1, 10, 100, 1000])
def test_an_imbalance_that_towers_is_a_machine(amplitude):
    x = noise(2) + amplitude * np.sin(2 * np.pi * turns())
    assert evidence(x, RATE, K6205).verdict == "healthy"


def broken_tooth(seed, depth):
    """A gear of 23 teeth on the shaft, one of which strikes."""
    angle = turns()
    mesh = sum(np.cos(2 * np.pi * 23 * k * angle + k) / k for k in (1, 2, 3))
    return noise(seed) + shaft(angle) + mesh + depth * strikes(angle, 1.0, resonance=2600)


def test_a_broken_tooth_is_unknown_where_no_teeth_are_stated():
    own = baseline_of([evidence(broken_tooth(s, 0), RATE, K6205) for s in range(20, 40)])
    for depth, verdict in ((0.0, "healthy"), (1.5, "healthy"), (7.0, "unknown")):
        found = evidence(broken_tooth(3, depth), RATE, K6205, baseline=own)
        assert found.verdict == verdict, (depth, found.scores)
    assert "knocks once a turn, 1" in found.sentence
    assert evidence(broken_tooth(3, 7.0), RATE, K6205).verdict == "healthy"  # it may always have


def test_knocks_of_a_healthy_machine_are_its_own():
    own = baseline_of([evidence(broken_tooth(s, 7), RATE, K6205) for s in range(20, 40)])
    assert evidence(broken_tooth(3, 9.0), RATE, K6205, baseline=own).verdict == "healthy"


@pytest.mark.parametrize("part", [2, 3, 4])
@pytest.mark.parametrize("order", [K6205.bpfo, K6205.bpfi])
def test_knocks_of_a_neighbour_whose_multiple_a_race_meets_prove_nothing(order, part):
    x = noise(4) + shaft(turns()) + 8 * strikes(turns(), order / part)
    found = evidence(x, RATE, K6205)
    assert found.verdict == "undecided"
    hz = float(re.search(r"something knocks at ([\d.]+) Hz", found.reason)[1])
    assert hz == pytest.approx(order / part * 1772 / 60, rel=0.01)


def test_a_single_line_of_the_cage_is_no_ball():
    t = np.arange(24000) / RATE
    third = 3 * K6205.ftf * 1772 / 60
    x = noise(4) * (1 + 0.9 * np.cos(2 * np.pi * third * t)) + shaft(turns())
    assert evidence(x, RATE, K6205).verdict == "healthy"


def test_what_a_commissioned_machine_draws_is_its_own():
    """A belt at half the speed, louder than the shaft: of an unknown machine the stated speed may
    be twice the true one, of a commissioned one it is nothing new."""
    t = np.arange(len(noise(0))) / RATE

    def belted(seed):
        half = 2 * np.pi * 1772 / 120 * t
        return noise(seed) + sum(0.5 * np.sin(k * half + seed) for k in (1, 2, 3, 4, 5))

    alone = [evidence(belted(seed), RATE, K6205) for seed in range(12)]
    assert {found.verdict for found in alone} == {"undecided"}
    assert "half as much, 886." in alone[0].reason
    own = baseline_of(alone)
    after = [evidence(belted(seed), RATE, K6205, baseline=own) for seed in range(20, 26)]
    assert {found.verdict for found in after} == {"healthy"}
    spalled = belted(30) + faulty("inner", strength=6) - noise(0)
    assert evidence(spalled, RATE, K6205, baseline=own).verdict == "inner"
