"""Shared by the report's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def html_of() -> Callable[..., str]:
    """A function that gives the HTML of one part by itself."""
    from dlrsd.training.report.rendering import render_page

    def html_of(part):
        page = render_page("", [part], footer="the end")
        return page.partition("<main>")[2].partition("<footer>")[0].strip()

    return html_of
