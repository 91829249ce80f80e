"""Opening a bundle's graph: where it runs and in which precision.

What is opened on a GPU survives the GPU (`resilient`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from dlrsd.runtime.base.choices import DeviceChoice, EngineChoice, PrecisionChoice
from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import GRAPH_FILES, Engine
from dlrsd.runtime.engines.resilient import ResilientEngine
from dlrsd.runtime.engines.specs import EngineSpec, Request, specs_of

_AGREEMENT = 0.995  # of the labels with fp32: less, and "auto" leaves a precision alone


def print_to_stderr(line: str) -> None:
    """Say a line where it cannot mix with records on standard output."""
    print(line, file=sys.stderr, flush=True)


def open_engine(
    bundle: Bundle,
    *,
    engine: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    kinematics: Kinematics | None = None,
    say: Callable[[str], None] = print_to_stderr,
) -> Engine:
    """Open a bundle's graph.

    Parameters
    ----------
    bundle : Bundle
    engine : {"auto", "onnxruntime", "tensorrt"}
        "auto" takes TensorRT where the bundle has an engine or one was built here before, and a
        GPU with the packages for it is there; else ONNX Runtime.
    precision : {"auto", "fp32", "fp16", "int8"}
        "auto" takes fp16 on a GPU if by the manifest it agrees with fp32 on 99.5 % of the labels,
        else fp32: no CPU is known on which the other two are faster.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where one can be used.
    threads : int > 0, optional
        CPU threads; by default one per core this process may use. A sequence takes one.
    kinematics : Kinematics, optional
        The machine whose windows are diagnosed; a bundle with an order map needs it, as
        `Bundle.kinematics_of` or `trained_kinematics` gives it, and no other bundle takes it.
    say : callable
        Gets a line of text for what a user should know: a GPU that cannot be used or is lost, a
        batch halved, an engine built.

    Raises
    ------
    InputError
        If a choice is unknown or impossible here, ``threads`` is below 1, ``kinematics`` is
        missing or of no use, or the shaft turns too slowly or too fast for the bundle's windows.
    BundleError
        If the bundle lacks the graph, or the graph is not what the manifest says.
    ExtraMissingError
        If the engine's package is not installed.
    """
    for option, value, known in (
        ("engine", engine, EngineChoice),
        ("precision", precision, PrecisionChoice),
        ("device", device, DeviceChoice),
    ):
        if value not in list(known):
            raise InputError(f"got {option} {value!r}, expected one of {', '.join(known)}")
    if threads is not None and threads < 1:
        raise InputError(f"got {threads} threads, expected 1 or more")
    specs = specs_of(bundle)
    asked = [
        spec
        for spec in specs
        if engine in ("auto", spec.name)
        and device in ("auto", spec.device)
        and precision in ("auto", *spec.precisions_of(bundle))
    ]
    if not asked:
        raise InputError(
            f"got engine {engine}, device {device} and precision {precision}: the "
            f"{bundle.manifest.graph_title} of bundle {bundle.name} runs in "
            f"{' or '.join(_words(spec, bundle) for spec in specs)}; choose among these, or omit "
            "them"
        )
    bundle.front_end.require_kinematics(kinematics, bundle.manifest.signal, bundle.name)

    def opened(spec: EngineSpec) -> Engine:
        chosen = choose_precision(bundle, precision, device=spec.device)
        found = spec.open(Request(bundle, chosen, threads, kinematics, say))
        return found if spec.device == "cpu" else ResilientEngine(found, on_cpu, say)

    def on_cpu() -> Engine:
        return opened(next(spec for spec in specs if spec.device == "cpu"))

    *others, last = asked
    given_up = set()
    for spec in others:
        chosen = choose_precision(bundle, precision, device=spec.device)
        if spec.device in given_up or not spec.is_at_hand(bundle, chosen):
            continue
        try:
            return opened(spec)
        except DlrsdError as error:
            if spec.device == last.device:
                raise
            given_up.add(spec.device)
            say(f"the GPU is not used: {error}")
    return opened(last)


def _words(spec: EngineSpec, bundle: Bundle) -> str:
    return f"{spec.name} on {spec.device} ({', '.join(spec.precisions_of(bundle))})"


def choose_precision(bundle: Bundle, precision: str, *, device: str) -> str:
    """The precision that "auto" stands for on a device; any other is itself."""
    if precision != "auto":
        return precision
    fast = "fp16" if device == "cuda" else "fp32"
    if bundle.has(GRAPH_FILES[fast]) and _agreement(bundle, fast) >= _AGREEMENT:
        return fast
    present = [name for name, file in GRAPH_FILES.items() if bundle.has(file)]
    return present[0] if present else "fp32"


def _agreement(bundle: Bundle, precision: str) -> float:
    """Share of labels as in fp32; older bundles state it against the trained model only."""
    found = bundle.manifest.parity.of(precision)
    if found is None:
        return 0.0
    return found.label_agreement if found.fp32_agreement is None else found.fp32_agreement
