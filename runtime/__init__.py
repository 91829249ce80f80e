"""Diagnose rotating machines from vibration, on the box.

What is named here is the public API; everything else may change. Four lines diagnose a recording::

    from dlrsd.runtime import diagnose, load_bundle, open_engine, open_stream

    bundle = load_bundle("cwru-6205")
    with open_stream("stream.bin", default=bundle.signal) as stream:
        for record in diagnose(stream, bundle, open_engine(bundle)):
            print(record)

========================  =========================================================================
`load_bundle`             opens a `Bundle`, the folder that ``dlrsd-export`` writes;
                          `shipped_bundles` names those that come with the package
`open_stream`             opens a recording or standard input as a `SampleStream` of `Chunk`s, at
                          the rate and in the unit of a `SignalSpec`; a `StreamFormat` states what
                          the recording does not
`open_engine`             opens a bundle's graph as an `Engine`, which gives an `Output`; for a
                          bundle that needs them with the `Kinematics` of the machine
`diagnose`                gives a `Header`, a `WindowRecord` for every window and channel, and a
                          `Summary` with a `Verdict` for every channel and its `Change`s
`open_diagnosis`          gives a `Diagnosis` for who wants windows as `WindowBatch`es of columns
`examine`                 weighs the lines of bearing, shaft and gears in a recording, without a
                          bundle: `Examined`, with a `Finding` for every channel; `asked_of` says
                          what is `Asked` of which channel
`commission`              learns from healthy recordings how a `Machine` is; `read_machine` and
                          `read_baseline` read what stands in its folder
`open_writer`             opens a `Writer` of JSONL, CSV or Parquet
`benchmark`               measures how fast each engine and precision is here
`synthesize`              makes new heatmaps of a class, a `Synthesis`; `save_synthesis` writes them
`scalogram`, `order_map`  the front ends, of NumPy, CuPy and torch arrays, with `ScalogramConfig`
                          and `OrderMapConfig`
`DlrsdError`              the base of all errors: `InputError`, `BundleError`, `ExtraMissingError`,
                          `ParityError`, `DeviceMemoryError` and `DeviceLostError`
========================  =========================================================================
"""

import os

# ONNX Runtime would write a device id and a database of events into the user's folder when it is
# loaded. Who wants that can set the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Names are imported when they are first asked for: `import dlrsd.runtime` costs nothing, and nobody
# pays for what they do not use. Type checkers take this as true; importing `typing` takes time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dlrsd.runtime.base.errors import BundleError as BundleError
    from dlrsd.runtime.base.errors import DeviceLostError as DeviceLostError
    from dlrsd.runtime.base.errors import DeviceMemoryError as DeviceMemoryError
    from dlrsd.runtime.base.errors import DlrsdError as DlrsdError
    from dlrsd.runtime.base.errors import ExtraMissingError as ExtraMissingError
    from dlrsd.runtime.base.errors import InputError as InputError
    from dlrsd.runtime.base.errors import ParityError as ParityError
    from dlrsd.runtime.bench.measure import benchmark as benchmark
    from dlrsd.runtime.bundle.bundle import Bundle as Bundle
    from dlrsd.runtime.bundle.bundle import load_bundle as load_bundle
    from dlrsd.runtime.bundle.bundle import shipped_bundles as shipped_bundles
    from dlrsd.runtime.commissioning.commission import commission as commission
    from dlrsd.runtime.diagnosis.diagnose import diagnose as diagnose
    from dlrsd.runtime.diagnosis.diagnose import open_diagnosis as open_diagnosis
    from dlrsd.runtime.diagnosis.records import Change as Change
    from dlrsd.runtime.diagnosis.records import Header as Header
    from dlrsd.runtime.diagnosis.records import Summary as Summary
    from dlrsd.runtime.diagnosis.records import Verdict as Verdict
    from dlrsd.runtime.diagnosis.records import WindowBatch as WindowBatch
    from dlrsd.runtime.diagnosis.records import WindowRecord as WindowRecord
    from dlrsd.runtime.diagnosis.windows import Diagnosis as Diagnosis
    from dlrsd.runtime.dsp.order_map import order_map as order_map
    from dlrsd.runtime.dsp.order_map_config import Kinematics as Kinematics
    from dlrsd.runtime.dsp.order_map_config import OrderMapConfig as OrderMapConfig
    from dlrsd.runtime.dsp.scalogram import scalogram as scalogram
    from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig as ScalogramConfig
    from dlrsd.runtime.engines.engine import Engine as Engine
    from dlrsd.runtime.engines.engine import Output as Output
    from dlrsd.runtime.engines.opening import open_engine as open_engine
    from dlrsd.runtime.evidence.asking import asked_of as asked_of
    from dlrsd.runtime.evidence.commissioned import read_baseline as read_baseline
    from dlrsd.runtime.evidence.examine import Examined as Examined
    from dlrsd.runtime.evidence.examine import examine as examine
    from dlrsd.runtime.evidence.finding import Finding as Finding
    from dlrsd.runtime.evidence.windows import Asked as Asked
    from dlrsd.runtime.machine.facts import Machine as Machine
    from dlrsd.runtime.machine.file import read_machine as read_machine
    from dlrsd.runtime.output.writers import Writer as Writer
    from dlrsd.runtime.output.writers import open_writer as open_writer
    from dlrsd.runtime.streams.source import Chunk as Chunk
    from dlrsd.runtime.streams.stream import SampleStream as SampleStream
    from dlrsd.runtime.streams.stream import SignalSpec as SignalSpec
    from dlrsd.runtime.streams.stream import open_stream as open_stream
    from dlrsd.runtime.streams.stream_format import StreamFormat as StreamFormat
    from dlrsd.runtime.synthesis.synthesize import Synthesis as Synthesis
    from dlrsd.runtime.synthesis.synthesize import save_synthesis as save_synthesis
    from dlrsd.runtime.synthesis.synthesize import synthesize as synthesize

_HOMES = {
    "base.errors": (
        "BundleError",
        "DeviceLostError",
        "DeviceMemoryError",
        "DlrsdError",
        "ExtraMissingError",
        "InputError",
        "ParityError",
    ),
    "bench.measure": ("benchmark",),
    "bundle.bundle": ("Bundle", "load_bundle", "shipped_bundles"),
    "commissioning.commission": ("commission",),
    "diagnosis.diagnose": ("diagnose", "open_diagnosis"),
    "diagnosis.records": ("Change", "Header", "Summary", "Verdict", "WindowBatch", "WindowRecord"),
    "diagnosis.windows": ("Diagnosis",),
    "dsp.order_map": ("order_map",),
    "dsp.order_map_config": ("Kinematics", "OrderMapConfig"),
    "dsp.scalogram": ("scalogram",),
    "dsp.scalogram_config": ("ScalogramConfig",),
    "engines.engine": ("Engine", "Output"),
    "engines.opening": ("open_engine",),
    "evidence.asking": ("asked_of",),
    "evidence.commissioned": ("read_baseline",),
    "evidence.examine": ("Examined", "examine"),
    "evidence.finding": ("Finding",),
    "evidence.windows": ("Asked",),
    "machine.facts": ("Machine",),
    "machine.file": ("read_machine",),
    "output.writers": ("Writer", "open_writer"),
    "streams.source": ("Chunk",),
    "streams.stream": ("SampleStream", "SignalSpec", "open_stream"),
    "streams.stream_format": ("StreamFormat",),
    "synthesis.synthesize": ("Synthesis", "save_synthesis", "synthesize"),
}
__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module  # here, for `import dlrsd.runtime` is free

            value: object = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
