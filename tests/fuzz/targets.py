"""What is done with damaged input: exactly what the box does with it, through the Python API.

A target writes damaged files into an empty folder and uses them. It ends in order, or with a
`DlrsdError`; everything else that it raises is a finding.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.diagnosis.diagnose import diagnose
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.evidence.asking import asked_of
from dlrsd.runtime.evidence.commissioned import read_baseline
from dlrsd.runtime.evidence.examine import examine
from dlrsd.runtime.machine.file import read_machine
from dlrsd.runtime.output.evidence_report import finding_json
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream
from dlrsd.runtime.synthesis.synthesize import synthesize
from tests.fuzz import seeds
from tests.fuzz.mutation import mutated, mutated_json, mutated_numbers, mutated_toml

_SPEC = SignalSpec(rate_hz=1000.0, unit="g", channels=1)
_MOST_SAMPLES = 20_000_000  # what a file of 100 kB can hold is far less


def recording(folder: Path, rng: random.Random) -> None:
    """A damaged recording, read to its end."""
    _read(_write_recording(folder, rng))


def diagnosed(folder: Path, rng: random.Random) -> None:
    """A damaged recording, diagnosed."""
    path = _write_recording(folder, rng)
    _diagnose(load_bundle(_sound_bundle("scalogram")), path)


def sidecar(folder: Path, rng: random.Random) -> None:
    """A sound recording with a damaged sidecar."""
    path = folder / "x.bin"
    path.write_bytes(dict(seeds.recordings())[".bin"])
    text = json.dumps(seeds.SIDECAR).encode()
    damaged = mutated(text, rng) if rng.random() < 0.4 else mutated_json(seeds.SIDECAR, rng)
    Path(f"{path}.json").write_bytes(damaged)
    _read(path)


def manifest(folder: Path, rng: random.Random) -> None:
    """A bundle with a damaged manifest."""
    kind = rng.choice(list(seeds.BUNDLES))
    bundle = folder / "bundle"
    shutil.copytree(_sound_bundle(kind), bundle)
    path = bundle / "manifest.json"
    text = path.read_bytes()
    damaged = mutated(text, rng) if rng.random() < 0.4 else mutated_json(json.loads(text), rng)
    path.write_bytes(damaged)
    if damaged != text:
        _use(bundle, folder)


def graph(folder: Path, rng: random.Random) -> None:
    """A bundle whose graph is damaged, and whose manifest has the damaged graph's hash."""
    kind = rng.choice(list(seeds.BUNDLES))
    bundle = folder / "bundle"
    shutil.copytree(_sound_bundle(kind), bundle)
    path = rng.choice(sorted(bundle.glob("*.onnx")))
    path.write_bytes(mutated(path.read_bytes(), rng, _graphs()))
    _reseal(bundle)
    _use(bundle, folder)


def anchors(folder: Path, rng: random.Random) -> None:
    """A bundle with damaged anchors, and whose manifest has their hash."""
    bundle = folder / "bundle"
    shutil.copytree(_sound_bundle("scalogram"), bundle)
    (bundle / "anchors.npz").write_bytes(_damaged_anchors(rng))
    _reseal(bundle)
    opened = load_bundle(bundle)
    synthesize(opened, rng.choice(opened.classes), 3, seed=0)


def machine(folder: Path, rng: random.Random) -> None:
    """The facts on a machine, damaged."""
    shutil.copytree(_sound_machine(), folder, dirs_exist_ok=True)
    path = folder / "machine.toml"
    text = path.read_bytes()
    path.write_bytes(mutated(text, rng) if rng.random() < 0.4 else mutated_toml(text, rng))
    _examine(folder)


def baseline(folder: Path, rng: random.Random) -> None:
    """A machine's baseline, damaged."""
    shutil.copytree(_sound_machine(), folder, dirs_exist_ok=True)
    path = folder / "baseline" / "baseline.json"
    text = path.read_bytes()
    kind = rng.random()
    if kind < 0.3:
        damaged = mutated(text, rng)
    elif kind < 0.6:
        damaged = mutated_json(json.loads(text), rng)
    else:
        damaged = mutated_numbers(text, rng)
    path.write_bytes(damaged)
    _examine(folder)


TARGETS: dict[str, Callable[[Path, random.Random], None]] = {
    target.__name__: target
    for target in (recording, diagnosed, sidecar, manifest, graph, anchors, machine, baseline)
}


def warm_up() -> None:
    """Use sound input of every kind once."""
    folder = Path.cwd() / "warm"
    folder.mkdir()
    for number, (suffix, data) in enumerate(seeds.recordings()):
        path = folder / f"{number}{suffix}"
        path.write_bytes(data)
        with suppress(DlrsdError):
            _read(path)
    for kind in seeds.BUNDLES:
        _use(_sound_bundle(kind), folder)
    _examine(_sound_machine())
    seeds.bomb()
    shutil.rmtree(folder)


def _write_recording(folder: Path, rng: random.Random) -> Path:
    made = seeds.recordings()
    suffix, data = rng.choice(made)
    others = [other for kind, other in made if kind == suffix]
    if rng.random() < 0.97:
        data = mutated(data, rng, others)
    if rng.random() < 0.03:
        suffix = rng.choice(made)[0]
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    if suffix == ".bin" or rng.random() < 0.02:
        Path(f"{path}.json").write_text(json.dumps({"dtype": "f32le", "channels": 2}))
    return path


def _read(path: Path) -> None:
    with open_stream(path, StreamFormat(), default=_SPEC) as stream:
        n = 0
        for chunk in stream:
            n += chunk.samples.size
            assert n < _MOST_SAMPLES, f"{path.stat().st_size} bytes gave {n} samples"


def _diagnose(bundle: Bundle, path: Path) -> None:
    engine = open_engine(bundle, device="cpu", threads=1, kinematics=bundle.trained_kinematics())
    with open_stream(path, default=bundle.signal) as stream:
        for record in islice(diagnose(stream, bundle, engine), 20_000):
            assert record is not None


def _use(bundle: Path, folder: Path) -> None:
    """Diagnose with a bundle, and synthesise where it can."""
    opened = load_bundle(bundle)
    path = folder / "stream.npy"
    channels = min(4, opened.channels)
    samples = np.random.default_rng(0).normal(size=(channels, 9000)).astype(np.float32)
    np.save(path, samples)
    rate = min(opened.rate_hz, 1e6)
    Path(f"{path}.json").write_text(json.dumps({"rate": rate, "unit": opened.unit}))
    engine = open_engine(opened, device="cpu", threads=1, kinematics=opened.trained_kinematics())
    with open_stream(path, default=opened.signal) as stream:
        for _ in islice(diagnose(stream, opened, engine), 2_000):
            pass
    if getattr(opened.manifest, "synthesis", None) is not None:
        synthesize(opened, opened.classes[0], 3, seed=0)


def _examine(folder: Path) -> None:
    """As `evidence --machine` does: hold a recording against the baseline."""
    facts = read_machine(folder)
    with open_stream(folder / "x.npy", StreamFormat(rate=seeds.RATE, unit="g")) as stream:
        own = read_baseline(folder)
        assert own is not None
        asked = asked_of(stream.description, machine=facts, baseline=own)
        examined = examine(stream, asked, seconds=own.seconds)
        said = finding_json(examined, stream.description)
    json.dumps(msgspec.to_builtins(said), allow_nan=False)


def _sound_machine() -> Path:
    """One that is made once for a process, in its working folder."""
    path = Path.cwd() / "sound machine"
    if not path.exists():
        seeds.write_machine_folder(path)
    return path


def _sound_bundle(kind: str) -> Path:
    """One that is made once for a process, in its working folder."""
    path = Path.cwd() / "sound" / kind
    if not path.exists():
        seeds.write_bundle(path, kind)
    return path


def _graphs() -> list[bytes]:
    return [path.read_bytes() for path in sorted(seeds.GRAPHS.glob("*.onnx"))]


def _reseal(bundle: Path) -> None:
    """Let the manifest state the files as they are: a hash is no protection from who writes it."""
    path = bundle / "manifest.json"
    stated = json.loads(path.read_text())
    for name in stated["files"]:
        data = (bundle / name).read_bytes()
        stated["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    path.write_text(json.dumps(stated))


def _damaged_anchors(rng: random.Random) -> bytes:
    arrays = seeds.anchors()
    kind = rng.random()
    if kind < 0.5:
        return mutated(seeds.npz(arrays), rng)
    if kind < 0.51:
        return seeds.bomb()
    name = rng.choice(list(arrays))
    array = arrays[name]
    arrays[name] = rng.choice(
        [
            lambda: array[:0],
            lambda: array[:, :1],
            lambda: array.reshape(-1),
            lambda: array.astype(rng.choice(("f8", "i4", "c16", "?", "U3", "S2", "M8[s]"))),
            lambda: np.full_like(array, rng.choice((np.nan, np.inf, 6e4))),
            lambda: np.asfortranarray(array),
            lambda: np.array([{"a": 1}], dtype=object),
            lambda: np.zeros((), array.dtype),
            lambda: np.zeros((3, 0, 2), array.dtype),
            lambda: np.zeros(4, dtype=[("x", "f2"), ("y", "f2")]),
            lambda: np.tile(array, (rng.choice((2, 500)), *[1] * (array.ndim - 1))),
        ]
    )()
    if rng.random() < 0.3:
        del arrays[rng.choice(list(arrays))]
    if rng.random() < 0.2:
        arrays[rng.choice(("latent/9", "../x", "latent/-1", "", "latent/0/0"))] = array
    return seeds.npz(arrays)
