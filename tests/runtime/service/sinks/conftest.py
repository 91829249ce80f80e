from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Any]:
    from tests.runtime.service.sinks.broker import Broker  # which skips where paho is missing

    found = Broker(tmp_path)
    found.start()
    yield found
    found.kill()
