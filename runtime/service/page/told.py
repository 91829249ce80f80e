"""What happens, as it happens: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dlrsd.runtime.service.page.answers import refusal
from dlrsd.runtime.service.page.asking import live
from dlrsd.runtime.service.page.glance import glance
from dlrsd.runtime.service.page.live import Told
from dlrsd.runtime.service.page.payloads import machine_said
from dlrsd.runtime.service.said import Change

_QUIET_S = 5.0  # after which a sign of life goes out: a browser sees no comments
_MOST_LISTENERS = 100
_AGAIN_MS = 2000


async def told(request: Request) -> Response:
    """``machines`` (a list of `Glance`), ``change``, ``event``, ``alive``.

    All machines come first, as they are.

    With ``machine`` in the query all is of that one, and ``machines`` holds a `MachineSaid`.
    """
    count = request.app.state.listeners
    if count >= _MOST_LISTENERS:
        return refusal(request, 503, f"{count} pages listen already: close some", 30)
    return StreamingResponse(
        _messages(request, request.query_params.get("machine")),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _messages(request: Request, machine: str | None) -> AsyncIterator[bytes]:
    state = request.app.state
    state.listeners += 1
    waiting = live(request).subscribe()
    ends = asyncio.ensure_future(state.ends.wait())
    # It listens before it tells how things are, so that nothing happens in between unheard.
    coming: asyncio.Future[Told] | None = asyncio.ensure_future(anext(waiting))
    await asyncio.sleep(0)
    try:
        yield f"retry: {_AGAIN_MS}\n\n".encode()
        yield _message(live(request).machines(), machine) or _event("alive", {})
        while not ends.done():
            coming = coming or asyncio.ensure_future(anext(waiting))
            await asyncio.wait(
                {coming, ends}, timeout=_QUIET_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not coming.done():
                yield _event("alive", {})
                continue
            try:
                said = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            if message := _message(said, machine):
                yield message
    finally:
        state.listeners -= 1
        ends.cancel()
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await waiting.aclose()


def _message(said: Told, machine: str | None) -> bytes | None:
    if isinstance(said, list):
        if machine is None:
            return _event("machines", [glance(m) for m in said])
        own = [machine_said(m) for m in said if m.name == machine]
        return _event("machines", own) if own else None
    if machine not in (None, said.machine):
        return None
    return _event("change" if isinstance(said, Change) else "event", said)


def _event(kind: str, content: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(content) + b"\n\n"
