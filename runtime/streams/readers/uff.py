"""Universal files (UFF): data sets 58 of time samples, read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.source import (
    Source,
    Variable,
    choose_series,
    common_fact,
    reader_library,
)


def open_uff(path: Path, variable: Variable) -> Source:
    """The time samples of a universal file, a data set 58 for each channel."""
    file = reader_library("pyuff", path).UFF(str(path))
    numbers = [i for i, kind in enumerate(file.get_set_types()) if int(kind) == 58]
    sets = file.read_sets(numbers) if numbers else []
    series = {
        str(i): each
        for i, each in enumerate(sets if isinstance(sets, list) else [sets])
        if each["func_type"] in (0, 1) and not np.iscomplexobj(each["data"])
    }
    if not series:
        raise InputError(
            f"{path} has no data set 58 of time samples: expected one for each channel"
        )
    names = choose_series(
        {name: len(each["data"]) for name, each in series.items()}, variable, path
    )
    chosen = [series[name] for name in names]
    intervals = []
    for each in chosen:
        steps = np.diff(each["x"])
        intervals.append(float(f"{steps.mean():.6g}") if steps.size else 0.0)
        if (abs(steps - intervals[-1]) > intervals[-1] / 2).any():
            raise InputError(f"{path} is sampled at uneven times: expected one sampling interval")
    increment = common_fact("sampling intervals", intervals, path)
    unit = common_fact("units", [each.get("ordinate_axis_units_lab") for each in chosen], path)
    source = arrays_source({name: series[name]["data"] for name in names}, variable, path)
    source.rate_hz = 1 / increment if increment else None
    source.unit = None if (unit or "").strip() in ("", "NONE") else unit.strip()
    return source
