"""The page on a free port, beside a plant, in a thread of its own."""

import asyncio
import threading
import time
from contextlib import contextmanager

from dlrsd.runtime.service.page.access import Access
from dlrsd.runtime.service.page.app import create_app
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.page.serve import serve
from tests.runtime.service.page.plant import Plant


def metrics():
    return b"# TYPE dlrsd_machines gauge\ndlrsd_machines 12\n# EOF\n", "text/plain; version=0.0.4"


@contextmanager
def served(plant=None, *, ticking=False, reading=None, access=None, **config):
    """Yields (address, plant)."""
    plant = plant or Plant()
    settings = PageConfig(**{"port": 0, **config})
    app = create_app(plant, reading or plant.kept, access or Access(settings), metrics)
    up, found, loop = threading.Event(), [], asyncio.new_event_loop()

    def ready(address):
        found.append(address)
        up.set()

    def run():
        asyncio.set_event_loop(loop)
        serving = loop.create_task(serve(app, settings, ready=ready))
        found.append(serving)
        try:
            loop.run_until_complete(serving)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            found.append(error)
        finally:
            up.set()
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(30), "the page did not answer"
    errors = [e for e in found if isinstance(e, Exception)]
    if errors:
        raise errors[0]
    ends = threading.Event()

    def tick():
        while not ends.wait(1.0):
            plant.tick()

    if ticking:
        threading.Thread(target=tick, daemon=True).start()
    try:
        yield found[-1].rstrip("/"), plant
    finally:
        ends.set()
        loop.call_soon_threadsafe(found[0].cancel)
        thread.join(15)
        assert not thread.is_alive(), "the page did not end"


if __name__ == "__main__":
    with served(Plant(40), ticking=True) as (address, _):
        print(address, flush=True)
        time.sleep(10**6)
