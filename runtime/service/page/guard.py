"""Before anything else: whom the page answers, how often, how much; and what browsers are told.

All that changes something goes through here, so that no page can forget to ask.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlrsd.runtime.service.page.access import Access, bearer
from dlrsd.runtime.service.page.answers import for_program, refusal
from dlrsd.runtime.service.page.tokens import Person

_LOG = logging.getLogger(__name__)

MOST_BODY = 16 << 10
_MOST_FIELDS = 32
_FOR_ALL = ("/login", "/static/", "/favicon.ico")
HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With no-referrer a browser would not say where a form comes from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps the page's routes.

    What a route finds in ``request.state``: ``person`` (None only where all may come), and after
    a POST ``form``, the fields that were sent.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)

        began = False

        async def sent(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                message["headers"] = [*message["headers"], *self._headers(request, message)]
            await send(message)

        refused, body = await self._judge(request)
        if refused is not None:
            await refused(scope, receive, sent)
            return
        try:
            await self._app(scope, _again(body, receive), sent)
        except Exception as error:
            # The path alone: a query may hold what is nobody's business.
            _LOG.error("the page at %s failed", request.url.path, exc_info=error)
            if not began:
                why = "this page failed; the watch goes on, and its log says why"
                await refusal(request, 500, why)(scope, receive, sent)

    def _headers(self, request: Request, message: Message) -> list[tuple[bytes, bytes]]:
        headers = dict(HEADERS)
        if b"cache-control" not in {name.lower() for name, _ in message["headers"]}:
            is_file = request.url.path.startswith("/static/")
            headers["cache-control"] = "no-cache" if is_file else "no-store"
        if self._access.config.tls_certificate:
            headers["strict-transport-security"] = "max-age=31536000"
        return [(name.encode(), value.encode()) for name, value in headers.items()]

    async def _judge(self, request: Request) -> tuple[Response | None, bytes]:
        """Why a request is refused, or None and its body."""
        access, path = self._access, request.url.path
        if not access.host_is_ours(request):
            return refusal(
                request, 421, "this page is for this computer: open it as localhost"
            ), b""
        client = access.client(request)
        if wait := access.requests.take(client):
            return refusal(request, 429, "too many requests", wait), b""
        if bearer(request) and (wait := access.logins.wait(client)):
            return refusal(request, 429, "too many wrong tokens", wait), b""
        person = await run_in_threadpool(access.person, request)
        if person is None and bearer(request):
            access.logins.take(client)
        request.state.person = person
        if person is None and not path.startswith(_FOR_ALL):
            return _unknown(request), b""
        if request.method in ("GET", "HEAD"):
            return None, b""
        if request.method != "POST":
            return refusal(
                request, 405, f"{request.method} is not served here: use GET or POST"
            ), b""
        body = await _body(request)
        if body is None:
            return refusal(
                request, 413, f"the body is too large: at most {MOST_BODY} bytes are taken"
            ), b""
        form = _form(request, body)
        if form is None:
            return refusal(
                request, 415, "a form (application/x-www-form-urlencoded) is wanted"
            ), b""
        request.state.form = form
        return self._may_change(request, person, form), body

    def _may_change(
        self, request: Request, person: Person | None, form: Mapping[str, str]
    ) -> Response | None:
        key = request.headers.get("x-form-key") or form.get("form_key", "")
        if not self._access.may_change(request, key):
            return refusal(
                request,
                403,
                "this did not come from a current page: load the page again and try once more",
            )
        if person is not None and person.role != "operate" and request.url.path != "/logout":
            return refusal(
                request, 403, "your token may look, not act: ask for one that may operate"
            )
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then what comes: that the client leaves."""
    first = True

    async def received() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return received if body else receive


async def _body(request: Request) -> bytes | None:
    """At most so many bytes; None where there are more."""
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > MOST_BODY:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _form(request: Request, body: bytes) -> dict[str, str] | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        return None
    try:
        return dict(
            parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        )
    except ValueError:
        return None


def _unknown(request: Request) -> Response:
    if request.method != "GET" or for_program(request):
        why = "a token is wanted: Authorization: Bearer TOKEN, or log in"
        answer = refusal(request, 401, why)
        answer.headers["www-authenticate"] = "Bearer"
        return answer
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/login?next={quote(request.url.path + query, safe='')}", 303)
