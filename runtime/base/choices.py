"""The names that a user chooses by. Light to import: the command line lists them in its help."""

from __future__ import annotations

from enum import Enum


class Choice(str, Enum):
    """A name that is as good as its text."""

    __str__ = str.__str__


class EngineChoice(Choice):
    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    TENSORRT = "tensorrt"


class DeviceChoice(Choice):
    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class SynthesisDevice(Choice):
    CPU = "cpu"
    CUDA = "cuda"


class GraphPrecision(Choice):
    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class PrecisionChoice(Choice):
    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class SampleType(Choice):
    """Of raw samples: little-endian floats, and integers as they are stored."""

    F32LE = "f32le"
    F64LE = "f64le"
    S16LE = "s16le"
    S24LE = "s24le"
    S32LE = "s32le"
