"""From a trained run to a bundle for the box.

What is named here is the public API; everything else may change. ::

    from dlrsd.export import export_bundle

    export_bundle("runs/mine", "bundle", fp16=True)

`export_bundle` writes a run's graphs in every precision asked for, verifies each against the
trained model (a `dlrsd.runtime.ParityError` says that one differs) and returns the manifest.
"""

import dlrsd.runtime  # noqa: F401 - it turns ONNX Runtime's telemetry off before that is loaded

# Imported when it is first asked for: torch takes seconds to load, and `--help` shall answer at
# once. Type checkers take this as true.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dlrsd.export.package.bundle import export_bundle as export_bundle

__all__ = ["export_bundle"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dlrsd.export.package import bundle

    value: object = getattr(bundle, name)
    return value
