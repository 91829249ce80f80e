"""How many windows of which recording become the baseline."""

from pathlib import Path

import pytest

from dlrsd.runtime.commissioning import commission as commissioning
from dlrsd.runtime.machine.facts import Machine, Sensor, Shaft
from dlrsd.runtime.streams.stream import StreamFormat
from tests.runtime.evidence.machine import noise, shaft, turns


def test_a_long_recording_leaves_room_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commissioning, "MOST_WINDOWS", 12)
    for rpm, seconds in ((1772.0, 40.0), (1400.0, 20.0)):
        signal = noise(1, seconds) + shaft(turns(seconds, rpm))
        signal.astype("<f4").tofile(tmp_path / f"{rpm:g}.bin")
        (tmp_path / f"{rpm:g}.bin.json").write_text(f'{{"rate": 12000, "speed_rpm": {rpm}}}')
    machine = Machine(
        schema_version=1, name="pump", shaft=Shaft(), sensors=[Sensor(name="DE", bearing="6205")]
    )
    recordings = [str(tmp_path / name) for name in ("1772.bin", "1400.bin")]
    baseline = commissioning.commission(recordings, machine, StreamFormat())
    speeds = {round(at.speed_rpm): at.windows for at in baseline.sensors[0].speeds}
    assert speeds == {1400: 6, 1772: 6}
    assert "DE: the first 6 fit windows of a recording were taken" in baseline.notes
