import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import Spectrum
from dlrsd.runtime.dsp.places import find
from dlrsd.runtime.dsp.shaft_speed import ShaftSpeed
from dlrsd.runtime.evidence.lines import SIGNIFICANT, bearing_lines, machine_lines
from dlrsd.runtime.evidence.verdict import evidence
from tests.runtime.evidence.machine import K6205, RATE, noise

SPEED = ShaftSpeed(stated_hz=30.0, hz=30.0, how="refined")


def flat(**at_hz):
    """A flat spectrum in steps of 0.5 Hz but for some lines."""
    excess = np.ones(2000)
    for hz, height in at_hz.items():
        excess[round(2 * float(hz.removeprefix("f").replace("_", ".")))] = height
    return Spectrum(excess, 0.5)


def test_where_and_how_high_a_line_is():
    spectrum = flat(f107_5=50.0)
    found = find(spectrum, SPEED, K6205)
    line = bearing_lines(spectrum, SPEED, [found["outer"]])[0]
    assert line.name == "bpfo 1x"
    assert line.hz == pytest.approx(107.5, abs=0.25)
    assert line.order == pytest.approx(107.5 / 30, abs=0.01)
    assert line.level_db == pytest.approx(10 * np.log10(50))
    assert line.shaft is None
    # Within 1 % of 107.544 Hz lie 2 x 2.15 bins and the one in the middle.
    searched = 2 * 0.01 * 3.5848 * 60 + 1
    assert line.probability == pytest.approx(1 - (1 - np.exp(-50.0)) ** searched, abs=1e-15)


def test_noise_draws_significant_lines_no_more_often_than_stated():
    lines = [line for seed in range(60) for line in evidence(noise(seed), RATE, K6205).lines]
    assert len(lines) == 60 * (3 * 11 + 4 + 5)
    share = np.mean([line.probability < SIGNIFICANT for line in lines])
    assert share < 1.2 * SIGNIFICANT


def test_lines_beyond_the_spectrum_are_left_out():
    short = Spectrum(np.ones(500), 0.5)  # 250 Hz
    found = find(short, SPEED, K6205)
    names = {line.name for line in bearing_lines(short, SPEED, list(found.values()))}
    assert "bpfo 2x" in names
    assert "bpfo 3x" not in names


def test_shaft_and_mesh_lines_are_named_by_their_order():
    spectrum = flat(f30=100.0, f600=200.0, f630_5=80.0)
    lines = {line.name: line for line in machine_lines(spectrum, SPEED, (20,))}
    assert lines["shaft 1x"].level_db == pytest.approx(20)
    assert lines["mesh 20 1x"].level_db == pytest.approx(10 * np.log10(200))
    assert lines["mesh 20 1x"].hz == 600.0
    # A line a bin beside its place is still its own.
    assert lines["mesh 20 1x +1 shaft"].level_db == pytest.approx(10 * np.log10(80))
    assert lines["mesh 20 1x -1 shaft"].order == 19
    assert "mesh 20 2x" not in lines  # at 1200 Hz, beyond the spectrum
    assert {line.place for line in lines.values()} == {"shaft", "gear"}
