"""Addresses as people write them: ``host:port``, ``[::1]:9000``."""

from __future__ import annotations

import ipaddress
import re

_FORM = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")


def parse_address(text: str) -> tuple[str, int]:
    """Host and port.

    Raises
    ------
    ValueError
        If the text is none.
    """
    found = _FORM.fullmatch(text)
    if not found or not 1 <= int(found[3]) <= 65535:
        raise ValueError(f"{text!r} is no address: expected host:port, such as 10.0.0.5:9000")
    return found[1] or found[2], int(found[3])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_among(peer: str, networks: list[str]) -> bool:
    """Whether an address of a peer is in one of the networks."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(each) for each in networks)
