"""Signal over TCP: from a server that sends, or from a sender that connects here."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from typing import Annotated

from msgspec import Meta

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.sources.addresses import is_among, is_loopback, parse_address
from dlrsd.runtime.service.sources.base import BytesSource, Give
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.link import Link
from dlrsd.runtime.service.sources.reading import LIMIT, blocks_in, read_signal

_CONNECT_S = 10.0


class TcpSource(BytesSource, frozen=True, kw_only=True, tag="tcp"):
    """Blocks or raw samples over TCP; one sender at a time, the latest that connected.

    Raises
    ------
    ValueError
        If it neither connects nor listens or both, or would listen to anybody.
    """

    connect: Annotated[
        str | None, Meta(description="host:port of a server that sends, to connect to")
    ] = None
    listen: Annotated[
        str | None, Meta(description="host:port to listen at for a sender, such as 127.0.0.1:9000")
    ] = None
    allow: Annotated[
        list[str] | None,
        Meta(
            description="Networks that may connect, such as 10.0.0.0/24; by default this machine. "
            "Nothing is encrypted, and who may connect can send any signal"
        ),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.connect is None) == (self.listen is None):
            raise ValueError("a source of TCP needs one of connect and listen: state host:port")
        host, _ = parse_address(self.connect or self.listen or "")
        if self.allow is not None and self.listen is None:
            raise ValueError("allow says who may connect, but nothing listens: leave it out")
        try:
            for network in self.allow or ():
                ipaddress.ip_network(network)
        except ValueError as error:
            raise ValueError(f"allow names no network: {error}") from error
        if self.listen and not is_loopback(host) and not self.allow:
            raise ValueError(
                f"{self.listen} is open to other machines: state in allow which networks may "
                "connect, or listen at 127.0.0.1"
            )

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what comes until cancelled."""
        link = Link(tell, self.connect or self.listen or "")
        await link.keep(
            lambda: self._connect(give, link) if self.connect else self._listen(give, link)
        )

    async def _connect(self, give: Give, link: Link) -> None:
        host, port = parse_address(self.connect or "")
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(host, port, limit=LIMIT), _CONNECT_S
        )
        try:
            _keep_alive(writer)
            await read_signal(blocks_in(self, reader), give, link.works)
        finally:
            await _close(writer)

    async def _listen(self, give: Give, link: Link) -> None:
        host, port = parse_address(self.listen or "")
        senders = _Senders(self, give, link)
        server = await asyncio.start_server(senders.accept, host, port, limit=LIMIT)
        try:
            link.works()
            await senders.failed
        finally:
            server.close()
            await senders.close()


class _Senders:
    """Who connects to a listening source: the latest is read, the ones before are closed.

    Attributes
    ----------
    failed : future
        What went wrong with giving what was read; it is never done otherwise.
    """

    def __init__(self, source: TcpSource, give: Give, link: Link) -> None:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._source = source
        self._give = give
        self._link = link
        self._reading: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A sender has connected."""
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            allowed = is_among(peer, self._source.allow or ["127.0.0.0/8", "::1/128"])
        except ValueError:  # gone already
            allowed = False
        if not allowed:
            self._link.say("refused", f"let {peer or 'nobody'} not connect: allow does not name it")
            writer.close()
            return
        for task in self._reading:
            task.cancel()
        task = asyncio.get_running_loop().create_task(self._read(peer, reader, writer))
        self._reading.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End all reading."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _read(
        self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            _keep_alive(writer)
            await read_signal(blocks_in(self._source, reader), self._give, self._link.works)
            self._link.broke("silent", f"lost {peer}: it ended the connection")
        except DlrsdError as error:
            self._link.broke("refused", f"refused what {peer} sent: {error}")
        except (EOFError, OSError):
            self._link.broke("silent", f"lost {peer}: the connection broke off within a block")
        finally:
            await _close(writer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the system find out within half a minute that a silent peer is gone."""
    peer = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
