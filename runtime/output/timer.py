"""Something done again and again beside the diagnosis, also while no sample arrives."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from dlrsd.runtime.base.errors import DlrsdError


class Every:
    """Calls ``action`` every ``seconds``, in a thread that ends with the process.

    An error of it ends that; `stop` and `check` raise it where the diagnosis goes on.
    """

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds, self._action = seconds, action
        self._error: DlrsdError | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what the action raised."""
        if error := self._error:
            self._error = None
            raise error

    def stop(self) -> None:
        """End it; where the action is at work, when that is done."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                self._action()
        except DlrsdError as error:
            self._error = error
