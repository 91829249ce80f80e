"""One bearing from what a person states of it: a designation, a geometry, or the orders.

A wrong bearing cannot be seen in a signal: the lines looked for are then not there, and it reads as
healthy. So what is unclear is refused, and what was taken is said in `Bearing.note`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.designation import parse_designation
from dlrsd.runtime.bundle.bearings.geometry import parse_geometry
from dlrsd.runtime.bundle.bearings.table import Row, rows, sources
from dlrsd.runtime.bundle.kinematics import odd_orders, orders_text
from dlrsd.runtime.dsp.order_map_config import Kinematics, Order
from dlrsd.runtime.streams.stream_format import parse_orders

MAX_SPEED_RPM = 500_000.0  # of the fastest spindles
_ONE_HOUSE = {"INA": "FAG", "SCHAEFFLER": "FAG", "SNR": "NTN", "NTN-SNR": "NTN", "JTEKT": "KOYO"}


@dataclass(frozen=True)
class Bearing:
    """A bearing's orders, and how they are known.

    Parameters
    ----------
    name : str
        A designation of the table, or what was stated.
    orders : dict of str to float > 0
        ``bpfo``, ``bpfi``, ``bsf`` and ``ftf`` in multiples of the shaft's speed.
    elements : int, optional
        Rolling elements of a row; None where only orders were stated.
    note : str
        What was taken and where it is from, for a person to read.
    """

    name: str
    orders: dict[Order, float]
    elements: int | None
    note: str

    def at(self, speed_rpm: float) -> Kinematics:
        """On a shaft of this speed."""
        return Kinematics(checked_speed(speed_rpm), **self.orders)


def stated_bearing(
    *, bearing: str | None = None, geometry: str | None = None, orders: str | None = None
) -> Bearing | None:
    """The bearing that options state; None if they state none.

    Raises
    ------
    InputError
        If two of them do, or one states what cannot be.
    """
    given = {"bearing": bearing, "geometry": geometry, "orders": orders}
    names = [f"--{name}" for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise InputError(f"got {' and '.join(names)}: one of them says all, leave the others out")
    if bearing is not None:
        return named_bearing(bearing)
    if geometry is not None:
        inside = parse_geometry(geometry)
        return _bearing(str(inside), inside.orders, inside.elements, "as stated")
    return _of_orders(parse_orders(orders)) if orders is not None else None


def named_bearing(text: str) -> Bearing:
    """The bearing of the table that a person calls so, such as "SKF 6205-2RS" or "nu 205 ecp".

    Raises
    ------
    InputError
        If the table has none of that name, or several that differ in their rolling elements.
    """
    table = rows()
    maker, base = parse_designation(text, tuple(table))
    maker = _ONE_HOUSE.get(maker or "", maker)
    of_maker = [row for row in table[base] if maker and row.maker == maker]
    fit = of_maker or table[base]
    if len({row.elements for row in fit}) > 1:
        raise InputError(
            f"bearing {base} is made with different rolling elements: {_choices(fit)}; count them, "
            "or ask the maker"
        )
    row = fit[0]
    said = [sources()[row.source]]
    if maker and not of_maker:
        said.append(f"{maker}'s own is not in the table, and makers differ")
    if others := [each for each in table[base] if each is not row]:
        said.append(f"makers differ: {', '.join(map(_differing, others))}")
    name = f"{base} ({row.maker})" if row.maker else base
    return _bearing(name, row.orders, row.elements, "; ".join(said))


def checked_speed(speed_rpm: float) -> float:
    """The same speed, if a shaft can have it.

    Raises
    ------
    InputError
        If not.
    """
    if not (isfinite(speed_rpm) and 0 < speed_rpm <= MAX_SPEED_RPM):
        raise InputError(
            f"got a shaft's speed of {speed_rpm:g}: expected a number above 0 and at most "
            f"{MAX_SPEED_RPM:g}, in revolutions per minute"
        )
    return speed_rpm


def _of_orders(orders: dict[Order, float]) -> Bearing:
    if not all(isfinite(order) and order > 0 for order in orders.values()):
        raise InputError(
            f"option orders states {_text(orders)}: expected each a number above 0 in "
            "multiples of the shaft's speed"
        )
    if why := odd_orders(Kinematics(1.0, **orders)):
        raise InputError(f"no bearing has the orders stated: {why}")
    return _bearing("orders", orders, None, "as stated")


def _bearing(name: str, orders: dict[Order, float], elements: int | None, source: str) -> Bearing:
    return Bearing(name, orders, elements, f"{name}: {_text(orders)} ({source})")


def _text(orders: dict[Order, float]) -> str:
    return orders_text({str(name): round(order, 4) for name, order in orders.items()})


def _choices(fit: list[Row]) -> str:
    """Rows as options that a person can copy."""
    return " or ".join(
        f"{row.elements} ({row.maker or 'unnamed'}: {_option(row)})"
        for row in {each.elements: each for each in reversed(fit)}.values()
    )


def _option(row: Row) -> str:
    if row.geometry:
        return f"--geometry {row.geometry.option}"
    return f"--orders {','.join(f'{order:g}' for order in row.orders.values())}"


def _differing(row: Row) -> str:
    bpfo, bpfi = row.orders["bpfo"], row.orders["bpfi"]
    return f"{row.maker or 'unnamed'} bpfo {bpfo:.4g} and bpfi {bpfi:.4g}"
