"""A real Chromium, and the page it looks at."""

import os
from contextlib import ExitStack

import pytest

from tests.parts import needs
from tests.runtime.service.page.plant import Plant
from tests.runtime.service.page.served import served

LOOKS = [("light", 1440), ("dark", 1440), ("light", 390)]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api")
    path = needs("chromium")
    with playwright.sync_playwright() as drive:
        home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}  # it writes there
        browser = drive.chromium.launch(executable_path=path, args=["--no-sandbox"], env=home)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def here():
    with served(Plant(12), ticking=True) as (address, plant):
        yield address, plant


class Window:
    """A tab, and what it complained of."""

    def __init__(self, browser, theme="light", width=1440, **context):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **context
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.wrong = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "console",
            lambda said: (
                self.wrong.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))

    def live(self, address, path="/"):
        """Open a page and wait until it hears of the watch."""
        self.page.goto(address + path)
        self.page.wait_for_selector("#link[data-link=live]")
        return self.page


@pytest.fixture
def start():
    """Starts the page as `served` does; it ends after the windows that look at it."""
    with ExitStack() as ends:
        yield lambda *plant, **how: ends.enter_context(served(*plant, **how))


@pytest.fixture
def window(chromium, start):
    """Opens windows; closes them, and fails if one complained."""
    opened = []

    def open_window(**how):
        opened.append(Window(chromium, **how))
        return opened[-1]

    yield open_window
    for each in opened:
        each.context.close()
    assert [w for each in opened for w in each.wrong] == []
