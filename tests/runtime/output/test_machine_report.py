"""What `doctor` says of telemetry and of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.output.machine_report import privacy, report


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1", "telemetry of onnxruntime is off"),
        ("0", "telemetry of onnxruntime is ON, for ORT_DISABLE_TELEMETRY is '0': set it to 1"),
    ],
)
def test_whether_telemetry_is_off_is_said(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", value)
    assert privacy()[0].endswith(said)
    assert privacy()[0] in report()


def test_where_is_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert f"in {tmp_path / 'dlrsd'} what is built for a GPU" in privacy()[1]
    assert list(tmp_path.iterdir()) == []
