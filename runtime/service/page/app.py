"""The page as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.service.page.access import Access
from dlrsd.runtime.service.page.live import Live
from dlrsd.runtime.service.store.reading import Reading

if TYPE_CHECKING:
    from starlette.applications import Starlette

Metrics = Callable[[], tuple[bytes, str]]
"""OpenMetrics as bytes, and the content type."""


def create_app(live: Live, reading: Reading, access: Access, metrics: Metrics) -> Starlette:
    """The application, to be given to `serve`.

    Parameters
    ----------
    live : Live
        The watch.
    reading : Reading
        The store.
    access : Access
    metrics : function
        What ``/metrics`` answers.

    Raises
    ------
    ExtraMissingError
        If starlette or jinja2 is not installed.
    """
    for module in ("starlette", "jinja2"):
        require(module, extra="watch", purpose="the page")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    from dlrsd.runtime.service.page import actions, api, errors, pages, told, waveforms
    from dlrsd.runtime.service.page.asked import Asked
    from dlrsd.runtime.service.page.guard import Guard
    from dlrsd.runtime.service.page.sparks import Sparks

    static = StaticFiles(directory=Path(__file__).parent / "static")
    app = Starlette(
        routes=[
            Route("/", pages.overview),
            Route("/machine", pages.machine),
            Route("/alarms", pages.alarms),
            Route("/alarm", pages.alarm),
            Route("/login", pages.login),
            Route("/login", actions.log_in, methods=["POST"]),
            Route("/logout", actions.log_out, methods=["POST"]),
            Route("/acknowledge", actions.acknowledge, methods=["POST"]),
            Route("/shelve", actions.shelve, methods=["POST"]),
            Route("/unshelve", actions.unshelve, methods=["POST"]),
            Route("/confirm", actions.confirm, methods=["POST"]),
            Route("/told", told.told),
            Route("/metrics", api.metrics),
            Route("/api/machines", api.machines),
            Route("/api/alarms", api.alarms),
            Route("/api/trend", api.trend),
            Route("/api/sparks", api.sparks),
            Route("/api/picture", api.picture),
            Route("/api/waveform", waveforms.waveform),
            Mount("/static", static),
        ],
        middleware=[Middleware(Guard, access)],
        exception_handlers=errors.HANDLERS,
    )
    app.state.live, app.state.reading, app.state.access = live, reading, access
    app.state.metrics, app.state.ends, app.state.listeners = metrics, asyncio.Event(), 0
    app.state.asked, app.state.sparks = Asked(live), Sparks(live, reading)
    return app
