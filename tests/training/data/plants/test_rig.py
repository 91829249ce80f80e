"""Simulated plants: published shares, controllers that hold, faults that show, files read back."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.building import EFFECTS, make_building, operate
from dlrsd.training.data.plants.events import SHARES, draw_events, measure
from dlrsd.training.data.plants.faults import add_events
from dlrsd.training.data.plants.plants import Event, load_plants
from dlrsd.training.data.plants.rig import START, simulate_plants, write_plants
from dlrsd.training.data.plants.windows import labels_at, window_labels

YEAR_S = 31_557_600


@pytest.fixture(scope="module")
def plants():
    return simulate_plants(seed=0, n_plants=2, components=2, zones=1)


@pytest.fixture(scope="module")
def faults():
    """Four years of one component: every fault is in it."""
    return simulate_plants(seed=1, n_plants=4, components=1, zones=1)


def shares(events):
    times = START + np.arange(23, YEAR_S // 900, 4) * np.timedelta64(900, "s")
    labels = np.concatenate([labels_at(times, own) for own in events])
    return np.bincount(labels, minlength=7) / len(labels)


def test_windows_have_the_published_shares():
    starts = np.full(40, START)
    events = draw_events(rng=np.random.default_rng(0), starts=starts, seconds=YEAR_S)
    found = shares(events)
    assert found[0] == pytest.approx(0.6806, abs=0.02)
    for code in (1, 2, 3, 5, 6):
        assert found[code] == pytest.approx(SHARES[code], rel=0.2)
    assert SHARES[4] / 2 < found[4] < 2 * SHARES[4]


def test_eight_plant_years_hold_the_rarest_fault_in_every_plant():
    for seed in range(3):
        starts = np.full(8, START)
        events = draw_events(rng=np.random.default_rng(seed), starts=starts, seconds=YEAR_S)
        rare = [sum(event.code == 4 for event in own) for own in events]
        assert sum(rare) >= 8
        assert min(rare) >= 1
        assert 0.0003 < shares(events)[4] < 0.0012


def test_events_can_be_drawn_from_files(plants, tmp_path):
    write_plants(plants, tmp_path)
    lengths = {round(float((e.end - e.start).astype(int))) for p in plants for e in p.events}
    starts = np.full(8, START)
    rng = np.random.default_rng(0)
    events = draw_events(rng=rng, starts=starts, seconds=YEAR_S, events_from=tmp_path)
    assert {float((e.end - e.start).astype(int)) for own in events for e in own} <= lengths
    assert shares(events)[0] == pytest.approx(0.6806, abs=0.03)
    assert set(measure(tmp_path)) == set(SHARES)


def test_what_a_plant_is(plants):
    one = plants[0]
    assert (one.name, one.simulated, one.start) == ("plant_1", True, START)
    assert one.signal.shape == (18, 35_064)
    assert one.channels == (
        *(f"m{m}.{kind}{k}" for m in (1, 2) for kind in "SR" for k in (1, 2, 3, 4)),
        "z1.energy",
        "z1.power",
    )
    assert list(one.events) == sorted(one.events)
    missing = np.isnan(one.signal)
    assert 0.003 < missing.mean() < 0.05
    assert one.report["missing_samples"] == missing.sum()
    assert missing.all(axis=0).sum() > 3  # whole stretches
    counts = np.bincount(window_labels(one), minlength=7)
    assert counts.min() > 0


def test_the_seed_fixes_everything():
    first, again, other = (
        simulate_plants(seed=seed, n_plants=1, years=0.05, components=1, zones=1)[0]
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.signal, again.signal)
    assert first.events == again.events
    assert first.events != other.events


def test_controllers_hold_their_rooms_and_meters_add_up():
    n, components = 35_064, 4
    building = make_building(np.random.default_rng(5), START, n, components)
    nothing = {effect: np.zeros((n, components)) for effect in EFFECTS}
    sensors, power = operate(building, nothing, rng=np.random.default_rng(6), zones=2)
    room, supply, returned = (sensors[..., k] - building.bias[k] for k in range(3))
    cooling_set, heating_set, stage = (sensors[..., k] for k in (4, 5, 6))
    inside = (room < cooling_set + 1) & (room > heating_set - 1)
    assert inside.mean() > 0.9
    assert set(np.unique(stage)) == {-2, -1, 0, 1, 2}
    drop = returned - supply
    assert np.median(drop[stage == 1]) > 5
    assert np.median(drop[stage == 2]) > 1.4 * np.median(drop[stage == 1])
    assert abs(np.median(drop[stage == 0])) < 2
    # Summers are warmer than winters and afternoons than nights.
    months = (START + np.arange(n) * np.timedelta64(900, "s")).astype("M8[M]").astype(int) % 12
    outdoor = building.outdoor
    assert outdoor[months == 6].mean() > outdoor[months == 0].mean() + 12
    by_hour = outdoor[: n // 96 * 96].reshape(-1, 96).mean(axis=0)
    assert by_hour[60] > by_hour[16] + 3
    assert (power > 0).all()


def test_energy_is_the_power_of_its_step(plants):
    energy, power = plants[0].signal[-2:]
    there = np.isfinite(energy)
    assert np.abs(energy - power / 4)[there].max() < 0.011  # the meter shows 0.01 kWh


def test_faults_show_before_their_events(faults):
    def gathered(code, measure):
        """Means of a quantity in the last hour before events of a code, and always."""
        before, always = [], []
        for plant in faults:
            s1, s2, s3, _, r1, _, stage, _ = plant.signal[:8]
            quantity = measure(s1, s2, s3, r1, stage)
            always.append(quantity)
            for event in plant.events:
                if event.code == code:
                    hours = (plant.times - event.start).astype(float) / 3600
                    before.append(quantity[(hours > -1) & (hours <= 0)])
        return [np.nanmean(np.concatenate(part)) for part in (before, always)]

    def drop_at(wanted):
        return lambda s1, s2, s3, r1, stage: np.where(stage == wanted, s3 - s2, np.nan)

    for code, quantity, change in [
        (1, drop_at(1), -2.0),
        (2, drop_at(2), -2.0),
        (3, drop_at(2), -2.0),
        (4, lambda s1, s2, s3, r1, stage: s1 - r1, 1.0),
        (5, lambda s1, s2, s3, r1, stage: np.where(stage > 0, s2, np.nan), -3.0),
    ]:
        before, always = gathered(code, quantity)
        assert (before - always) / change > 1, code


def test_a_fault_grows_for_three_hours_is_weaker_while_it_lasts_and_then_gone():
    building = make_building(np.random.default_rng(0), START, 192, 3)
    effects = {effect: np.zeros((192, 3)) for effect in EFFECTS}
    begin = START + np.timedelta64(24, "h")  # sample 96
    event = Event(begin, begin + np.timedelta64(2, "h"), 5)
    add_events(effects, building, [event], START, np.random.default_rng(1))
    assert {name for name, values in effects.items() if values.any()} == {"cold", "flow"}
    (component,) = np.flatnonzero(effects["cold"].any(axis=0))
    course = effects["cold"][:, component]
    assert (np.diff(course[84:97]) > 0).all()
    assert (course[97:105] > 0).all()
    assert (course[97:105] < course[96]).all()
    assert not course[:85].any()
    assert not course[105:].any()


def test_what_is_written_reads_back_and_is_untidy_as_real_files_are(plants, tmp_path):
    write_plants(plants, tmp_path)
    for plant, read in zip(plants, load_plants(tmp_path), strict=True):
        assert (read.name, read.start, read.channels) == (plant.name, plant.start, plant.channels)
        assert read.simulated
        np.testing.assert_allclose(read.signal, plant.signal, rtol=0, atol=1e-4)
        assert read.events == plant.events
        for defect in (
            "null_values", "duplicate_slots", "rows_out_of_order", "clock_jumps", "stray_times",
            "events_overlapping",
        ):  # fmt: skip
            assert read.report[defect] > 0, defect
    times = [line.split(",")[1] for line in (tmp_path / "plant_1a.csv").open()]
    assert sum(time.endswith("00") for time in times) < len(times) / 5


def test_a_real_plant_is_not_written_as_a_simulated_one(plants, tmp_path):
    from dataclasses import replace

    with pytest.raises(InputError, match="plant_1 is a real plant"):
        write_plants([replace(plants[0], simulated=False)], tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"years": 0}, "got years = 0: expected a day"),
        ({"years": float("nan")}, "got years = nan"),
        ({"n_plants": 0}, "got n_plants = 0: expected 1 or more"),
        ({"zones": 0}, "got zones = 0"),
        ({"seed": -1}, "got seed = -1"),
    ],
)
def test_refuses_what_it_cannot_simulate(options, said):
    with pytest.raises(InputError, match=said):
        simulate_plants(**{"seed": 0, "n_plants": 1} | options)


def test_files_without_some_code_are_refused(tmp_path):
    (tmp_path / "site1c.csv").write_text("2010-03-01 00:00:00,2010-03-01 01:00:00,1\n")
    with pytest.raises(InputError, match="have no event of code 2"):
        simulate_plants(seed=0, n_plants=1, events_from=tmp_path)
