"""What docs/watch-messages.md shows works as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.formats import checked
from dlrsd.runtime.service.sinks.kinds import AnySink
from dlrsd.runtime.service.sinks.metrics import exposition
from dlrsd.runtime.service.sinks.payload import encoded, of_change
from dlrsd.runtime.service.sinks.webhook import signature
from tests.runtime.service.sinks.made import a_change, a_machine

PAGE = Path(__file__).parents[4] / "docs" / "watch-messages.md"

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs a checkout")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_output_that_is_shown_can_be_set_up() -> None:
    tomllib = pytest.importorskip("tomllib")
    shown = [sink for text in blocks("toml") for sink in tomllib.loads(text)["sinks"]]
    assert {each["kind"] for each in shown} == {
        "mqtt", "webhook", "email", "jsonl", "syslog", "journal",
    }  # fmt: skip
    for each in shown:
        checked(each, AnySink)  # type: ignore[arg-type]


def test_a_receiver_in_python_knows_what_is_genuine() -> None:
    names: dict[str, Any] = {}
    (program,) = blocks("python")
    exec(program, names)
    body, now = encoded(of_change(a_change())), int(time.time())
    headers = {"Dlrsd-Timestamp": str(now), "Dlrsd-Signature": signature("Schlüssel", now, body)}
    assert names["is_genuine"]("Schlüssel", headers, body)
    assert not names["is_genuine"]("schlüssel", headers, body)
    assert not names["is_genuine"]("Schlüssel", headers, body + b" ")
    old = {"Dlrsd-Timestamp": str(now - 600), "Dlrsd-Signature": signature("k", now - 600, body)}
    assert not names["is_genuine"]("k", old, body)


def test_a_receiver_in_a_shell_knows_what_is_genuine(tmp_path: Path) -> None:
    if not shutil.which("openssl") or os.name == "nt":
        pytest.skip("needs a shell and openssl")
    body = encoded(of_change(a_change()))
    (tmp_path / "body.json").write_bytes(body)
    (program,) = blocks("sh")
    done = subprocess.run(
        ["sh", "-c", program],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"], "TIMESTAMP": "123", "KEY": "Schlüssel",
            "SIGNATURE": signature("Schlüssel", 123, body),
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first == second
    assert len(first) == 64


def test_every_metric_is_listed() -> None:
    pytest.importorskip("prometheus_client")
    text = exposition([a_machine()])[0].decode()
    page = PAGE.read_text(encoding="utf-8")
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        written = {"counter": f"{name}_total", "info": f"{name}_info"}.get(kind, name)
        short = re.sub(r"_(peak|rms)_meters.*", r"_\1_...", written)
        shorter = re.sub(r"^dlrsd_process_.*", "dlrsd_process_...", written)
        assert any(
            f"`{each}`" in page or f"`{each}{{" in page for each in (written, short, shorter)
        ), written


def test_every_field_of_an_alarm_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in json.loads(encoded(of_change(a_change()))):
        assert f"`{name}`" in page
