"""What a bundle of three classes may state of sets and of risk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tiny_certainty() -> dict[str, Any]:
    point = {"given": 0.5, "wrong": 0.0, "worst": 0.01}
    return {
        "left_out": "bearing",
        "groups": [3, 5, 5],
        "windows": [300, 200, 100],
        "coverage": 0.9,
        "limits": [0.5, 0.25, 0.125],
        "confidence": 0.9,
        "points": [
            {"risk": 0.01, "limit": 0.875, **point},
            {"risk": 0.05, "limit": 0.5, **point, "given": 0.75},
        ],
    }


def stating(**other: Any) -> Callable[[dict[str, Any]], None]:
    """A change of a manifest: it states them, some otherwise where told so."""
    return lambda manifest: manifest.update(certainty=tiny_certainty() | other)
