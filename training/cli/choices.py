"""What options of ``dlrsd-train`` may be, so that ``--help`` lists it without loading a network.

The registries say the same; a test compares them.
"""

from __future__ import annotations

from enum import Enum


class Protocol(str, Enum):
    """How recordings, or plants, are divided into a training and a test part."""

    block = "block"
    random = "random"
    load = "load"
    bearing = "bearing"
    rig = "rig"
    time = "time"
    plant = "plant"


class FrontEnd(str, Enum):
    """What windows are turned into."""

    scalogram = "scalogram"
    order_map = "order-map"
    lines = "lines"
    fusion = "fusion"


class Preset(str, Enum):
    """Size of the generator."""

    edge = "edge"
    paper = "paper"


class Classifier(str, Enum):
    """Networks: for scalograms, for order maps, for fault lines, for plants."""

    edge = "edge"
    simple_cnn = "simple_cnn"
    vgg11 = "vgg11"
    vgg13 = "vgg13"
    vgg16 = "vgg16"
    bands = "bands"
    experts = "experts"
    lines = "lines"
    lr_convlstm = "lr_convlstm"
    deep_conv_lstm = "deep_conv_lstm"
    lrcn = "lrcn"


class Fault(str, Enum):
    """States of the simulated rig."""

    normal = "Normal"
    outer = "outer"
    inner = "inner"
    ball = "ball"
