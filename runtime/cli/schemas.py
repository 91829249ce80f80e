"""Write the published JSON Schemas anew: ``python -m dlrsd.runtime.cli.schemas``, in a checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.bundle.manifest import manifest_schema
from dlrsd.runtime.diagnosis.records import records_schema
from dlrsd.runtime.machine.facts import machine_schema
from dlrsd.runtime.service.page.payloads import alarms_schema, machines_schema
from dlrsd.runtime.service.sinks.payload import message_schema
from dlrsd.runtime.service.watching.watch_file import watch_schema
from dlrsd.runtime.streams.stream_format import sidecar_schema

_PACKAGE = Path(__file__).parents[1]

SCHEMAS: dict[Path, Callable[[], dict[str, Any]]] = {
    _PACKAGE / "bundle" / "manifest.schema.json": manifest_schema,
    _PACKAGE / "diagnosis" / "records.schema.json": records_schema,
    _PACKAGE / "machine" / "machine.schema.json": machine_schema,
    _PACKAGE / "service" / "page" / "machines.schema.json": machines_schema,
    _PACKAGE / "service" / "page" / "alarms.schema.json": alarms_schema,
    _PACKAGE / "service" / "sinks" / "message.schema.json": message_schema,
    _PACKAGE / "service" / "watching" / "watch.schema.json": watch_schema,
    _PACKAGE / "streams" / "sidecar.schema.json": sidecar_schema,
}

if __name__ == "__main__":
    for path, schema in SCHEMAS.items():
        path.write_text(json_text(schema(), indent=1), encoding="utf-8")
