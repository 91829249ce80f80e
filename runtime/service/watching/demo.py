"""A watch to look at: two simulated machines, one of which develops a fault within minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import structs

from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.sources.simulated import SimulatedSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.watching.serving import run_watch
from dlrsd.runtime.service.watching.setup import set_up
from dlrsd.runtime.service.watching.watch_file import MachineEntry, WatchFile

_BEARING, _SPEED_RPM = "6205", 1770.0
_MACHINES = {
    "Pump 1": SimulatedSource(bearing=_BEARING, speed_rpm=_SPEED_RPM, seed=1),
    "Fan 2": SimulatedSource(
        bearing=_BEARING, speed_rpm=_SPEED_RPM, seed=2, defect="outer", begins_s=15, grows_s=60
    ),
}


def run_demo(*, port: int, opened: Callable[[str], None]) -> None:
    """Watch the two until interrupted; nothing is left on the disk.

    Raises
    ------
    InputError
        If the page cannot listen.
    """
    with TemporaryDirectory(prefix="dlrsd-demo-") as made:
        root = Path(made)
        entries = []
        for name, source in _MACHINES.items():
            folder = root / name
            folder.mkdir()
            facts = Machine(
                schema_version=1,
                name=name,
                shaft=Shaft(speed_rpm=_SPEED_RPM),
                sensors=[Sensor(name="drive end", bearing=_BEARING)],
                iso_20816_3=Iso20816(group=2, mounting="rigid"),
            )
            write_machine(facts, folder)
            entries.append(MachineEntry(machine=name, sources=[source]))
        page = structs.replace(PageConfig(), port=port)
        file = WatchFile(schema_version=1, machines=entries, page=page)
        setups, _ = set_up(file, root)
        run_watch(setups, folder=root / "store", limits=Limits(), page=page, opened=opened)
