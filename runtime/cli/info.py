"""``dlrsd-runtime info``: a bundle in words."""

from __future__ import annotations

from dlrsd.runtime.cli.options import BundleArgument


def info(bundle: BundleArgument = "bundle") -> None:
    """Show what a bundle was trained on, which machines it fits, and how well it did."""
    # Imported here, for they load NumPy and `--help` shall answer at once.
    from dlrsd.runtime.bundle.bundle import load_bundle
    from dlrsd.runtime.output.bundle_report import info_lines

    print("\n".join(info_lines(load_bundle(bundle))))
