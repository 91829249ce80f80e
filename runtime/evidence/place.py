"""The words for what the evidence says; apart, for records name them and load nothing else."""

from __future__ import annotations

from typing import Literal

Place = Literal[
    "healthy", "outer", "inner", "ball", "cage", "shaft", "gear", "unknown", "undecided"
]
