"""Which TensorRT engine this machine loads: the bundle's, one kept here before, or a new one.

An engine fits one version of TensorRT and the GPUs it was built for. Where the bundle's does not
fit, one is built from the bundle's ONNX graph and kept in the user's cache; the bundle is never
written to.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from dlrsd.runtime.base.caches import cache_folder
from dlrsd.runtime.base.errors import BundleError, DlrsdError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.parts import BuiltEngine, Profile
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.tensorrt_build import PROFILE, build, write_cached
from dlrsd.runtime.engines.tensorrt_package import device_capability, tensorrt_package

_DIGEST = hashlib.sha256().digest_size
_SECONDS_BETWEEN_LINES = 10.0


class Machine(NamedTuple):
    """What an engine must fit: the package with its version, the GPU's compute capability."""

    package: str
    version: str
    capability: int


def this_machine() -> Machine:
    """The package that serves this machine's GPU.

    Raises
    ------
    ExtraMissingError, InputError
        If CuPy, a GPU or such a package is missing.
    """
    capability = device_capability()
    trt = tensorrt_package(capability)
    return Machine(trt.__name__, trt.__version__, capability)


def misfit(entry: BuiltEngine, machine: Machine, *, graph_sha256: str) -> str:
    """Why an engine of the manifest cannot run on a machine.

    Parameters
    ----------
    entry : BuiltEngine
        Of the manifest's ``engines``.
    machine : Machine
    graph_sha256 : str
        Of the bundle's ONNX graph in the engine's precision.

    Returns
    -------
    str
        Empty if nothing speaks against it.
    """
    if entry.graph_sha256 != graph_sha256:
        return "it was built from another graph"
    if (entry.package, entry.version) != (machine.package, machine.version):
        return (
            f"it is of {entry.package} {entry.version}, here is {machine.package} {machine.version}"
        )
    if f"sm{machine.capability}" not in entry.targets:
        return f"it is for {', '.join(entry.targets)}, this GPU is sm{machine.capability}"
    return ""


def find(bundle: Bundle, precision: str, machine: Machine) -> tuple[list[bytes], str]:
    """Serialised engines that should fit: the bundle's, then the one in the cache.

    Parameters
    ----------
    bundle : Bundle
    precision : {"fp32", "fp16"}
    machine : Machine

    Returns
    -------
    plans : list of bytes
    why : str
        Why the bundle's is not among them.
    """
    plans = []
    graph = _graph_sha256(bundle, precision)
    why = f"the bundle has no {precision} engine"
    for entry in bundle.manifest.engines:
        if entry.precision != precision:
            continue
        reason = misfit(entry, machine, graph_sha256=graph)
        if reason:
            why = f"{entry.file} does not fit: {reason}"
            continue
        try:
            plans.append(bundle.read(entry.file))
            why = ""
        except BundleError as error:
            why = str(error)
    kept = _read(engine_file(bundle, precision, machine))
    return plans + ([] if kept is None else [kept]), why


def rebuild(
    bundle: Bundle, precision: str, machine: Machine, *, why: str, say: Callable[[str], None]
) -> bytes:
    """Build an engine for a machine from the bundle's ONNX graph, and keep it in the cache.

    Parameters
    ----------
    bundle : Bundle
    precision : {"fp32", "fp16"}
    machine : Machine
    why : str
        Said together with what is done.
    say : function
        Takes the lines that tell what is done, how far it is and how long it took.

    Returns
    -------
    bytes

    Raises
    ------
    BundleError, ParityError
        As `build` does.
    """
    trt = tensorrt_package(machine.capability)
    name = GRAPH_FILES[precision]
    graph = bundle.graph(name)
    say(f"{why}: building an engine for sm{machine.capability} from {name}")
    started = spoken = time.monotonic()

    def progress(share: float) -> None:
        nonlocal spoken
        if time.monotonic() - spoken > _SECONDS_BETWEEN_LINES:
            spoken = time.monotonic()
            say(f"building the engine: {share:.0%} after {spoken - started:.0f} s")

    plan = build(
        trt,
        graph,
        name=name,
        precision=precision,
        shape=(bundle.channels, bundle.window),
        profile=profile_of(bundle),
        targets=(machine.capability,) if machine.package == "tensorrt_rtx" else (),
        timing_cache=timing_cache_file(machine),
        progress=progress,
    )
    took = f"engine of {len(plan) / 1e6:.1f} MB built in {time.monotonic() - started:.1f} s"
    path = engine_file(bundle, precision, machine)
    try:
        write_cached(path, hashlib.sha256(plan).digest() + plan)
        say(f"{took}, kept as {path}")
    except OSError as error:
        say(f"{took}, but not kept ({path}: {error.strerror or error}): it will be built again")
    return plan


def has_engine(bundle: Bundle, precision: str) -> bool:
    """Whether an engine is at hand; no where this machine lacks anything to run it.

    One of the bundle counts even if it does not fit: the bundle means to run in TensorRT, and
    opening it builds one that does.
    """
    try:
        machine = this_machine()
    except DlrsdError:
        return False
    listed = any(entry.precision == precision for entry in bundle.manifest.engines)
    return listed or bool(find(bundle, precision, machine)[0])


def profile_of(bundle: Bundle) -> Profile:
    """Windows per call that engines of a bundle are built for."""
    return bundle.manifest.graph.profile or PROFILE


def engine_file(bundle: Bundle, precision: str, machine: Machine) -> Path:
    """Place in the cache, named by all that the engine depends on."""
    shape, profile = [bundle.channels, bundle.window], structs.asdict(profile_of(bundle))
    depends = [_graph_sha256(bundle, precision), *machine, shape, profile]
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "engines" / f"{key}.engine"


def timing_cache_file(machine: Machine) -> Path:
    """Place of the timings that builds of the package ``tensorrt`` share."""
    name = f"{machine.package}-{machine.version}-sm{machine.capability}.timing"
    return cache_folder() / "engines" / name


def _graph_sha256(bundle: Bundle, precision: str) -> str:
    facts = bundle.manifest.files.get(GRAPH_FILES[precision])
    return facts.sha256 if facts else ""


def _read(path: Path) -> bytes | None:
    """What `rebuild` kept, or None where that is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, plan = content[:_DIGEST], content[_DIGEST:]
    return plan if hashlib.sha256(plan).digest() == digest else None
