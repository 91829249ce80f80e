"""Whether orders fit a rolling bearing, and how they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple

from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics

_LOOSE = 0.05  # what rounding, slip and preload may take orders apart
_STEEPEST = 0.7  # cosine of a contact angle: of angular contact bearings 40 degrees, 0.77


def odd_orders(kinematics: Kinematics) -> str | None:
    """Why orders fit no rolling bearing whose outer race stands still, or None if they do.

    Four orders say more than a bearing has freedoms, so a swap or a doubled spin shows: with n
    rollers and g = d / D cos(contact angle), bpfo = n (1 - g) / 2, bpfi = n (1 + g) / 2,
    ftf = (1 - g) / 2, bsf = cos(contact angle) (1 - g^2) / (2 g).

    Source: Randall and Antoni, "Rolling element bearing diagnostics - A tutorial", MSSP 25 (2011).
    """
    _, bpfo, bpfi, bsf, ftf = astuple(kinematics)
    rollers = bpfo + bpfi
    if bpfo >= bpfi:
        return f"got bpfo {bpfo:g} and bpfi {bpfi:g}: expected bpfo < bpfi; are they swapped?"
    if abs(ftf - bpfo / rollers) > _LOOSE * bpfo / rollers:
        return (
            f"got ftf {ftf:g}: expected {bpfo / rollers:.3f}, bpfo over the number of rollers, "
            "bpfo + bpfi, where the outer race stands still; check the orders"
        )
    g = (bpfi - bpfo) / rollers
    highest = (1 - g * g) / (2 * g)
    if not _STEEPEST * highest <= bsf <= (1 + _LOOSE) * highest:
        return (
            f"got bsf {bsf:g}: expected {_STEEPEST * highest:.3f} to {highest:.3f} by bpfo and "
            "bpfi; is it twice a roller's spin, as some tables list it?"
        )
    return None


def orders_text(orders: Mapping[str, float]) -> str:
    """Orders in words: "bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398"."""
    return ", ".join(f"{name} {orders[name]:g}" for name in ORDERS)
