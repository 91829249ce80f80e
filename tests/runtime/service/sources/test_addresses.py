"""Addresses as people write them, and who is this machine."""

from __future__ import annotations

import pytest

from dlrsd.runtime.service.sources.addresses import is_among, is_loopback, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5:9000", ("10.0.0.5", 9000)),
        ("sensor-1.plant.example:1", ("sensor-1.plant.example", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":1", "host:0", "host:65536", "::1:80", "a b:1", "http://a:1", "a:1\n"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("localhost.example", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("10.0.0.77", True), ("10.0.1.1", False), ("::ffff:10.0.0.77", True), ("fe80::1%eth0", True),
     ("fe80:1::1", False)],
)  # fmt: skip
def test_who_is_in_a_network(peer: str, expected: bool) -> None:
    assert is_among(peer, ["10.0.0.0/24", "fe80::/64"]) is expected


def test_a_peer_that_is_gone_is_nobody() -> None:
    with pytest.raises(ValueError):
        is_among("", ["0.0.0.0/0"])
