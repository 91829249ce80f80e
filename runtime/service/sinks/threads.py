"""Threads in which outputs wait for the other side.

They are the outputs' own: where every output hangs, as when the network is gone, nothing else of
the watch waits for a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="output")


async def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function that blocks returns. Cancelled, it runs to its end all the same."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, lambda: function(*args, **kwargs))
