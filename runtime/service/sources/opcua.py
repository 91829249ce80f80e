"""Slow values from a plant's own server of OPC UA: speed, load and temperature."""

from __future__ import annotations

import asyncio
import math
import re
import time
from contextlib import suppress
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.base.secrets import check_secret, read_secret
from dlrsd.runtime.service.blocks import Slow
from dlrsd.runtime.service.sources.base import Give
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.link import Link

_ANSWER_S = 5.0
_URL = re.compile(r"opc\.tcp://[^\s/@]+(/\S*)?")
_NODE = re.compile(r"(ns=\d+;|nsu=[^;]+;)?[isgb]=.+")


class OpcUaSource(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="opcua"
):
    """Values of a server's nodes, asked for again and again.

    A value counts as measured when it was read, for servers keep the time of its last change. One
    that the server itself calls bad or uncertain is left out.

    Raises
    ------
    ValueError
        If the address or a node is none, or the password is stated twice.
    """

    url: Annotated[Text, Meta(description="Such as opc.tcp://10.0.0.5:4840")]
    values: Annotated[
        dict[Literal["speed_rpm", "load", "temperature_c"], Text],
        Meta(
            min_length=1,
            description="The node that holds each, such as ns=2;s=Speed: the shaft's speed in rpm, "
            "the load in the unit of machine.toml, a temperature in degrees Celsius",
        ),
    ]
    every_s: Annotated[
        float, Meta(ge=0.05, le=86400, description="How often they are asked for, in s")
    ] = 1.0
    silent_s: Annotated[
        float, Meta(gt=0, le=1e7, description="After how many seconds without a value it is silent")
    ] = 60.0
    username: Annotated[Text | None, Meta(description="As the server knows it")] = None
    password_env: Annotated[
        Text | None, Meta(description="Environment variable that holds the password")
    ] = None
    password_file: Annotated[
        Text | None,
        Meta(description="File that holds the password, or the name of a systemd credential"),
    ] = None

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            raise ValueError(
                f"url is {self.url!r}: expected such as opc.tcp://10.0.0.5:4840, without a password"
            )
        for name, node in self.values.items():
            if not _NODE.fullmatch(node):
                raise ValueError(f"{name} is {node!r}: expected a node such as ns=2;s=Speed")
        check_secret("password", env=self.password_env, file=self.password_file)

    def check(self) -> None:
        """Look whether its password is there."""
        read_secret("password", env=self.password_env, file=self.password_file)

    async def run(self, give: Give, tell: Tell) -> None:
        """Give the values until cancelled."""
        link = Link(tell, self.url)
        await link.keep(lambda: self._attempt(give, link))

    async def _attempt(self, give: Give, link: Link) -> None:
        asyncua = require("asyncua", extra="opcua", purpose="a source of OPC UA")
        client = asyncua.Client(self.url, timeout=_ANSWER_S)
        if self.username is not None:
            client.set_user(self.username)
            client.set_password(
                read_secret("password", env=self.password_env, file=self.password_file) or ""
            )
        try:
            await client.connect()
            nodes = {str(name): client.get_node(node) for name, node in self.values.items()}
            values = _Values(nodes, link, asyncua.ua.AttributeIds.Value)
            while True:
                began = time.monotonic()
                for value in await values.read():
                    await give(value)
                await asyncio.sleep(max(0.0, self.every_s - (time.monotonic() - began)))
        except asyncua.ua.UaError as error:
            link.rest()
            raise InputError(_in_words(error)) from error
        finally:
            with suppress(OSError, asyncio.TimeoutError, asyncua.ua.UaError):
                await client.disconnect()


class _Values:
    """The nodes of a connection, and which of them have been told to be bad."""

    def __init__(self, nodes: dict[str, Any], link: Link, attribute: Any) -> None:
        self._nodes = nodes
        self._link = link
        self._attribute = attribute
        self._bad: set[str] = set()

    async def read(self) -> list[Slow]:
        """Those that are good now."""
        values = []
        for name, node in self._nodes.items():
            data = await node.read_attribute(self._attribute, raise_on_bad_status=False)
            why = _refusal(data)
            if why:
                if name not in self._bad:
                    self._link.say("refused", f"gives no {name}: {why}")
                self._bad.add(name)
                continue
            if name in self._bad:
                self._bad.discard(name)
                self._link.say("back", f"gives {name} again")
            values.append(Slow(name=name, value=float(data.Value.Value), time=time.time()))
        if values:
            self._link.works()
        return values


def _refusal(data: Any) -> str:
    """Why a value cannot be used, in words; empty where it can."""
    if data.StatusCode is not None and not data.StatusCode.is_good():
        return f"the server calls it {data.StatusCode.name}"
    value = data.Value.Value if data.Value is not None else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"its value is of type {type(value).__name__}, expected a number"
    try:
        if math.isfinite(float(value)):
            return ""
    except OverflowError:
        pass
    return "its value is no finite number"


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300]
