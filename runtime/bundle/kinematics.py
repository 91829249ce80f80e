"""The machine a stream is of, for a bundle whose front end is the order map.

What is stated of the stream counts. A bundle trained on one bearing lends its orders where nobody
states any; the shaft's speed is never assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple

from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import ORDERS, Kinematics
from dlrsd.runtime.streams.stream import SampleStream

_FAR = 0.2  # of the speeds trained on: beyond it a stream's speed is warned of
_LOOSE = 0.05  # what rounding, slip and preload may take orders apart
_STEEPEST = 0.7  # cosine of a contact angle: of angular contact bearings 40 degrees, 0.77


def stream_kinematics(stream: SampleStream, bundle: Bundle) -> Kinematics | None:
    """Speed and orders of a stream, as `open_engine` wants them.

    Parameters
    ----------
    stream : SampleStream
        From `open_stream`, with ``bundle.signal`` as its default. A speed far from those trained
        on, and orders that no bearing has, become warnings in its description.
    bundle : Bundle

    Returns
    -------
    Kinematics or None
        None for a bundle without an order map, and where nobody states the speed.

    Raises
    ------
    InputError
        If nobody states the orders and the bundle was trained on several bearings, or the caller
        states speed or orders for a bundle that has no use for them.
    """
    facts = stream.description
    if bundle.order_map is None:
        for fact, option in (("speed_rpm", "--speed"), ("orders", "--orders")):
            if facts["stated_by"].get(fact) == "option":
                raise InputError(f"bundle {bundle.name} has no use for {option}: leave it out")
        return None
    speed_rpm, orders = facts["speed_rpm"], facts["orders"]
    if speed_rpm is None:
        return None
    if orders is None:
        listed = "; ".join(orders_text(machine) for machine in bundle.machines)
        raise InputError(
            f"bundle {bundle.name} was trained on several bearings ({listed}) and nothing states "
            "which one this is: give --orders BPFO,BPFI,BSF,FTF, or orders in the sidecar"
        )
    lowest, highest = trained_speeds(bundle)
    if not (1 - _FAR) * lowest <= speed_rpm <= (1 + _FAR) * highest:
        facts["warnings"].append(
            f"a shaft at {speed_rpm:g} rpm is far from the {lowest:g} to {highest:g} rpm trained "
            "on: how well the bundle does there was not measured"
        )
    kinematics = Kinematics(speed_rpm, **orders)
    if why := odd_orders(kinematics):
        facts["warnings"].append(why)
    return kinematics


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


def trained_kinematics(bundle: Bundle) -> Kinematics | None:
    """The first machine a bundle was trained on, in the middle of its speeds; None without any."""
    if not bundle.machines:
        return None
    first = bundle.machines[0]
    return Kinematics(sum(first["speed_rpm"]) / 2, *(first[name] for name in ORDERS))


def trained_speeds(bundle: Bundle) -> tuple[float, float]:
    """Lowest and highest speed that a bundle with an order map was trained on, in rpm."""
    speeds = [speed for machine in bundle.machines for speed in machine["speed_rpm"]]
    return min(speeds), max(speeds)


def orders_text(orders: Mapping[str, float]) -> str:
    """Orders in words: "bpfo 3.585, bpfi 5.415, bsf 2.357, ftf 0.398"."""
    return ", ".join(f"{name} {orders[name]:g}" for name in ORDERS)
