"""Who asks, and whether they may: by token, session, or because only this computer can ask."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dlrsd.runtime.service.page.config import PageConfig, is_loopback
from dlrsd.runtime.service.page.limits import Bucket, client_of
from dlrsd.runtime.service.page.sessions import LONGEST_S, Sessions
from dlrsd.runtime.service.page.tokens import Person, Tokens

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

_HERE = Person("local", "operate")  # whoever sits at this computer, where it alone is listened to
_COOKIE = "dlrsd-session"


class Access:
    """What the configuration says of access.

    Parameters
    ----------
    config : PageConfig

    Raises
    ------
    InputError
        If the file of tokens cannot be used.
    """

    def __init__(self, config: PageConfig) -> None:
        self.config = config
        self._tokens = Tokens(Path(config.tokens)) if config.tokens else None
        self._sessions = Sessions()
        self._key = secrets.token_bytes(32)  # of what proves that a form is of this page
        self.requests = Bucket(most=300, a_second=30)
        self.logins = Bucket(most=5, a_second=5 / 60)
        # A prefix that a browser sets only under https, for this host and no other.
        self._cookie = f"__Host-{_COOKIE}" if config.encrypted else _COOKIE

    @property
    def is_open(self) -> bool:
        """Whether no token is wanted: only this computer is listened to."""
        return self._tokens is None

    def client(self, request: HTTPConnection) -> str:
        """Whom tries are counted for."""
        if self.config.behind_proxy:
            hops = request.headers.get("x-forwarded-for", "").split(",")
            return client_of(hops[-1].strip())
        return client_of(request.client.host if request.client else "")

    def host_is_ours(self, request: HTTPConnection) -> bool:
        """False where a foreign name was made to lead here, while no token is asked for."""
        if not self.is_open:
            return True
        try:
            name = urlsplit(f"//{request.headers.get('host', '')}").hostname
        except ValueError:
            return False
        return name is not None and is_loopback(name)

    def person(self, request: HTTPConnection) -> Person | None:
        """Who asks; None: nobody we know."""
        if self._tokens is None:
            return _HERE
        if token := bearer(request):
            return self._tokens.holder(token)
        secret = request.cookies.get(self._cookie)
        return self._sessions.person(secret) if secret else None

    def log_in(self, token: str, response: Response) -> bool:
        """Begin a session where the token is somebody's."""
        person = self._tokens.holder(token) if self._tokens else None
        if person is None:
            return False
        response.set_cookie(
            self._cookie,
            self._sessions.begin(person),
            max_age=int(LONGEST_S),
            path="/",
            httponly=True,
            samesite="strict",
            secure=self.config.encrypted,
        )
        return True

    def log_out(self, request: Request, response: Response) -> None:
        if secret := request.cookies.get(self._cookie):
            self._sessions.end(secret)
        response.delete_cookie(
            self._cookie,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self.config.encrypted,
        )

    def form_key(self, request: HTTPConnection) -> str:
        """What a form of this page holds and a foreign one cannot know."""
        secret = request.cookies.get(self._cookie, "") if not self.is_open else "here"
        return hmac.new(self._key, secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def may_change(self, request: Request, form_key: str) -> bool:
        """Whether a request that changes something comes from this page, or with a token in hand.

        A token in the header is proof enough: no browser adds it by itself.
        """
        if not self.is_open and bearer(request):
            return True
        if request.url.path == "/login":  # there is no session yet that a key could be of
            return same_origin(request)
        return same_origin(request) and hmac.compare_digest(
            self.form_key(request).encode(), form_key.encode("utf-8", "replace")
        )


def same_origin(request: HTTPConnection) -> bool:
    """Whether a browser says that the request comes from this page itself."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return site == "same-origin"
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:
        return False


def bearer(request: HTTPConnection) -> str | None:
    """The token in the header, where there is one."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None
