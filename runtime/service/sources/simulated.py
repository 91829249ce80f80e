"""Signal of a machine that is simulated, for trying a watch where there is no machine."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import numpy as np
from msgspec import Meta

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.bundle.bearings.stated import MAX_SPEED_RPM, stated_bearing
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.base import Give, SignalSource
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.rig import Defect, Rig

_BLOCK_S = 0.5
_DAY_S = 86_400.0


class SimulatedSource(SignalSource, frozen=True, kw_only=True, tag="simulated"):
    """One sensor of a machine that runs healthy until a defect begins to strike."""

    rate: Annotated[float, Meta(ge=8000, le=200_000, description="In Hz")] = 12_000.0
    speed_rpm: Annotated[
        float, Meta(gt=0, le=MAX_SPEED_RPM, description="In revolutions per minute")
    ] = 1770.0
    bearing: Annotated[Text, Meta(description="A designation such as 6205")] = "6205"
    defect: Annotated[
        Defect | None, Meta(description="Where it will be; by default the machine stays healthy")
    ] = None
    begins_s: Annotated[
        float, Meta(ge=0, le=_DAY_S, description="After so many seconds it begins to strike")
    ] = 30.0
    grows_s: Annotated[
        float, Meta(gt=0, le=_DAY_S, description="Over so many seconds it grows to be plain")
    ] = 60.0
    seed: Annotated[int, Meta(ge=0, le=2**32, description="Of all that is drawn by chance")] = 0
    in_real_time: Annotated[
        bool, Meta(description="False: as fast as it is looked at, dated as if in real time")
    ] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._kinematics()

    def _kinematics(self) -> Kinematics:
        found = stated_bearing(bearing=self.bearing, geometry=None, orders=None)
        if found is None:
            raise ValueError("bearing is empty: state a designation such as 6205")
        return Kinematics(self.speed_rpm, **found.orders)

    async def run(self, give: Give, tell: Tell) -> None:
        """Give blocks of half a second until cancelled."""
        del tell
        rig = Rig(self.seed, self._kinematics(), self.rate, self.defect)
        began, sequence, n = time.time(), 0, round(_BLOCK_S * self.rate)
        while True:
            passed = sequence * n / self.rate
            severity = min(1.0, max(0.0, (passed - self.begins_s) / self.grows_s))
            samples = await asyncio.to_thread(rig.push, n, severity)
            due = began + passed + n / self.rate
            if self.in_real_time:
                await asyncio.sleep(max(0.0, due - time.time()))
            await give(
                Block(
                    samples=samples[np.newaxis],
                    rate_hz=self.rate,
                    arrived=time.time(),
                    sequence=sequence,
                    time=began + passed,
                )
            )
            sequence += 1
