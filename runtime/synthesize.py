"""New heatmaps of a class on the box: latent SMOTE between the bundle's anchors, then filtering.

An anchor is a training window as a latent and a texture, what the decoder leaves out of it. A
weight drawn between the latents of two anchors of a class gives a new one, the bundle's decoder
makes a standardised log scalogram of it and of the first one's texture, and its auxiliary
classifier says what it takes it for. What fails MCF-SMOTE's filter is counted by reason and drawn
again; what is still missing after a bounded number of rounds is topped up by SMOTE.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.bundle import Bundle
from dlrsd.runtime.engine import open_session
from dlrsd.runtime.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.filtering import Thresholds, judge
from dlrsd.runtime.smote import interpolate, smote

_BATCH = 64
_ROUNDS = 10


@dataclass(frozen=True)
class Synthesis:
    """New heatmaps of one class.

    Parameters
    ----------
    heatmaps : float32 array, shape (n, channels, F, T)
        Standardised log scalograms: the decoded ones first, then those that SMOTE made.
    probabilities : float32 array, shape (n, K)
        What the auxiliary classifier takes each for; NaN for those that SMOTE made, which it
        has not seen.
    report : dict
        Counts: ``requested``, ``drawn`` (latents decoded), ``decoded`` (of them kept), ``smote``,
        and ``rejected`` by reason.
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
) -> Synthesis:
    """Make ``count`` heatmaps of a class.

    Parameters
    ----------
    bundle : Bundle
        One with a synthesiser.
    class_name : str
        One of ``bundle.classes``.
    count : int > 0
    seed : int >= 0
        The same seed gives the same heatmaps.
    thresholds : Thresholds, optional
        When a heatmap is good enough.

    Returns
    -------
    Synthesis

    Raises
    ------
    InputError
        If the class is unknown or has a single anchor, or the count is below 1.
    BundleError
        If the bundle has no synthesiser, or a damaged one.
    """
    index = _class_index(bundle, class_name)
    if count < 1:
        raise InputError(f"got a count of {count} heatmaps, expected 1 or more")
    if seed < 0:
        raise InputError(f"got seed {seed}, expected 0 or more")
    latents, textures = _anchors(bundle, class_name, index)
    decode = _Decoder(bundle)
    real, _ = decode(latents, textures)
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.float32]] = []
    posteriors: list[NDArray[np.float32]] = []
    rejected: dict[str, int] = {}
    drawn = n_kept = 0
    for _ in range(_ROUNDS):
        wanted = count - n_kept
        first, between = _between(latents, wanted, rng)
        heatmaps, probabilities = decode(between, textures[first])
        reasons = judge(heatmaps, probabilities[:, index], real, thresholds or Thresholds())
        good = ~np.logical_or.reduce(list(reasons.values()))
        kept.append(heatmaps[good])
        posteriors.append(probabilities[good])
        drawn, n_kept = drawn + wanted, n_kept + int(good.sum())
        for reason, failed in reasons.items():
            rejected[reason] = rejected.get(reason, 0) + int(failed.sum())
        if n_kept == count:
            break
    missing = count - n_kept
    if missing:
        made = smote(np.concatenate([real, *kept]), missing, random_state=seed)
        kept.append(made)
        posteriors.append(np.full((missing, len(bundle.classes)), np.nan, dtype=np.float32))
    report = {
        "class": class_name,
        "requested": count,
        "drawn": drawn,
        "decoded": n_kept,
        "smote": missing,
        "rejected": rejected,
        "anchors": len(latents),
        "seed": seed,
        "bundle": bundle.name,
    }
    return Synthesis(np.concatenate(kept), np.concatenate(posteriors), report)


def describe(synthesis: Synthesis) -> str:
    """The report as one line."""
    report = synthesis.report
    rejected = [f"{count} {reason}" for reason, count in report["rejected"].items() if count]
    return (
        f"{report['requested']} heatmaps of {report['class']} from {report['anchors']} anchors: "
        f"{report['decoded']} kept of {report['drawn']} decoded "
        f"(rejected: {', '.join(rejected) or 'none'}), {report['smote']} by SMOTE"
    )


def save_synthesis(synthesis: Synthesis, bundle: Bundle, output: str | Path) -> Path:
    """Write ``heatmaps``, ``probabilities``, ``classes`` and the ``report`` (JSON) to a ``.npz``.

    Raises
    ------
    InputError
        If the name does not end in ``.npz`` or its folder is missing.
    """
    path = Path(output)
    if path.suffix != ".npz":
        raise InputError(f"cannot write {path}: expected a name that ends in .npz")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            np.savez_compressed(
                file,
                heatmaps=synthesis.heatmaps,
                probabilities=synthesis.probabilities,
                classes=np.array(bundle.classes),
                report=np.array(json.dumps(synthesis.report)),
            )
        unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DlrsdError(
            f"cannot write {path}: {reason}; free the place or choose another"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


class _Decoder:
    """The bundle's synthesiser: latents and textures to heatmaps and class probabilities."""

    def __init__(self, bundle: Bundle) -> None:
        self._session = open_session(bundle, bundle.manifest["synthesis"]["file"])

    def __call__(
        self, latents: NDArray[np.float32], textures: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        outputs = [
            self._session.run(
                ["heatmap", "class_probabilities"],
                {"latent": latents[at : at + _BATCH], "texture": textures[at : at + _BATCH]},
            )
            for at in range(0, len(latents), _BATCH)
        ]
        heatmaps, probabilities = zip(*outputs, strict=True)
        return np.concatenate(heatmaps), np.concatenate(probabilities)


def _class_index(bundle: Bundle, class_name: str) -> int:
    if not bundle.manifest.get("synthesis"):
        raise BundleError(
            f"bundle {bundle.path} has no synthesiser: export it from a run with a generator"
        )
    if class_name not in bundle.classes:
        raise InputError(
            f"bundle {bundle.name} has no class {class_name!r}, only {', '.join(bundle.classes)}"
        )
    return bundle.classes.index(class_name)


def _anchors(
    bundle: Bundle, class_name: str, index: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    path = bundle.file(bundle.manifest["synthesis"]["anchors"])
    with np.load(path, allow_pickle=False) as arrays:
        names = (f"latent/{index}", f"texture/{index}")
        if any(name not in arrays for name in names):
            raise InputError(
                f"bundle {bundle.name} has no anchors of class {class_name!r}: export it from a "
                "run that drew windows of that class"
            )
        latents, textures = (arrays[name].astype(np.float32) for name in names)
    if len(latents) < 2:
        raise InputError(
            f"class {class_name!r} has {len(latents)} anchor in bundle {bundle.name}, expected at "
            "least 2 to interpolate between: train on more windows of that class"
        )
    return latents, textures


def _between(
    latents: NDArray[np.float32], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Random points between random pairs of different anchors, and the first of each pair."""
    first = rng.integers(0, len(latents), count)
    second = (first + rng.integers(1, len(latents), count)) % len(latents)
    return first, interpolate(latents[first], latents[second], rng.random(count))
