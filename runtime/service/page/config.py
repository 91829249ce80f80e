"""Where the page listens, and whom it lets in."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs


class PageConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[page]`` of watch.toml.

    The page is for this computer alone unless ``host`` says otherwise. From elsewhere it wants a
    token (``tokens``), and TLS or a proxy in front of it that has it (``behind_proxy``).

    Raises
    ------
    ValueError
        If it would be open to the network without these.
    """

    port: Annotated[int, Meta(ge=0, le=65535, description="0: any that is free")] = 8765
    host: Annotated[
        str,
        Meta(min_length=1, description="Address to listen on; 0.0.0.0 is every one of this box"),
    ] = "127.0.0.1"
    tls_certificate: Annotated[
        str | None, Meta(description="File of the certificate and its chain, PEM")
    ] = None
    tls_key: Annotated[str | None, Meta(description="File of its private key, PEM")] = None
    tokens: Annotated[
        str | None,
        Meta(description="File with a line for each token; `dlrsd-runtime token` makes one"),
    ] = None
    behind_proxy: Annotated[
        bool,
        Meta(
            description="A reverse proxy with TLS stands before the page and alone can reach it; "
            "it appends the client's address to X-Forwarded-For"
        ),
    ] = False

    def __post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: state both or neither")
        if is_loopback(self.host) and not self.behind_proxy:
            return
        where = f"with host {self.host!r}" if not self.behind_proxy else "behind a proxy"
        if self.tokens is None:
            raise ValueError(f"{where} the page wants tokens: name their file in `tokens`")
        if not (self.tls_certificate or self.behind_proxy):
            raise ValueError(
                f"{where} the page wants TLS: state tls_certificate and tls_key, or "
                "behind_proxy = true where a proxy has it"
            )

    def at(self, home: Path) -> PageConfig:
        """The same, with paths taken from the folder of ``watch.toml``."""
        named = {name: getattr(self, name) for name in ("tls_certificate", "tls_key", "tokens")}
        return structs.replace(
            self, **{name: str(home / path) for name, path in named.items() if path is not None}
        )

    @property
    def encrypted(self) -> bool:
        """Whether a browser sees it under https."""
        return self.tls_certificate is not None or self.behind_proxy


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
