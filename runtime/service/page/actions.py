"""What a person does: acknowledge, shelve, confirm or correct, log in and out."""

from __future__ import annotations

import math
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page import answers, words
from dlrsd.runtime.service.page.asking import live, short

_LONGEST_SHELF_H = 31 * 24
_LONGEST = 500


def acknowledge(request: Request) -> Response:
    """Of ``alarm``."""
    by = _by(request)
    live(request).acknowledge(_field(request, "alarm"), by=by)
    return _done(request, f"Acknowledged by {by}.")


def shelve(request: Request) -> Response:
    """``rule`` of ``machine``, for so many ``hours``."""
    by, rule = _by(request), _field(request, "rule")
    until = time.time() + 3600 * _hours(_field(request, "hours"))
    live(request).shelve(_field(request, "machine"), rule, until=until, by=by)
    return _done(request, f"{rule} is shelved until {words.clock(until)} by {by}.")


def unshelve(request: Request) -> Response:
    """``rule`` of ``machine``."""
    rule = _field(request, "rule")
    live(request).unshelve(_field(request, "machine"), rule, by=_by(request))
    return _done(request, f"{rule} counts again.")


def confirm(request: Request) -> Response:
    """That the windows of a ``sensor`` now, or of an ``alarm``, show ``label``."""
    form = request.state.form
    label = _field(request, "label")
    said = live(request).confirm(
        _field(request, "machine"),
        label,
        by=_by(request),
        sensor=form.get("sensor") or None,
        alarm=form.get("alarm") or None,
    )
    have, needed = said.stock.windows.get(said.label, 0), said.stock.needed
    more = f"{needed - have} more are needed" if have < needed else "enough for a training"
    return _done(
        request,
        f"{said.windows} windows kept as {said.label}: {have} of {needed} now, {more}.",
    )


async def log_in(request: Request) -> Response:
    """By ``token``, then on to ``next``."""
    access, form = request.app.state.access, request.state.form
    after = local_path(form.get("next", "/"))
    client = access.client(request)
    if wait := access.logins.take(client):
        return answers.refusal(
            request, 429, f"too many tries: wait {words.duration(math.ceil(wait))}", wait
        )
    response = RedirectResponse(after, 303)
    if await run_in_threadpool(access.log_in, form.get("token", "").strip(), response):
        return response
    wrong = "This token is not known here. Check that it was copied whole."
    return answers.page(request, "login.html", status=403, next=after, wrong=wrong)


def log_out(request: Request) -> Response:
    response = RedirectResponse("/login", 303)
    request.app.state.access.log_out(request, response)
    return response


def local_path(path: str) -> str:
    """A path of this page; anything else becomes the overview."""
    is_local = path.startswith("/") and not path.startswith("//")
    return path if is_local and "\\" not in path and path.isprintable() else "/"


def _field(request: Request, key: str) -> str:
    value: str = request.state.form.get(key, "").strip()
    if not value or len(value) > _LONGEST:
        raise InputError(f"the form lacks {key!r}: load the page again and try once more")
    return value


def _by(request: Request) -> str:
    """Who did it: the token's holder; at this computer itself, the name they give."""
    name: str = request.state.person.name
    if request.app.state.access.is_open:
        given = " ".join(request.state.form.get("by", "").split())[:64]
        return given if given and given.isprintable() else name
    return name


def _hours(value: str) -> float:
    try:
        hours = float(value)
    except ValueError:
        hours = math.nan
    if not 0 < hours <= _LONGEST_SHELF_H:
        raise InputError(
            f"got {short(value)} hours to shelve: expected more than 0 and at most "
            f"{_LONGEST_SHELF_H}"
        )
    return hours


def _done(request: Request, said: str) -> Response:
    if answers.for_program(request):
        return answers.json({"done": said})
    return RedirectResponse(local_path(request.state.form.get("back", "/")), 303)
