"""Pictures that browsers ask for: each computed once a second at most, one at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.live import Live
from dlrsd.runtime.service.page.pictures import PICTURES

_KEPT_S, _MOST_KEPT = 1.0, 64


class Asked:
    """The JSON of pictures; several browsers that watch one machine cost as much as one.

    One is computed at a time, so that the page takes one core at most from what watches.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], tuple[float, bytes]] = OrderedDict()

    def picture(self, machine: str, sensor: str, kind: str) -> bytes:
        """One of `PICTURES`, as JSON.

        Raises
        ------
        InputError
            If there is no such picture, or not enough signal for it.
        """
        draw = PICTURES.get(kind)
        if draw is None:
            raise InputError(f"got picture {kind!r}: expected one of {', '.join(PICTURES)}")
        key = (machine, sensor, kind)
        with self._lock:
            until, content = self._kept.get(key, (0.0, b""))
            if time.monotonic() < until:
                return content
            signal = self._live.signal(machine, sensor)
            if signal is None:
                raise InputError("there is no signal of this sensor now")
            content = msgspec.json.encode(draw(signal))
            self._kept[key] = (time.monotonic() + _KEPT_S, content)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return content
