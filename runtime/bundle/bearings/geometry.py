"""What is inside a rolling bearing, and the fault orders that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, isfinite, pi, radians, sin

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map_config import Order

MAX_ELEMENTS = 60
MAX_ANGLE_DEG = 45.0  # beyond it a bearing carries thrust and hardly a shaft
_EXAMPLE = "like 9,7.94,39.04,0 for a 6205"


@dataclass(frozen=True)
class Geometry:
    """Rolling elements on their pitch circle.

    Parameters
    ----------
    elements : int
        Balls, or rollers of one row: 3 to `MAX_ELEMENTS`.
    diameter_mm, pitch_mm : float > 0
        Of an element, and of the circle through the elements' centres. Any unit will do if both
        have it: orders follow from the ratio.
    angle_deg : float
        Contact angle, 0 to `MAX_ANGLE_DEG`.

    Raises
    ------
    InputError
        If one is out of bounds, or the elements have no room beside each other.
    """

    elements: int
    diameter_mm: float
    pitch_mm: float
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 3 <= self.elements <= MAX_ELEMENTS:
            raise InputError(
                f"got a bearing of {self.elements} rolling elements: expected 3 to {MAX_ELEMENTS}, "
                "those of one row"
            )
        sizes = (self.diameter_mm, self.pitch_mm)
        if not all(isfinite(size) and size > 0 for size in sizes):
            raise InputError(
                f"got elements of {self.diameter_mm:g} mm on a pitch circle of {self.pitch_mm:g} "
                "mm: expected two diameters above 0"
            )
        if self.diameter_mm >= self.pitch_mm:
            raise InputError(
                f"got elements of {self.diameter_mm:g} mm on a pitch circle of {self.pitch_mm:g} "
                "mm: expected the elements' diameter first, the smaller one; are they swapped?"
            )
        if not 0 <= self.angle_deg <= MAX_ANGLE_DEG:
            raise InputError(
                f"got a contact angle of {self.angle_deg:g} degrees: expected 0 to "
                f"{MAX_ANGLE_DEG:g}"
            )
        room = self.pitch_mm * sin(pi / self.elements)  # from centre to centre
        if self.diameter_mm > room:
            raise InputError(
                f"{self.elements} elements of {self.diameter_mm:g} mm do not fit on a pitch circle "
                f"of {self.pitch_mm:g} mm: expected {room:.4g} mm or less each; check the numbers"
            )

    @property
    def orders(self) -> dict[Order, float]:
        """Fault orders where the inner race turns and the outer one stands still.

        Source: Randall and Antoni, "Rolling element bearing diagnostics - A tutorial", MSSP 25
        (2011).
        """
        ratio = self.diameter_mm / self.pitch_mm * cos(radians(self.angle_deg))
        return {
            "bpfo": self.elements * (1 - ratio) / 2,
            "bpfi": self.elements * (1 + ratio) / 2,
            "bsf": self.pitch_mm / self.diameter_mm * (1 - ratio * ratio) / 2,
            "ftf": (1 - ratio) / 2,
        }

    def __str__(self) -> str:
        angle = f" at {self.angle_deg:g} degrees" if self.angle_deg else ""
        return (
            f"{self.elements} elements of {self.diameter_mm:g} mm on a pitch circle of "
            f"{self.pitch_mm:g} mm{angle}"
        )

    @property
    def option(self) -> str:
        """As `parse_geometry` reads it."""
        return f"{self.elements},{self.diameter_mm:g},{self.pitch_mm:g},{self.angle_deg:g}"


def parse_geometry(text: str) -> Geometry:
    """The geometry that four numbers separated by commas state; three mean an angle of 0.

    Raises
    ------
    InputError
        If they are not such numbers, or no bearing's.
    """
    try:
        elements, diameter, pitch, *angle = text.split(",")
        count, (angle_deg,) = int(elements), map(float, angle or ["0"])
        sizes = float(diameter), float(pitch)
    except ValueError as error:
        raise InputError(
            f"option geometry is {text!r:.80}: expected the number of rolling elements, their "
            f"diameter, the pitch diameter and the contact angle, in mm and degrees, {_EXAMPLE}"
        ) from error
    return Geometry(count, *sizes, angle_deg)
