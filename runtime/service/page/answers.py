"""Answers: a page from a template, JSON, or one line that says why not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.service.page import words

_PROGRAMS = ("/api/", "/metrics", "/told")
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["version"] = VERSION
_TEMPLATES.globals["words"] = words


def page(request: Request, template: str, *, status: int = 200, **shown: Any) -> Response:
    """A page; what every one shows of who asks is in ``request.state``."""
    person = getattr(request.state, "person", None)
    access = request.app.state.access if "app" in request.scope else None
    content = _TEMPLATES.get_template(template).render(
        person=person,
        may_operate=person is not None and person.role == "operate",
        is_open=access is None or access.is_open,
        form_key=access.form_key(request) if access else "",
        path=request.url.path,
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **shown,
    )
    return Response(content, status, media_type="text/html")


def json(content: Any, *, status: int = 200) -> Response:
    """JSON of a struct, a dict, or of bytes that are JSON already."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Response(body, status, media_type="application/json")


def refusal(request: Request, status: int, why: str, wait: float = 0.0) -> Response:
    """One line that says why not: as a page for a person, as JSON for a program."""
    if for_program(request):
        answer = json({"error": why}, status=status)
    else:
        answer = page(request, "refusal.html", status=status, why=why)
    if wait:
        answer.headers["retry-after"] = str(math.ceil(wait))
    return answer


def for_program(request: Request) -> bool:
    """Whether what asks is a program, or a script of the page."""
    accepted = request.headers.get("accept", "")
    return request.url.path.startswith(_PROGRAMS) or "text/html" not in accepted
