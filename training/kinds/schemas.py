"""Write JSON Schemas of runs anew, in a checkout: ``python -m dlrsd.training.kinds.schemas``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlrsd.runtime.base.formats import json_schema, json_text
from dlrsd.training.kinds.plants.run import PlantConfig
from dlrsd.training.kinds.vibration.run import Config
from dlrsd.training.runs.row import Row

_RUNS = Path(__file__).parents[1] / "runs"

SCHEMAS: dict[Path, dict[str, Any]] = {
    _RUNS / "config.schema.json": json_schema(
        Config | PlantConfig,
        identifier="dlrsd-run-config-2",
        title="What a run's config.json states, schema version 2",
    ),
    _RUNS / "row.schema.json": json_schema(
        Row, identifier="dlrsd-table-2", title="A row of a comparison's table, schema version 2"
    ),
}

if __name__ == "__main__":
    for path, schema in SCHEMAS.items():
        path.write_text(json_text(schema, indent=1), encoding="utf-8")
