"""The names that the command line lists are those that the code knows."""

from __future__ import annotations

from dlrsd.runtime.base.choices import (
    DeviceChoice,
    EngineChoice,
    GraphPrecision,
    PrecisionChoice,
    SampleType,
)
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.specs import SPECS
from dlrsd.runtime.streams.raw import DTYPES


def test_choices_are_those_there_are() -> None:
    assert set(EngineChoice) == {"auto", *(spec.name for spec in SPECS)}
    assert set(DeviceChoice) == {"auto", *(spec.device for spec in SPECS)}
    assert list(GraphPrecision) == list(GRAPH_FILES)
    assert list(PrecisionChoice) == ["auto", *GRAPH_FILES]
    assert list(SampleType) == list(DTYPES)


def test_a_choice_reads_as_its_text() -> None:
    assert f"{EngineChoice.AUTO}" == str(EngineChoice.AUTO) == "auto"
