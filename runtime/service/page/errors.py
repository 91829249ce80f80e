"""What a person got wrong, in one line; what the page got wrong is `guard`'s."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.page.answers import refusal


class NotThereError(DlrsdError, LookupError):
    """There is no machine, alarm or waveform of that name."""


def _mistake(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NotThereError) else 400
    return refusal(request, status, str(error))


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    why = {404: "there is no such page", 405: "this is not served here"}.get(status, "refused")
    return refusal(request, status, why)


HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    DlrsdError: _mistake,
    HTTPException: _http,
}
