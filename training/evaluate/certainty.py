"""How sure a diagnosis must be: found by left-out windows, then measured on the test part.

Left-out windows are judged by probes, the test part by the classifier itself: limits are taken from
the ones to the other as the temperature is, and the test part tells how well they hold. MAPIE and
crepes would find limits by classes too, but none by which groups weigh alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.bundle.certainty import Certainty, LeftOutAsAWhole, OperatingPoint
from dlrsd.training.evaluate.conformal import class_limits, risk_coverage, sets_of
from dlrsd.training.evaluate.left_out import LeftOut
from dlrsd.training.evaluate.selective import CONFIDENCE, least_probability

COVERAGE = 0.9
RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
_CURVE = 200  # points of the curve that are kept


class Sets(msgspec.Struct, frozen=True, kw_only=True):
    """Sets of the windows of one class, or of one of its bearings.

    Parameters
    ----------
    covered : from 0 to 1
        Share of the windows whose set holds the class.
    size : from 0 to K
        Mean number of classes in a set.
    n : int > 0
        Windows.
    """

    covered: float
    size: float
    n: int


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What an operating point comes to: share of the windows that is given, and share of these that
    is wrong (None where none is given)."""

    risk: float
    given: float
    wrong: float | None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Of the test part.

    Parameters
    ----------
    coverage, risk : lists of float
        Share of the windows given, rising to 1, and share of these that is wrong.
    points : list of Given
        Of the stated operating points.
    sets : dict of Sets
        By the class, or by class and bearing.
    """

    coverage: list[float]
    risk: list[float]
    points: list[Given]
    sets: dict[str, Sets]


def certainty_of(left_out: LeftOut, temperature: float, by: LeftOutAsAWhole) -> Certainty:
    """Limits of the sets at `COVERAGE`, and operating points for as many of `RISKS` as there are.

    Parameters
    ----------
    left_out : LeftOut
        Some of every class.
    temperature : float > 0
        Of the probabilities.
    by : str
        What a group is.
    """
    said = left_out.probabilities(temperature)
    groups = [left_out.by_group(label) for label in range(said.shape[1])]
    own = [[said[rows, label] for rows in own] for label, own in enumerate(groups)]
    return Certainty(
        left_out=by,
        groups=list(map(len, groups)),
        windows=[left_out.n_windows(label) for label in range(len(groups))],
        coverage=COVERAGE,
        limits=class_limits(own, COVERAGE).tolist(),
        confidence=CONFIDENCE,
        points=_points(left_out, said),
    )


def _points(left_out: LeftOut, said: NDArray[np.float64]) -> list[OperatingPoint]:
    """Those of `RISKS` that are kept by a lower probability than the one before takes."""
    surest, right = said.max(axis=1), said.argmax(axis=1) == left_out.label
    weight = left_out.weight()
    # Windows are numbered class by class.
    window = left_out.label * (left_out.window.max() + 1) + left_out.window
    wholes = _wholes(left_out, said.shape[1])
    points: list[OperatingPoint] = []
    for risk in RISKS:
        limit = least_probability(
            surest, right, risk=risk, weight=weight, window=window, groups=wholes
        )
        if limit is None or (points and limit == points[-1].limit):
            continue
        given = surest >= limit
        missed = given & ~right
        share = float(weight[given].sum() / weight.sum())
        points.append(
            OperatingPoint(
                risk=risk,
                limit=limit,
                given=min(1.0, share),
                wrong=float(weight[missed].sum() / weight[given].sum()),
                worst=max(float(missed[rows].mean()) for rows in wholes),
            )
        )
    return points


def _wholes(left_out: LeftOut, n_classes: int) -> list[NDArray[np.int64]]:
    """The rows of each group, or of a class whose windows are groups of their own."""
    wholes = []
    for label in range(n_classes):
        groups = left_out.by_group(label)
        single = len(groups) == left_out.n_windows(label)
        wholes += [np.concatenate(groups)] if single else groups
    return wholes


def measured(
    certainty: Certainty,
    probabilities: NDArray[np.floating],
    label: NDArray[np.integer],
    parts: Mapping[str, NDArray[np.bool_]],
) -> Measured:
    """What limits come to on windows of the test part.

    Parameters
    ----------
    certainty : Certainty
    probabilities : array, shape (n, K)
        By the classifier itself, at its temperature.
    label : array, shape (n,), int
    parts : dict of arrays, shape (n,), bool
        Which windows each part holds; parts without one are left out.
    """
    surest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == label
    coverage, risk = risk_coverage(surest, right)
    kept = np.unique(np.linspace(0, len(coverage) - 1, _CURVE).round().astype(int))
    sets = sets_of(probabilities, np.array(certainty.limits))
    held = sets[np.arange(len(label)), label]
    return Measured(
        coverage=coverage[kept].tolist(),
        risk=risk[kept].tolist(),
        points=[_given(point, surest, right) for point in certainty.points],
        sets={
            name: Sets(
                covered=float(held[own].mean()),
                size=float(sets[own].sum(axis=1).mean()),
                n=int(own.sum()),
            )
            for name, own in parts.items()
            if own.any()
        },
    )


def _given(point: OperatingPoint, surest: NDArray[np.floating], right: NDArray[np.bool_]) -> Given:
    given = surest >= point.limit
    wrong = float((~right[given]).mean()) if given.any() else None
    return Given(risk=point.risk, given=float(given.mean()), wrong=wrong)
