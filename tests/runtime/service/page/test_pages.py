"""What the pages and the JSON say."""

import json
import time
from urllib.parse import quote, urlencode

import msgspec
import numpy as np
import pytest
from markupsafe import escape
from msgspec.structs import replace

from dlrsd.runtime.machine.iso_20816 import NOT_COVERED
from dlrsd.runtime.service.page import words
from dlrsd.runtime.service.page.payloads import AlarmsSaid, MachinesSaid
from dlrsd.runtime.service.said import SensorNow
from tests.runtime.service.page.plant import Plant
from tests.runtime.service.page.served import served
from tests.runtime.service.page.test_access import ask, form_key, post

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "مضخة ١ \u202e evil",
    "🙂" * 40,
    "a" * 200,
    "{{ 7 * 7 }} {% raw %}",
    "pump 1/drive?x=1&y=2#z",
)  # fmt: skip


@pytest.fixture(scope="module")
def here():
    with served(Plant(12)) as (address, plant):
        yield address, plant


def html(address, path):
    status, _, text = ask(address, path, Accept="text/html")
    assert status == 200, text
    return text


def got(address, path, **query):
    status, _, text = ask(address, f"{path}?{urlencode(query)}")
    return status, json.loads(text)


def test_the_overview_has_the_gravest_first(here):
    text = html(here[0], "/")
    at = [text.index(f'data-machine="{name}"') for name in here[1].names[:3]]
    assert at == sorted(at)
    assert text.index("Needs attention") < text.index('data-machine="Pump 1"')
    assert text.index('data-machine="Compressor 2"') < text.index('data-machine="Motor 001"')
    assert text.index('data-machine="Motor 007"') < text.index('data-machine="Mill drive"')
    assert "is in zone D of ISO 20816-3" in text


def test_a_sentence_leaves_out_what_stands_beside_it_and_its_time_is_one():
    text = "a<b>, alert: fault & more since 2026-11-26 09:16:33 UTC; <i>"
    assert words.said(text, "a<b>") == (
        'Fault &amp; more since <time datetime="2026-11-26T09:16:33Z">2026-11-26 09:16:33 UTC'
        "</time>; &lt;i&gt;"
    )
    assert words.said(text, "a").startswith("a&lt;b&gt;, alert: fault")


def test_a_machine_of_which_nothing_came_yet_has_its_page_too(monkeypatch):
    plant = Plant(1)
    (now,) = plant.machines()
    empty = replace(now, sensors=[SensorNow(name="drive end", silent_s=70.0)])
    monkeypatch.setattr(plant, "machines", lambda: [empty])
    monkeypatch.setattr(plant, "signal", lambda *_: None)
    with served(plant) as (address, _):
        text = html(address, f"/machine?name={quote(now.name)}")
        assert "Nothing has come from this sensor for 70 s" in text
        assert html(address, "/").count("data-machine") == 1
        assert got(address, "/api/machines")[0] == 200


def test_what_the_zones_do_not_say_is_on_the_page(here):
    text = html(here[0], "/machine?name=Pump%201")
    assert all(str(escape(each)) in text for each in NOT_COVERED)


def test_a_machine_says_what_and_why(here):
    text = html(here[0], "/machine?name=Pump%201")
    assert "BPFO at 105.9 Hz with five harmonics" in text
    assert 'data-limits="1.4 2.8 4.5"' in text
    assert "outer 0.007" in text
    assert "88%" in text
    assert text.count('aria-current="true"') == 1
    assert 'data-sensor="free end"' in html(here[0], "/machine?name=Pump%201&sensor=free%20end")


def test_what_is_not_there_is_told_in_one_line(here):
    for path in ("/machine?name=nobody", "/machine?name=Pump%201&sensor=x", "/alarm?id=1"):
        status, _, text = ask(here[0], path, Accept="text/html")
        assert status == 404
        assert "This was not done" in text
    assert ask(here[0], "/machine", Accept="text/html")[0] == 400
    status, said = got(here[0], "/api/picture", machine="Mill drive", sensor="drive end", kind="x")
    assert (status, "expected one of spectrum" in said["error"]) == (400, True)
    status, said = got(
        here[0], "/api/picture", machine="Mill drive", sensor="drive end", kind="spectrum"
    )
    assert said["error"] == "there is no signal of this sensor now"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/alarms", {"most": "0"}),
        ("/api/alarms", {"most": "1e9"}),
        ("/api/alarms", {"before": "nan"}),
        ("/api/trend", {"machine": "Pump 1", "sensor": "x", "figure": "crest", "start": "5",
                        "end": "4"}),
        ("/api/trend", {"machine": "a" * 501, "sensor": "x", "figure": "crest"}),
        ("/api/trend", {"machine": "Pump 1"}),
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(here, path, query):
    status, said = got(here[0], path, **query)
    assert status == 400
    assert said["error"]


def test_machines_and_alarms_keep_to_their_published_form(here):
    address, plant = here
    _, _, text = ask(address, "/api/machines")
    said = msgspec.json.decode(text, type=MachinesSaid)
    assert [m.state for m in said.machines[:5]] == [
        "danger", "alert", "sensor fault", "stopped", "normal",
    ]  # fmt: skip
    assert said.machines[0].sensors[0].levels.velocity_mm_s == pytest.approx(6.4, rel=0.04)
    assert said.machines[0].since.endswith("Z")
    first = msgspec.json.decode(ask(address, "/api/alarms?most=20")[2], type=AlarmsSaid)
    rest = msgspec.json.decode(
        ask(address, f"/api/alarms?most=500&before={first.before}")[2], type=AlarmsSaid
    )
    assert rest.before is None
    ids = [a.id for a in first.alarms + rest.alarms]
    assert sorted(ids) == sorted(row.id for row in plant.kept.rows)
    still = msgspec.json.decode(ask(address, "/api/alarms?open=1")[2], type=AlarmsSaid)
    assert {a.machine for a in still.alarms} == set(plant.names[:3])


def test_a_trend_comes_with_the_alarms_of_its_time(here):
    now = time.time()
    query = {"machine": "Pump 1", "sensor": "drive end", "figure": "velocity_mm_s"}
    status, said = got(here[0], "/api/trend", **query, start=now - 86400, end=now)
    assert status == 200
    assert [a["id"] for a in said["alarms"]] == ["01J-0000"]
    assert said["epochs"] == []
    assert len(said["time"]) == len(said["low"]) == len(said["mean"]) <= 2000
    assert said["mean"][-1] == pytest.approx(6.4, rel=0.15)
    _, year = got(here[0], "/api/trend", **query, start=now - 365 * 86400, end=now)
    assert len(year["time"]) <= 2000
    assert len(year["epochs"]) == 1
    assert here[1].kept.epoch is None
    assert got(here[0], "/api/trend", **query, epoch=0)[0] == 200
    assert here[1].kept.epoch == 0
    assert 'id="epoch"' in html(here[0], "/machine?name=Pump%201")


def test_a_waveform_keeps_its_extremes_however_far_away(here):
    address, plant = here
    kept = plant.kept.waves[0][1]
    x = kept.samples[0] * kept.about.scale[0]
    query = {"machine": "Pump 1", "id": "0", "sensor": "drive end"}
    _, far = got(address, "/api/waveform", **query)
    assert far["unit"] == "m/s2"
    assert len(far["low"]) <= 2000
    assert max(far["high"]) == pytest.approx(float(x.max()), rel=1e-3)
    assert min(far["low"]) == pytest.approx(float(x.min()), rel=1e-3)
    assert far["rms"] == pytest.approx(float(np.sqrt(np.mean(x**2))), rel=1e-6)
    _, near = got(address, "/api/waveform", **query, **{"from": 1, "to": 1.05})
    shown = x[int(kept.about.rate_hz) :][: len(near["low"])]
    assert near["high"] == near["low"] == pytest.approx(shown, rel=1e-3, abs=1e-6)
    assert got(address, "/api/waveform", machine="Fan, kiln exhaust", id="0")[0] == 404
    assert got(address, "/api/waveform", **{**query, "sensor": "x"})[0] == 404


def test_samples_that_are_missing_are_shown_as_missing(here):
    address, plant = here
    kept = plant.kept.waves[1][1]
    kept.gaps.append((12_800, 6400))
    query = {"machine": "Fan, kiln exhaust", "id": "1"}
    _, said = got(address, "/api/waveform", **query)
    assert said["missing"] == 6400
    at = [said["from"] + said["step"] * i for i, low in enumerate(said["low"]) if low is None]
    assert (min(at), max(at)) == pytest.approx((1.0, 1.5), abs=2 * said["step"])
    assert np.isfinite(said["rms"])
    kept.gaps.clear()


def test_metrics_are_what_the_watch_gives(here):
    status, headers, text = ask(here[0], "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4")
    assert "dlrsd_machines 12" in text


def test_the_last_day_of_all_machines_is_read_once_a_minute(here):
    address, plant = here
    _, said = got(address, "/api/sparks")
    assert set(said["machines"]) == set(plant.names)
    read, plant.kept.trend = plant.kept.trend, None
    assert got(address, "/api/sparks")[1] == said
    plant.kept.trend = read


def test_shelving_and_its_end(here):
    address, plant = here
    key = {"form_key": form_key(address)}
    fields = {"machine": "Pump 1", "rule": "zone"} | key
    status, _, text = post(address, "/shelve", fields | {"hours": "8"})
    assert status == 200
    until = plant.kept.alarm("01J-0000").shelved_until
    assert until == pytest.approx(time.time() + 8 * 3600, abs=30)
    assert "zone is shelved until" in text
    for hours in ("0", "-1", "nan", "1e9", "x", ""):
        assert post(address, "/shelve", fields | {"hours": hours})[0] == 400, hours
    assert post(address, "/unshelve", fields)[0] == 200
    assert plant.kept.alarm("01J-0000").shelved_until is None


def test_a_confirmed_diagnosis_says_how_many_windows_are_needed(here):
    address, _ = here
    key = {"form_key": form_key(address)}
    fields = {"machine": "Pump 1", "sensor": "drive end", "label": "inner 0.007"} | key
    _, _, text = post(address, "/confirm", fields)
    assert json.loads(text)["done"] == (
        "24 windows kept as inner 0.007: 24 of 100 now, 76 more are needed."
    )
    status, _, text = post(address, "/confirm", fields | {"label": "no such class"})
    assert (status, "expected one of normal" in text) == (400, True)


def test_a_form_without_scripts_leads_back_to_its_page(here):
    address, _ = here
    fields = {"alarm": "01J-0002", "back": "/alarms", "form_key": form_key(address)}
    status, headers, _ = post(address, "/acknowledge", fields, Accept="text/html")
    assert (status, headers["location"]) == (303, "/alarms")
    fields["back"] = "//evil.example"
    assert post(address, "/acknowledge", fields, Accept="text/html")[1]["location"] == "/"


def test_names_of_any_kind_are_text_and_nothing_else():
    with served(Plant(12, names=HOSTILE)) as (address, plant):
        plant.kept.happened = []
        pages = ["/", "/alarms", *(f"/machine?name={quote(name, safe='')}" for name in HOSTILE)]
        for path in pages:
            text = html(address, path)
            assert "<script>alert" not in text
            assert "<img" not in text
        assert HOSTILE[6] in html(address, "/")  # no template within a template
        for name in HOSTILE:
            status, said = got(
                address, "/api/trend", machine=name, sensor="drive end", figure="crest"
            )
            assert status == 200
            assert said["time"]
