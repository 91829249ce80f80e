from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store


@pytest.fixture
def store(tmp_path: Path):
    """A store of two sinks, opened at time 0."""
    with Store.open(tmp_path / "store", Limits(), sinks=("mqtt", "mail"), now=0.0) as store:
        yield store


@pytest.fixture
def reading(store: Store):
    reading = Reading(store.folder)
    yield reading
    reading.close()
