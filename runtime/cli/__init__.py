"""The command line ``dlrsd-runtime``."""

from dlrsd.runtime.cli.app import main

__all__ = ["main"]
