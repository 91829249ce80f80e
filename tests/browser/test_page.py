"""The page in a real Chromium: looks, keyboard, screen reader, and what happens as one watches."""

import time

import pytest

from dlrsd.runtime.service.page.tokens import new_token
from tests.browser.conftest import LOOKS
from tests.runtime.service.page.plant import Plant
from tests.runtime.service.page.served import served
from tests.runtime.service.page.test_pages import HOSTILE

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)

PAGES = {
    "overview": "/",
    "machine": "/machine?name=Pump%201",
    "alarms": "/alarms",
    "alarm": "/alarm?id=01J-0000",
    "refusal": "/machine?name=nobody",
}
_NO_FOCUS = "document.activeElement === document.body"


def complaints(page):
    """What axe-core finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page)
    return [
        (v["id"], node["html"][:200], node.get("failureSummary", "")[:300])
        for v in found.response["violations"]
        for node in v["nodes"]
    ]


def settled(page, name):
    """Wait until the page shows all it has."""
    if name == "machine":
        for plot in ("trend", "envelope", "spectrum", "waterfall", "scalogram", "waveform"):
            page.locator(f"#{plot}").scroll_into_view_if_needed()
            expect(page.locator(f"#{plot} [data-sum]")).not_to_contain_text("Being")
        page.evaluate("scrollTo(0, 0)")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_and_is_for_everyone(window, here, name, theme, width):
    each = window(theme=theme, width=width)
    page = each.page
    page.goto(here[0] + PAGES[name])
    if name == "refusal":
        each.wrong.clear()  # a browser complains of the 404 that it asked for
    else:
        page.wait_for_selector("#link[data-link=live]")
    settled(page, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for details in page.locator("details").all():
        if details.is_visible():
            details.evaluate("d => { d.open = true }")
    if width == 1440:
        page.wait_for_timeout(1200 if name == "machine" else 0)  # tables fill as figures come
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1440 or name in ("overview", "machine"):
        assert complaints(page) == []


def test_the_log_in_is_for_everyone(window, start, tmp_path):
    token, line = new_token("operate", "A. Weber")
    (tmp_path / "tokens").write_text(line)
    address, _ = start(tokens=str(tmp_path / "tokens"))
    for theme in ("light", "dark"):
        page = window(theme=theme).page
        page.goto(address + "/alarms")
        assert complaints(page) == []
    page.keyboard.type(token)  # its field has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector("#link[data-link=live]")
    assert page.url == address + "/alarms"
    assert "A. Weber" in page.locator(".who").inner_text()
    assert "HttpOnly" not in page.evaluate("document.cookie")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_who_may_look_sees_no_buttons_to_act(window, start, tmp_path):
    token, line = new_token("view", "Wall panel")
    (tmp_path / "tokens").write_text(line)
    address, _ = start(tokens=str(tmp_path / "tokens"))
    page = window().page
    page.goto(address)
    page.fill("#token", token)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("#link[data-link=live]")
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    page.goto(address + "/machine?name=Pump%201")
    assert page.get_by_role("button", name="Keep for training").count() == 0


def test_an_alarm_is_acknowledged_by_keyboard(window, start):
    address, plant = start(Plant(8), ticking=True)
    page = window().live(address, "/alarms")
    for _ in range(60):
        page.keyboard.press("Tab")
        if "Acknowledge: Pump 1" in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("Enter")
    notice = page.get_by_role("status")
    notice.get_by_text("Acknowledged by local.").wait_for()
    assert plant.kept.alarm("01J-0000").acknowledged_by == "local"
    page.locator(".card", has_text="acknowledged by local").wait_for()
    assert page.get_by_role("button", name="Acknowledge: Pump 1").count() == 0
    assert not page.evaluate(_NO_FOCUS)  # whoever tabs on is not thrown back to the top


def test_a_rule_is_shelved_and_taken_back_by_keyboard(window, start):
    address, plant = start(Plant(8), ticking=True)
    page = window().live(address, "/machine?name=Pump%201")
    page.fill("#by", "B. Sato")
    page.locator(".shelve summary").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Leave it out of the state for").select_option("24")
    page.get_by_role("button", name="Shelve", exact=True).press("Enter")
    page.get_by_role("status").get_by_text("is shelved until").wait_for()
    assert plant.kept.alarm("01J-0000").shelved_by == "B. Sato"
    page.get_by_role("button", name="End shelving").press("Enter")
    page.get_by_role("status").get_by_text("zone counts again.").wait_for()
    assert plant.kept.alarm("01J-0000").shelved_until is None


def test_a_diagnosis_is_corrected(window, start):
    address, _ = start(Plant(8))
    page = window().live(address, "/machine?name=Pump%201")
    page.get_by_label("The newest signal shows").select_option("inner 0.007")
    page.get_by_role("button", name="Keep for training").click()
    said = "24 windows kept as inner 0.007: 24 of 100 now, 76 more are needed."
    page.get_by_role("status").get_by_text(said).wait_for()
    row = page.locator(".stock tr", has_text="inner 0.007")
    assert row.locator("td").all_inner_texts() == ["24", "76"]


def test_a_change_appears_while_one_watches(window, start):
    address, plant = start(Plant(8), ticking=True)
    page = window().live(address)
    assert page.locator(".attention [data-machine='Motor 002']").count() == 0
    plant.change("Motor 002", "danger")
    page.locator(".attention [data-machine='Motor 002']").wait_for()
    velocity = page.locator("[data-machine='Motor 003'] [data-is=velocity]")
    before = velocity.inner_text()
    expect(velocity).not_to_have_text(before)


def test_the_page_says_when_it_is_not_told_any_more_and_comes_back(window):
    each, plant = window(), Plant(6)
    with served(plant) as (address, _):
        page = each.live(address)
    lost = page.locator("#lost")
    expect(lost).to_contain_text("what is shown is old")
    plant.states["Motor 001"] = "alert"
    with served(plant, port=int(address.rpartition(":")[2])):
        expect(lost).to_be_hidden()
        page.locator(".attention [data-machine='Motor 001']").wait_for()
    each.wrong.clear()  # of the connection that was lost


def test_a_machine_is_found_by_name(window, here):
    page = window().live(here[0])
    page.get_by_label("Find").fill("motor 00")
    assert page.locator("[data-machine]:visible").count() == 7
    page.get_by_label("Find").fill("")
    assert page.locator("[data-machine]:visible").count() == 12


def test_plots_say_in_words_and_figures_what_they_show(window, here):
    page = window().live(here[0], "/machine?name=Pump%201")
    settled(page, "machine")
    trend = page.locator("#trend [data-canvas]").get_attribute("aria-label")
    assert "zone D of ISO 20816-3 (B from 1.4, C from 2.8, D from 4.5 mm/s)" in trend
    assert "One alarm in this time." in trend
    said = page.locator("#envelope [data-canvas]").get_attribute("aria-label")
    assert said.startswith("Outer race: BPFO at 106")
    page.locator("#envelope summary").click()
    first = page.locator("#envelope [data-table] tbody tr").first
    first.wait_for()
    assert first.locator("td").first.inner_text() == "bpfo 1x"
    page.locator("#figure").select_option("line:outer")
    page.locator("#trend .sum", has_text="dB").wait_for()
    page.get_by_text("1 year").click()
    page.locator("#trend .sum", has_text="alarms in this time").wait_for()
    page.get_by_role("button", name="Hold").click()
    assert page.get_by_role("button", name="Hold").get_attribute("aria-pressed") == "true"


def test_a_waveform_comes_nearer_by_keyboard(window, here):
    page = window().live(here[0], "/alarm?id=01J-0000")
    page.locator("#waveform .sum", has_text="Shown: 0 to 20.0 s").wait_for()
    page.get_by_role("button", name="Nearer").press("Enter")
    page.locator("#waveform .sum", has_text="Shown: 5.00 to 15.0 s").wait_for()
    page.get_by_role("button", name="Later").press("Enter")
    page.locator("#waveform .sum", has_text="Shown: 10.0 to 20.0 s").wait_for()
    page.get_by_role("button", name="Whole waveform").press("Enter")
    page.locator("#waveform .sum", has_text="Shown: 0 to 20.0 s").wait_for()


def test_a_trend_begins_with_the_shortest_span_that_has_it_all(window, start):
    plant = Plant(1)
    plant.kept.since = time.time() - 600
    address, _ = start(plant, ticking=True)
    page = window().live(address, "/machine?name=Pump%201")
    page.wait_for_selector("[name=span][value='1']:checked", state="attached")
    page.locator("#trend .sum", has_text="Last").wait_for()
    page.locator(".spans label", has_text="7 days").click()
    with page.expect_response(lambda answer: "/api/trend" in answer.url):
        page.select_option("#figure", "crest")
    assert page.locator("[name=span]:checked").get_attribute("value") == "168"


@pytest.mark.parametrize("width", [1440, 390])
def test_names_of_any_kind_harm_nothing(window, start, width):
    address, _ = start(Plant(12, names=HOSTILE), ticking=True)
    page = window(width=width).live(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator("[data-machine]").evaluate_all("all => all.map(e => e.dataset.machine)")
    assert set(HOSTILE) <= set(shown)
    for name in (HOSTILE[0], HOSTILE[3], HOSTILE[5], HOSTILE[7]):
        page.get_by_role("link", name=name, exact=True).first.click()
        page.wait_for_selector("#link[data-link=live]")
        assert page.locator("h1 bdi").inner_text() == name
        page.locator("#trend .sum", has_text="Last").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.go_back()
        page.wait_for_selector("#link[data-link=live]")
