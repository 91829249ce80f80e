"""Numbers as a person reads them."""

from __future__ import annotations


def plain(value: float, digits: int = 4) -> str:
    """A number of so many significant digits and no exponent up to a million.

    >>> plain(17351.6), plain(107.2834), plain(59.96), plain(11500.0, 3)
    ('17350', '107.3', '59.96', '11500')
    """
    return f"{float(f'{value:.{digits}g}'):g}"
