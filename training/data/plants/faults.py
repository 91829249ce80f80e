"""What events do to a simulated building, and what happens in it without any event.

Five faults with a signature each and a mixture of others, in one component, growing in the three
hours before the event. Signatures share their parts with each other and with what is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlrsd.training.data.plants.building import Array, Building
from dlrsd.training.data.plants.plants import PRECURSOR, Event
from dlrsd.training.data.plants.rows import STEP_S

# What an event of each code does at full strength; of several, one is drawn.
SIGNATURES: Mapping[int, Sequence[Mapping[str, float]]] = {
    # Supply and return differ too little with cooling stage 1 on, or 2; the room is as it should be
    1: ({"delta1": 0.85, "capacity": 0.15, "gain": 0.3},),
    2: ({"delta2": 0.9, "capacity": 0.1, "gain": 0.55},),
    # ... and no longer is.
    3: ({"delta2": 0.8, "delta1": 0.3, "capacity": 0.4, "gain": 0.65},),
    4: ({"gain": 0.75, "capacity": 0.4, "flow": 0.4},),
    5: ({"cold": 8.0, "flow": 0.35},),
    # All others: a third of them in nothing that is measured.
    6: (
        {}, {}, {}, {"heating": 0.9, "gain": -0.4}, {"flow": 0.7}, {"sensor": 2.5},
        {"setpoint": -2.0}, {"power": 0.8}, {"off": 1.0}, {"lost": 0.8},
    ),
}  # fmt: skip
_LASTING = 0.7  # of its strength, while an event lasts
_AT_ONCE = ("setpoint", "off", "lost")  # what people and networks do does not grow
# Without an event, times a component and year, with their duration in hours and strength.
_DISTURBANCES: Sequence[tuple[Mapping[str, float], float, tuple[float, float]]] = (
    ({"gain": 0.5}, 60, (0.5, 2)),  # a door stands open in summer, a crowd
    ({"gain": -0.5}, 30, (0.5, 2)),
    ({"setpoint": 1.5}, 15, (2, 10)),
    ({"setpoint": -1.5}, 15, (2, 10)),
    *((signature, 4, (1, 5)) for code in (1, 2, 3) for signature in SIGNATURES[code]),
    *((signature, 0.3, (1, 5)) for code in (4, 5) for signature in SIGNATURES[code]),
    *((signature, 2, (1, 8)) for signature in SIGNATURES[6] if signature),
)


def add_events(
    effects: dict[str, Array],
    building: Building,
    events: Sequence[Event],
    begin: np.datetime64,
    rng: np.random.Generator,
) -> None:
    """Let events happen in a record that begins at some time."""
    n, components = building.gain.shape
    load = building.cooling_load()
    for event in events:
        start, end = ((time - begin).astype(float) / STEP_S for time in (event.start, event.end))
        before = PRECURSOR / np.timedelta64(STEP_S, "s")
        first, last = max(0, int(start - before)), min(n, int(end) + 1)
        k = np.arange(first, last)
        grown = np.clip((k - start + before) / before, 0, 1) ** rng.uniform(0.5, 1.2)
        course = np.where(k <= start, grown, _LASTING)
        # Mostly where there is something to cool: elsewhere cooling faults are not seen.
        weight = np.exp(25 * load[first:last].mean(axis=0))
        component = rng.choice(components, p=weight / weight.sum())
        _add(effects, SIGNATURES[event.code], slice(first, last), component, course, rng, 0.5, 1.8)


def add_disturbances(effects: dict[str, Array], rng: np.random.Generator) -> None:
    """Let things happen that belong to no event."""
    n, components = effects["gain"].shape
    years = n * STEP_S / 3600 / 24 / 365.25
    for signature, a_year, hours in _DISTURBANCES:
        for _ in range(rng.poisson(a_year * years * components)):
            length = max(1, round(rng.uniform(*hours) * 3600 / STEP_S))
            first = rng.integers(n)
            course = np.sin(np.pi * (np.arange(min(length, n - first)) + 0.5) / length) ** 0.5
            where = slice(first, first + len(course))
            _add(effects, (signature,), where, int(rng.integers(components)), course, rng, 0.1, 0.6)


def _add(
    effects: dict[str, Array],
    signatures: Sequence[Mapping[str, float]],
    where: slice,
    component: int,
    course: Array,
    rng: np.random.Generator,
    weakest: float,
    strongest: float,
) -> None:
    strength = rng.uniform(weakest, strongest)
    for effect, size in signatures[int(rng.integers(len(signatures)))].items():
        shape = 1.0 if effect in _AT_ONCE else course
        effects[effect][where, component] += size * strength * shape
