"""A bundle: the folder that export writes and the runtime reads, a manifest beside ONNX files.

`manifest` has what must hold in it. Every file is verified against its SHA-256 when it is opened,
not before, so that loading stays cheap.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.manifest import check_manifest
from dlrsd.runtime.dsp.order_map import ORDERS, OrderMapConfig
from dlrsd.runtime.dsp.quality import QualityLimits
from dlrsd.runtime.streams.stream import SignalSpec

SHIPPED = Path(__file__).parent / "ready"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        The content of its ``manifest.json``, checked by `load_bundle`.
    """

    path: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest["classes"])

    @property
    def channels(self) -> int:
        """Channels of one window; a bundle of one channel diagnoses each channel on its own."""
        return int(self.manifest["signal"]["channels"])

    @property
    def window(self) -> int:
        """Samples per window."""
        return int(self.manifest["signal"]["window"])

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return int(self.manifest["signal"]["hop"])

    @property
    def rate_hz(self) -> float:
        return float(self.manifest["signal"]["rate_hz"])

    @property
    def unit(self) -> str:
        return str(self.manifest["signal"]["unit"])

    @property
    def is_sequence(self) -> bool:
        """Whether the graph carries a state from window to window."""
        return self.manifest["kind"] == "sequence"

    @cached_property
    def order_map(self) -> OrderMapConfig | None:
        """What fixes the order maps that the graph takes in place of windows; None: windows."""
        facts = self.manifest.get("order_map")
        if facts is None:
            return None
        bands = {name: facts[name] for name in ("n_bands", "f_min_hz", "f_max_hz")}
        return OrderMapConfig(rate_hz=self.rate_hz, window=self.window, **bands)

    @property
    def machines(self) -> list[dict[str, Any]]:
        """The bearings an order map was trained on: ``speed_rpm`` [lowest, highest], and orders."""
        facts = self.manifest.get("order_map")
        return list(facts["machines"]) if facts else []

    @property
    def signal(self) -> SignalSpec:
        """The signal the graph expects, as `open_stream` wants it."""
        one = self.machines[0] if len(self.machines) == 1 else None
        return SignalSpec(
            rate_hz=self.rate_hz,
            unit=self.unit,
            channels=self.channels,
            names=tuple(self.manifest["signal"]["channel_names"]) if self.is_sequence else None,
            orders={name: one[name] for name in ORDERS} if one else None,
        )

    @property
    def quality(self) -> QualityLimits:
        return QualityLimits.from_dict(self.manifest["quality"])

    @cached_property
    def manifest_sha256(self) -> str:
        """Hash of the manifest, which holds the hashes of all else: names the bundle exactly."""
        return _sha256(self.path / "manifest.json")

    def has(self, name: str) -> bool:
        """Whether the manifest lists this file."""
        return name in self.manifest["files"]

    def file(self, name: str) -> Path:
        """Path of one of the bundle's files, verified against the manifest.

        Raises
        ------
        BundleError
            If the manifest does not list it, or it is missing, damaged or outside the bundle.
        """
        if not self.has(name):
            listed = ", ".join(sorted(self.manifest["files"]))
            raise BundleError(
                f"bundle {self.path} has no {name}, only {listed}: export it again with that file"
            )
        path = self.path / name
        if not path.is_file():
            raise BundleError(
                f"bundle {self.path} lacks {name}, which its manifest lists: export or copy it "
                "again"
            )
        if path.resolve().parent != self.path.resolve():
            raise BundleError(
                f"{path} leads out of the bundle to {path.resolve()}: expected a file inside it; "
                "copy the file itself"
            )
        expected = self.manifest["files"][name]["sha256"]
        got = _sha256(path)
        if got != expected:
            raise BundleError(
                f"{path} is damaged: its SHA-256 is {got[:12]}..., the manifest says "
                f"{expected[:12]}...; export or copy the bundle again"
            )
        return path


def load_bundle(bundle: str | Path = "bundle") -> Bundle:
    """Open a bundle by its folder, or one that ships with the package by its name.

    Parameters
    ----------
    bundle : str or Path
        A folder with a ``manifest.json``; where there is no such folder, a name of
        `shipped_bundles`.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        If it is missing, damaged, or of a schema this version does not know.
    """
    path = _locate(bundle)
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"cannot read {path / 'manifest.json'} ({error}): expected the manifest that "
            "`dlrsd-export` writes; export or copy the bundle again"
        ) from error
    check_manifest(manifest, where=path / "manifest.json")
    return Bundle(path=path, manifest=manifest)


def shipped_bundles() -> list[str]:
    """Names of the bundles that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/manifest.json"))


def _locate(bundle: str | Path) -> Path:
    path = Path(bundle)
    if path.is_dir():
        if not (path / "manifest.json").is_file():
            raise BundleError(
                f"folder {path} holds no manifest.json: expected a bundle that `dlrsd-export` wrote"
            )
        return path
    if str(bundle) in shipped_bundles():
        return SHIPPED / str(bundle)
    for aside in path.parent.glob(f".{glob.escape(path.name)}-*.old"):
        raise BundleError(
            f"there is no bundle {str(path)!r}, but {aside}, which an interrupted export was to "
            f"replace: export again, or rename it to {path.name}"
        )
    names = " or ".join(f"`--bundle {name}`" for name in shipped_bundles())
    raise BundleError(
        f"there is no bundle {str(path)!r}: make one with `dlrsd-export --fp16`, or name one with "
        "`--bundle FOLDER`" + (f" or a ready one with {names}" if names else "")
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
