"""Spectra, waterfall and scalogram against what is known of the signal."""

import json
import threading

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.asked import Asked
from dlrsd.runtime.service.page.live import SignalNow
from dlrsd.runtime.service.page.pictures import (
    POINTS,
    envelope,
    last_scalogram,
    spectrum,
    waterfall,
)
from tests.runtime.service.page.plant import ORDERS, RATE, RPM, signal_until


def sine(hz, rms, seconds=4.0, rate=RATE, start=1000.0, **said):
    t = np.arange(round(seconds * rate)) / rate
    x = rms * np.sqrt(2) * np.sin(2 * np.pi * hz * t)
    return SignalNow(samples=x.astype(np.float32), rate_hz=rate, start=start, **said)


def faulty(fault=3.0):
    start, samples = signal_until(1_700_000_000, 4, fault, 1)
    return SignalNow(samples=samples, rate_hz=RATE, start=start, speed_rpm=RPM, orders=ORDERS,
                     place="outer")  # fmt: skip


@pytest.mark.parametrize("hz", [37.0, 1000.0, 5000.0])
def test_a_sine_stands_in_the_spectrum_with_its_rms(hz):
    found = spectrum(sine(hz, 2.5))
    top = int(np.argmax(found.level))
    assert found.hz[top] == pytest.approx(hz, abs=0.5)
    assert found.level[top] == pytest.approx(2.5, rel=1e-3)
    assert len(found.hz) <= 2 * POINTS


def test_the_shafts_lines_are_marked_where_the_speed_is_known():
    assert spectrum(sine(100, 1)).marks == []
    marks = spectrum(sine(100, 1, speed_rpm=1500.0)).marks
    assert [m.hz for m in marks] == [25, 50, 75, 100, 125]


def test_an_outer_race_fault_draws_its_lines_in_the_envelope():
    found = envelope(faulty())
    outer = [m for m in found.marks if m.place == "outer" and m.name.endswith("x")]
    hz = ORDERS["bpfo"] * RPM / 60
    assert [m.hz / k for k, m in enumerate(outer, 1)] == pytest.approx([hz] * 5, rel=0.01)
    assert [m.seen for m in outer[:3]] == [True] * 3
    assert all(m.level_db > 10 for m in outer[:3])
    # The curve is as high where a mark says a line stands.
    at = int(np.argmin(np.abs(np.array(found.hz) - outer[0].hz)))
    assert max(found.level[at - 1 : at + 2]) == pytest.approx(outer[0].level_db, abs=0.2)
    assert sum(m.seen for m in envelope(faulty(0.0)).marks if m.place == "outer") <= 1


def test_without_a_bearing_the_envelope_has_no_marks_and_says_so():
    found = envelope(sine(100, 1))
    assert found.marks == []
    assert "no lines are marked" in found.note
    odd = envelope(sine(100, 1, speed_rpm=1500.0, orders=ORDERS | {"bpfo": -1.0}))
    assert "expected a number above 0" in odd.note


def test_rows_of_the_waterfall_begin_on_quarters_of_a_second():
    a, b = waterfall(sine(1000, 1, start=1000.1)), waterfall(sine(1000, 1, start=1001.1))
    assert (a.start, b.start) == (1000.25, 1001.25)
    assert (a.rows, a.columns) == (15, 320)
    levels = np.frombuffer(a.data, np.uint8).reshape(a.rows, a.columns)
    assert a.strongest_hz == pytest.approx(1000, abs=RATE / 2 / 320)
    top = a.low_db + a.step_db * int(levels.max())
    assert top == pytest.approx(0, abs=1.5)  # dB over 1 m/s2; a Hann window loses at most 1.4


def test_the_scalogram_stands_highest_at_the_signals_frequency():
    found = last_scalogram(sine(1500, 1))
    assert found.strongest_hz == pytest.approx(1500, rel=0.09)  # a row of the grid
    assert found.seconds == pytest.approx(0.085, abs=0.003)
    assert len(found.data) == found.rows * found.columns
    assert max(found.data) == 255


@pytest.mark.parametrize("draw", [spectrum, envelope, waterfall, last_scalogram])
def test_too_little_signal_is_told(draw):
    with pytest.raises(InputError, match="not yet enough signal"):
        draw(sine(100, 1, seconds=0.05))


@pytest.mark.parametrize("draw", [spectrum, envelope, waterfall, last_scalogram])
def test_silence_is_drawn_as_silence(draw):
    found = draw(sine(100, 0.0, speed_rpm=RPM, orders=ORDERS))
    level = found.level if hasattr(found, "level") else list(found.data)
    assert np.isfinite(level).all()


def test_browsers_that_ask_at_once_share_a_picture():
    count = []

    class Live:
        def signal(self, machine, sensor):
            count.append(machine)
            return faulty()

    asked = Asked(Live())
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(asked.picture("a", "b", "envelope")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(count) <= 2  # a second may end in between
    assert json.loads(found[0])["marks"]
