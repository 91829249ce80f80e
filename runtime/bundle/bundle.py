"""A bundle: the folder that export writes and the runtime reads, a manifest beside ONNX files.

`manifest` has what must hold in it. Every file is read once, when it is needed, and verified against
the SHA-256 in the manifest as it was when the bundle was loaded: what is used is what was verified,
and files of two bundles never mix where one replaces the other.
"""

from __future__ import annotations

import glob
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.base.files import read_bounded
from dlrsd.runtime.base.formats import MOST_JSON, FormatError, parse_json
from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd
from dlrsd.runtime.bundle.manifest import Manifest, read_manifest
from dlrsd.runtime.bundle.onnx_file import read_onnx
from dlrsd.runtime.bundle.seal import require_record
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.dsp.quality import QualityLimits
from dlrsd.runtime.streams.stream import SampleStream, SignalSpec

SHIPPED = Path(__file__).parent / "ready"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : WindowManifest or SequenceManifest
        The content of its ``manifest.json``.
    text : bytes
        The same as it was read.
    """

    path: Path
    manifest: Manifest
    text: bytes

    @property
    def name(self) -> str:
        return self.manifest.name

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest.classes)

    @property
    def channels(self) -> int:
        """Channels of one window; a bundle of one channel diagnoses each channel on its own."""
        return self.manifest.signal.channels

    @property
    def window(self) -> int:
        """Samples per window."""
        return self.manifest.signal.window

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return self.manifest.signal.hop

    @property
    def rate_hz(self) -> float:
        return self.manifest.signal.rate_hz

    @property
    def unit(self) -> str:
        return self.manifest.signal.unit

    @property
    def front_end(self) -> FrontEnd:
        """What makes the graph's input of windows, and what it needs for that."""
        return self.manifest.front_end

    @property
    def signal(self) -> SignalSpec:
        """The signal the graph expects, as `open_stream` wants it."""
        return SignalSpec(
            rate_hz=self.rate_hz,
            unit=self.unit if self.front_end.sees_level else None,
            channels=self.channels,
            names=self.manifest.channel_names,
            orders=self.front_end.orders,
        )

    @property
    def quality(self) -> QualityLimits:
        return self.manifest.quality

    def kinematics_of(self, stream: SampleStream) -> Kinematics | None:
        """Speed and orders of a stream's machine, as `open_engine` wants them.

        Parameters
        ----------
        stream : SampleStream
            From `open_stream`, with ``signal`` as its default. A speed far from those trained on,
            and orders that no bearing has, become warnings in its description.

        Returns
        -------
        Kinematics or None
            None for a bundle that needs none, and where nobody states the speed.

        Raises
        ------
        InputError
            If nobody states the orders and the bundle was trained on several bearings.
        """
        return self.front_end.kinematics_of(stream.description, self.name)

    def trained_kinematics(self) -> Kinematics | None:
        """The first machine it was trained on, in the middle of its speeds; None if it needs none."""
        return self.front_end.trained_kinematics()

    @cached_property
    def manifest_sha256(self) -> str:
        """Hash of the manifest, which holds the hashes of all else: names the bundle exactly."""
        return hashlib.sha256(self.text).hexdigest()

    def has(self, name: str) -> bool:
        """Whether the manifest lists this file."""
        return name in self.manifest.files

    def read(self, name: str) -> bytes:
        """Content of one of the bundle's files, read once and verified against the manifest.

        Raises
        ------
        BundleError
            If the manifest does not list it, or it is missing, damaged, of another bundle or
            outside this one.
        """
        if not self.has(name):
            listed = ", ".join(sorted(self.manifest.files))
            raise BundleError(
                f"bundle {self.path} has no {name}, only {listed}: export it again with that file"
            )
        path, stated = self.path / name, self.manifest.files[name]
        if path.resolve().parent != self.path.resolve():
            raise BundleError(
                f"{path} leads out of the bundle to {path.resolve()}: expected a file inside it; "
                "copy the file itself"
            )
        try:
            content = read_bounded(path, most=stated.bytes)
        except FileNotFoundError as error:
            raise BundleError(
                f"bundle {self.path} lacks {name}, which its manifest lists: export or copy it "
                "again"
            ) from error
        except OSError as error:
            raise BundleError(
                f"{path} is damaged or cannot be read ({error.strerror or error}), the manifest "
                f"states {stated.bytes} bytes: export or copy the bundle again"
            ) from error
        got = hashlib.sha256(content).hexdigest()
        if got != stated.sha256:
            raise BundleError(
                f"{path} is damaged, or of another bundle that has taken the place of this one: "
                f"its SHA-256 is {got[:12]}..., the manifest says {stated.sha256[:12]}...; start "
                "again, and if that does not help export or copy the bundle again"
            )
        return content

    def graph(self, name: str) -> bytes:
        """Content of one of the bundle's ONNX files, of which an engine has nothing to fear.

        Raises
        ------
        BundleError
            As `read` does, or if it holds what no graph of a bundle needs, or was made for a
            bundle that says something else.
        """
        content = self.read(name)
        try:
            require_record(read_onnx(content), parse_json(self.text))
        except FormatError as error:
            raise BundleError(
                f"{self.path / name} is refused: {error}; export the bundle again"
            ) from error
        return content


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
    where = path / "manifest.json"
    try:
        text = read_bounded(where, most=MOST_JSON)
    except OSError as error:
        raise BundleError(
            f"cannot read {where} ({error}): expected the manifest that `dlrsd-export` writes; "
            "export or copy the bundle again"
        ) from error
    return Bundle(path=path, manifest=read_manifest(text, where=where), text=text)


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
        if (path / "manifest.json").resolve().parent != path.resolve():
            raise BundleError(
                f"{path / 'manifest.json'} leads out of the bundle: expected a file inside it; copy "
                "the file itself"
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
