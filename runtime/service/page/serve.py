"""Serve the page until the watch ends."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.service.page.config import PageConfig

if TYPE_CHECKING:
    from starlette.applications import Starlette

_MOST_CONNECTIONS = 256
_KEPT_ALIVE_S = 15
_LEAVE_S = 1  # for what is being answered when the watch ends
_MOST_HEADERS = 16 << 10


async def serve(
    app: Starlette, config: PageConfig, *, ready: Callable[[str], None] | None = None
) -> None:
    """Answer until the task is cancelled.

    Parameters
    ----------
    app : of `create_app`
    config : PageConfig
    ready : function, optional
        Called with the page's address as soon as it answers.

    Raises
    ------
    InputError
        If nothing can listen there, or the certificate cannot be used.
    """
    uvicorn = require("uvicorn", extra="watch", purpose="the page")
    with listening(config) as sock:
        settings = uvicorn.Config(
            app,
            log_config=None,  # of the watch, not of a library
            access_log=False,  # addresses may hold what is nobody's business
            log_level="critical",  # what failed is logged by `errors`
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEPT_ALIVE_S,
            timeout_graceful_shutdown=_LEAVE_S,
            h11_max_incomplete_event_size=_MOST_HEADERS,
        )
        settings.load()
        settings.ssl = _tls(config)
        server = uvicorn.Server(settings)
        server.capture_signals = nullcontext  # they are the watch's
        serving = asyncio.ensure_future(server.serve(sockets=[sock]))
        try:
            while not (server.started or serving.done()):
                await asyncio.sleep(0.01)
            if ready is not None and not serving.done():
                ready(address(config, sock))
            await asyncio.shield(serving)
        finally:
            app.state.ends.set()
            server.should_exit = True
            await serving


def address(config: PageConfig, sock: socket.socket) -> str:
    """What a person types to open the page."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it is read, not listened to
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if config.tls_certificate else 'http'}://{shown}:{port}/"


@contextmanager
def listening(config: PageConfig) -> Iterator[socket.socket]:
    """A socket that listens where the configuration says."""
    where = f"{config.host}:{config.port}"
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"the page cannot listen on {where}: {error.strerror or error}") from None
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(place)
            sock.listen(128)
        except OSError as error:
            raise InputError(
                f"the page cannot listen on {where}: {_why(error)}; choose another port with "
                "--port, or `port` in [page]"
            ) from None
        sock.setblocking(False)
        yield sock


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "something else listens there already"
    return error.strerror or str(error)


def _tls(config: PageConfig) -> ssl.SSLContext | None:
    if config.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or type(error).__name__
        raise InputError(
            f"the certificate {config.tls_certificate} with the key {config.tls_key} cannot be "
            f"used: {why}"
        ) from None
    return context
