"""``dlrsd-runtime doctor``: what this machine can do."""

from __future__ import annotations


def doctor() -> None:
    """Say which engines and readers this machine has, and how to get the missing ones."""
    # Imported here, for it imports engines and `--help` shall answer at once.
    from dlrsd.runtime.output.machine_report import report

    print("\n".join(report()))
