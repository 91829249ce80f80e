"""New heatmaps of a class on the box, by the method that the bundle's synthesiser was trained with.

DLRSD-SMOTE splices anchors (``splices.py``), Deep SMOTE puts pairs of them together (``pairs.py``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.arrays import read_arrays
from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.base.files import require_place, write_atomic
from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.base.hardware import device_error
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.parts import Synthesizer
from dlrsd.runtime.synthesis.decoder import Decoder, synthesis_of
from dlrsd.runtime.synthesis.filtering import Thresholds
from dlrsd.runtime.synthesis.pairs import from_pairs
from dlrsd.runtime.synthesis.splices import from_splices


class _Method(NamedTuple):
    """What an anchor consists of, what is drawn, and what makes heatmaps of anchors."""

    parts: tuple[str, ...]
    drawn: str
    make: Callable[..., tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]]


_METHODS = {
    "dlrsd-smote": _Method(("latent", "texture"), "decoded", from_splices),
    "mansourifar-deep-smote": _Method(("heatmap",), "pairs", from_pairs),
}


_MOST_BYTES = 2**30  # all heatmaps are in memory before the first is written
_MOST_ANCHORS = 2**15  # each is held against each: seconds, where a million would take days


@dataclass(frozen=True)
class Synthesis:
    """New heatmaps of one class.

    Parameters
    ----------
    heatmaps : array, shape (n, channels, F, T), float32
        Standardised log scalograms: the decoded ones first, then those that SMOTE made.
    probabilities : array, shape (n, K), float32
        What the auxiliary classifier takes each for; NaN for those that SMOTE made, which it
        has not seen, and for all of Deep SMOTE, which has none.
    report : dict
        ``method``, and counts: ``requested``, ``drawn`` (latents decoded, or pairs put together),
        ``decoded`` (of them kept), ``smote``, and ``rejected`` by reason.
    """

    heatmaps: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    report: dict[str, Any]


def synthesize(
    bundle: Bundle,
    class_name: str,
    count: int,
    *,
    seed: int = 0,
    thresholds: Thresholds | None = None,
    device: str = "cpu",
    threads: int | None = None,
    on_kept: Callable[[int], object] | None = None,
) -> Synthesis:
    """Make ``count`` heatmaps of a class.

    Parameters
    ----------
    bundle : Bundle
        One with a synthesiser.
    class_name : str
        One of ``bundle.classes``.
    count : int > 0
        They fill at most 1 GiB.
    seed : int >= 0
        The same seed gives the same heatmaps.
    thresholds : Thresholds, optional
        When a heatmap is good enough.
    device : {"cpu", "cuda"}
    threads : int > 0, optional
        CPU threads that decode; by default one per core this process may use.
    on_kept : callable, optional
        Told from time to time how many are made.

    Returns
    -------
    Synthesis

    Raises
    ------
    InputError
        If the class is unknown or has a single anchor, the count is below 1 or too large, or the
        device cannot be used here.
    ExtraMissingError
        If ONNX Runtime, or CuPy for a GPU, is not installed.
    BundleError
        If the bundle has no synthesiser, or a damaged one.
    DeviceMemoryError, DeviceLostError
        If the GPU has too little memory, or is gone.
    """
    stated = synthesis_of(bundle)
    index = _class_index(bundle, class_name)
    size = 4 * math.prod(bundle.front_end.heatmap_shape(bundle.manifest.signal))
    if not 1 <= count <= _MOST_BYTES // size:
        raise InputError(
            f"got a count of {count} heatmaps, expected 1 to {_MOST_BYTES // size}, which fill "
            "1 GiB: make more in several files, each with a seed of its own"
        )
    if seed < 0:
        raise InputError(f"got seed {seed}, expected 0 or more")
    decode = Decoder(bundle, device=device, threads=threads)
    anchors = _anchors(bundle, class_name, index, stated)
    told = on_kept or (lambda kept: None)
    with _gpu_errors(device):
        heatmaps, probabilities, counts = _METHODS[stated.method].make(
            decode,
            anchors,
            index,
            count,
            seed=seed,
            thresholds=thresholds or Thresholds(),
            on_kept=told,
        )
    told(count)
    report = {
        "class": class_name,
        "method": stated.method,
        "requested": count,
        **counts,
        "anchors": len(anchors[0]),
        "seed": seed,
        "bundle": bundle.name,
    }
    return Synthesis(heatmaps, probabilities, report)


def describe(synthesis: Synthesis) -> str:
    """The report as one line."""
    report = synthesis.report
    rejected = [f"{count} {reason}" for reason, count in report["rejected"].items() if count]
    return (
        f"{report['requested']} heatmaps of {report['class']} from {report['anchors']} anchors: "
        f"{report['decoded']} kept of {report['drawn']} {_METHODS[report['method']].drawn} "
        f"(rejected: {', '.join(rejected) or 'none'}), {report['smote']} by SMOTE"
    )


def save_synthesis(synthesis: Synthesis, bundle: Bundle, output: str | Path) -> Path:
    """Write ``heatmaps``, ``probabilities``, ``classes`` and the ``report`` (JSON) to a ``.npz``.

    Raises
    ------
    InputError
        If the name does not end in ``.npz``, its folder is missing, or a folder is there.
    DlrsdError
        If it cannot be written.
    """
    path = check_output(output, overwrite=True)
    try:
        with write_atomic(path) as file:
            np.savez_compressed(
                file,
                heatmaps=synthesis.heatmaps,
                probabilities=synthesis.probabilities,
                classes=np.array(bundle.classes),
                report=np.array(json.dumps(synthesis.report)),
            )
    except OSError as error:
        reason = error.strerror or str(error)
        raise DlrsdError(
            f"cannot write {path}: {reason}; free the place or choose another"
        ) from error
    return path


def check_output(output: str | Path, *, overwrite: bool) -> Path:
    """The path, if `save_synthesis` takes it: worth asking before the work is done."""
    path = Path(output)
    if path.suffix != ".npz":
        raise InputError(f"cannot write {path}: expected a name that ends in .npz")
    require_place(path, overwrite=overwrite)
    return path


@contextmanager
def _gpu_errors(device: str) -> Iterator[None]:
    """Errors of the GPU, whichever library meets them, as ours."""
    try:
        yield
    except DlrsdError:
        raise
    except Exception as error:
        known = device_error(error) if device == "cuda" else None
        if known is None:
            raise
        raise known from error


def _class_index(bundle: Bundle, class_name: str) -> int:
    if class_name not in bundle.classes:
        raise InputError(
            f"bundle {bundle.name} has no class {class_name!r}, only {', '.join(bundle.classes)}"
        )
    return bundle.classes.index(class_name)


def _anchors(
    bundle: Bundle, class_name: str, index: int, stated: Synthesizer
) -> list[NDArray[np.float32]]:
    names = [f"{part}/{index}" for part in _METHODS[stated.method].parts]
    try:
        stored = read_arrays(bundle.read(stated.anchors), names)
        with np.errstate(over="ignore"):
            arrays = {name: array.astype(np.float32) for name, array in stored.items()}
        if len(arrays) == len(names):
            _require_anchors(bundle, arrays)
    except FormatError as error:
        raise BundleError(
            f"{bundle.path / stated.anchors} is refused: {error}; export the bundle again"
        ) from error
    if len(arrays) < len(names):
        raise InputError(
            f"bundle {bundle.name} has no anchors of class {class_name!r}: export it from a "
            "run that drew windows of that class"
        )
    anchors = [arrays[name] for name in names]
    if len(anchors[0]) < 2:
        raise InputError(
            f"class {class_name!r} has {len(anchors[0])} anchor in bundle {bundle.name}, expected "
            "at least 2 to interpolate between: train on more windows of that class"
        )
    return anchors


def _require_anchors(bundle: Bundle, arrays: dict[str, NDArray[np.float32]]) -> None:
    """Raise a `FormatError` unless these are as many of each, finite, of the bundle's size."""
    heatmap = bundle.front_end.heatmap_shape(bundle.manifest.signal)
    counts = {array.shape[:1] for array in arrays.values()}
    if len(counts) > 1 or () in counts:
        raise FormatError(f"anchors of the lengths {counts}, expected as many of each")
    if (most := max(counts)[0]) > _MOST_ANCHORS:
        raise FormatError(f"{most} anchors of a class, expected at most {_MOST_ANCHORS}")
    for name, array in arrays.items():
        if not name.startswith("latent/") and array.shape[1:] != heatmap:
            raise FormatError(f"{name} are of shape {array.shape[1:]}, expected {heatmap}")
        if not np.isfinite(array).all():
            raise FormatError(f"{name} are not all finite numbers")
