"""The command line ``dlrsd-train``."""

from dlrsd.training.cli.app import main

__all__ = ["main"]
