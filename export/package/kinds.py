"""How runs of each kind of data are exported: a new kind is a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dlrsd.export.package.sequences import refuse_for_sequence, write_sequence_bundle
from dlrsd.export.package.windows import refuse_for_windows, write_window_bundle
from dlrsd.runtime.bundle.manifest import Manifest


class Exporter(NamedTuple):
    """``refuse`` raises an `InputError` if a run cannot be had as "int8" or "tensorrt"; ``write``
    writes graphs and whatever else into a folder and gives the manifest without files."""

    refuse: Callable[[str, Any], None]
    write: Callable[..., Manifest]  # (run, folder, precisions, *, anchors, progress)


EXPORTERS = {
    "window": Exporter(refuse_for_windows, write_window_bundle),
    "sequence": Exporter(refuse_for_sequence, write_sequence_bundle),
}
