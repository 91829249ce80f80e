"""A watch from beginning to end: store, sinks, page, signals of the system."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from dlrsd.runtime.base.notify import notify
from dlrsd.runtime.service.page.access import Access
from dlrsd.runtime.service.page.app import create_app
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.page.serve import serve
from dlrsd.runtime.service.said import Event, EventKind
from dlrsd.runtime.service.sinks.kinds import AnySink
from dlrsd.runtime.service.sinks.metrics import exposition
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.failures import in_words
from dlrsd.runtime.service.watching.live import WatchLive
from dlrsd.runtime.service.watching.setup import Setup
from dlrsd.runtime.service.watching.watch import Watch

_AGAIN_S = 10.0  # after the page failed
Reload = Callable[[], tuple[Sequence[Setup], Sequence[str], Collection[str]]]


def run_watch(
    setups: Sequence[Setup],
    *,
    problems: Sequence[str] = (),
    home: Path = Path(),
    folder: Path,
    limits: Limits,
    sinks: Sequence[AnySink] = (),
    page: PageConfig | None,
    opened: Callable[[str], None],
    reload: Reload | None = None,
) -> None:
    """Watch until SIGTERM or Ctrl-C, or until every source has ended.

    Parameters
    ----------
    setups : sequence of Setup
    problems : sequence of str
        Of machines that cannot be watched, to be told.
    home : Path
        From which the paths of sinks are taken.
    folder : Path
        Of the store.
    limits : Limits
        Of the store.
    sinks : sequence of sinks
    page : PageConfig or None
        None: there is no page.
    opened : function
        Is given the page's address.
    reload : function, optional
        Reads the file again, when SIGHUP asks for it: the machines, what is wrong, and the folders
        of those in which it is, which go on as before. What it raises is told, and all stays.

    Raises
    ------
    InputError
        If the store cannot be opened, or the page cannot listen.
    """
    with Store.open(folder, limits, sinks=[each.name for each in sinks]) as store:
        asyncio.run(_run(setups, problems, home, store, sinks, page, opened, reload))


async def _run(
    setups: Sequence[Setup],
    problems: Sequence[str],
    home: Path,
    store: Store,
    sinks: Sequence[AnySink],
    page: PageConfig | None,
    opened: Callable[[str], None],
    reload: Reload | None,
) -> None:
    watch = Watch(setups, store, [each.sink(home) for each in sinks], beat=_alive)
    _tell(watch, problems, kind="refused")
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        loop.add_signal_handler(getattr(signal, name), watch.end)
    if hasattr(signal, "SIGHUP"):
        reloading = _Reloading(watch, reload)
        loop.add_signal_handler(signal.SIGHUP, reloading.begin)
    tasks = [asyncio.create_task(watch.run())]
    if page is not None:
        tasks.append(asyncio.create_task(_page(watch, store, page, opened)))
    notify("READY=1", f"STATUS={len(setups)} machines are watched")
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    watch.end()
    for task in tasks[1:]:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()


async def _page(
    watch: Watch, store: Store, config: PageConfig, opened: Callable[[str], None]
) -> None:
    def metrics() -> tuple[bytes, str]:
        return exposition([each.now() for each in list(watch.machines.values())])

    reading, is_open = Reading(store.folder), False

    def ready(address: str) -> None:
        nonlocal is_open
        if not is_open:
            opened(address)
        is_open = True

    while True:
        app = create_app(WatchLive(watch, reading), reading, Access(config), metrics)
        try:
            await serve(app, config, ready=ready)
        except Exception as error:
            if not is_open:
                raise
            text = f"the page failed, and is begun anew: {in_words(error)}"
            _tell(watch, [text], kind="refused")
        await asyncio.sleep(_AGAIN_S)


class _Reloading:
    """Reads the file again when it is asked to, one time after the other."""

    def __init__(self, watch: Watch, reload: Reload | None) -> None:
        self._watch, self._reload = watch, reload
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        if self._reload is None:
            return
        async with self._lock:
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                setups, problems, as_before = await asyncio.to_thread(self._reload)
                await self._watch.take_over(setups, as_before)
            except Exception as error:
                _tell(self._watch, [f"all goes on as before: {in_words(error)}"], kind="refused")
            else:
                _tell(self._watch, problems, kind="refused")
                count, more = len(self._watch.machines), ""
                if as_before:
                    more = "; where something is wrong now, as before"
                _tell(self._watch, [f"the file was read: {count} machines are watched{more}"])
            notify("READY=1", f"STATUS={len(self._watch.machines)} machines are watched")


def _alive() -> None:
    notify("WATCHDOG=1")


def _tell(watch: Watch, lines: Sequence[str], kind: EventKind = "configured") -> None:
    for line in lines:
        watch.tell_event(Event(time=time.time(), kind=kind, text=line))
