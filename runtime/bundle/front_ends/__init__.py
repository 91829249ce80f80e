"""The front ends that a manifest may name, told apart by ``name``."""

from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd
from dlrsd.runtime.bundle.front_ends.fusion import Fusion
from dlrsd.runtime.bundle.front_ends.lines import Lines
from dlrsd.runtime.bundle.front_ends.order_map import OrderMap
from dlrsd.runtime.bundle.front_ends.scalogram import Scalogram

AnyFrontEnd = Scalogram | OrderMap | Lines | Fusion

__all__ = ["AnyFrontEnd", "FrontEnd", "Fusion", "Lines", "OrderMap", "Scalogram"]
