"""The ready bundle for any bearing, on bearings that no table has and in any unit."""

from __future__ import annotations

import numpy as np
import pytest

import dlrsd.runtime as api
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.geometry import Geometry
from dlrsd.runtime.bundle.bundle import SHIPPED
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.output.bundle_report import info_lines
from tests.runtime.evidence.machine import faulty, noise, shaft, turns

NAME = "any-bearing"
MOST_BYTES = 2_000_000
# No maker's: 11 balls of 10.3 mm on 51.7 mm, 14 of 7.1 mm on 60 mm at 15 degrees.
ODD = (Geometry(11, 10.3, 51.7, 0.0), Geometry(14, 7.1, 60.0, 15.0))


def machine(geometry, rpm=1450.0):
    return Kinematics(rpm, **geometry.orders)


@pytest.fixture(scope="module")
def bundle():
    return api.load_bundle(NAME)


@pytest.fixture(scope="module", autouse=True)
def engines():
    pytest.importorskip("onnxruntime")


def said(bundle, tmp_path, x, kinematics, **facts):
    """The last verdict on a recording, at 12 kHz unless stated."""
    np.save(tmp_path / "x.npy", np.asarray(x, np.float32))
    orders = {name: getattr(kinematics, name) for name in ("bpfo", "bpfi", "bsf", "ftf")}
    stated = {"rate": 12000.0, "speed_rpm": kinematics.speed_rpm, "orders": orders, **facts}
    form = api.StreamFormat(**stated)
    with api.open_stream(tmp_path / "x.npy", form, default=bundle.signal) as stream:
        engine = api.open_engine(bundle, kinematics=bundle.kinematics_of(stream))
        return list(api.diagnose(stream, bundle, engine))[-1].verdicts[0], stream.description


@pytest.mark.parametrize("geometry", ODD)
@pytest.mark.parametrize(
    ("place", "label"), [("outer", "outer"), ("inner", "inner"), ("ball", "rolling_element")]
)
def test_a_spall_of_a_bearing_never_seen_is_named(bundle, tmp_path, geometry, place, label):
    kinematics = machine(geometry)
    x = faulty(place, kinematics, seconds=6.0, strength=5.0, seed=3)
    verdict, _ = said(bundle, tmp_path, x, kinematics)
    assert verdict.label == label
    assert verdict.probability > 0.6


@pytest.mark.parametrize("geometry", ODD)
def test_a_sound_machine_is_normal(bundle, tmp_path, geometry):
    kinematics = machine(geometry)
    x = noise(5, 6.0) + shaft(turns(6.0, kinematics.speed_rpm))
    assert said(bundle, tmp_path, x, kinematics)[0].label == "normal"


@pytest.mark.parametrize("facts", [{"unit": "m/s2"}, {"unit": "g", "scale": 1e-5}, {}])
def test_neither_unit_nor_gain_matter(bundle, tmp_path, facts):
    kinematics = machine(ODD[0])
    x = faulty("outer", kinematics, seconds=6.0, strength=5.0, seed=3)
    verdict, _ = said(bundle, tmp_path, x, kinematics, **facts)
    assert verdict.label == "outer"
    assert verdict.novel_share == 0


def test_a_higher_rate_is_brought_down(bundle, tmp_path):
    kinematics = machine(ODD[0])
    x = faulty("inner", kinematics, seconds=6.0, strength=5.0, seed=3)
    twice = np.repeat(x, 2)  # 24 kHz
    assert said(bundle, tmp_path, twice, kinematics, rate=24000.0)[0].label == "inner"


def test_it_is_small(bundle):
    assert sum(path.stat().st_size for path in (SHIPPED / NAME).iterdir()) <= MOST_BYTES
    assert bundle.classes == ("normal", "inner", "outer", "rolling_element")


def test_info_tells_how_well_it_did_on_each_rig_left_out(bundle):
    told = "\n".join(info_lines(bundle))
    for rig in ("cwru-drive-end", "cwru-fan-end", "hit_mfs", "hit_self"):
        assert f"{rig}, when left out: accuracy 0." in told
    assert "any rolling bearing with known speed and geometry, in any unit" in told


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "give --speed RPM and --bearing NAME"),
        (("--speed", "1772"), "is for any bearing and nothing states which one this is"),
        (("--speed", "200", "--bearing", "6205"), "expected 8 or more, so 240 rpm or faster"),
        (("--speed", "9000", "--bearing", "6205"), "expected 6915 rpm or slower"),
        (("--speed", "1772", "--orders", "5.4,3.6,2.4,0.4"), "are they swapped"),
    ],
)
def test_what_it_cannot_judge_is_refused_in_one_line(command, tmp_path, options, expected):
    noise(0, 4.0).astype("<f4").tofile(tmp_path / "x.bin")
    done = command("diagnose", "x.bin", "--rate", "12000", "--bundle", NAME, *options)
    assert done.returncode == 2
    *_, line = done.stderr.strip().splitlines()  # before it, which bearing was found by its name
    assert line.startswith("error: ")
    assert expected in line


def test_a_machine_far_from_the_trained_ones_is_said(bundle, tmp_path):
    kinematics = machine(Geometry(40, 4.5, 120.0, 0.0), rpm=400.0)
    _, description = said(bundle, tmp_path, noise(0, 4.0), kinematics)
    assert any("400 rpm is far from the" in each for each in description["warnings"])
    assert any(each.startswith("bpfo 19.25 is far") for each in description["warnings"])


def test_orders_that_no_bearing_has_are_refused(bundle, tmp_path):
    with pytest.raises(InputError, match="fit no rolling bearing"):
        said(bundle, tmp_path, noise(), Kinematics(1772.0, 3.6, 5.4, 4.7, 0.4))
