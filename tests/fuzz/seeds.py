"""What damage is done to: small sound recordings of every kind, and small bundles."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from msgspec import structs

from dlrsd.runtime.commissioning.commission import commission
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.evidence.baseline import Level
from dlrsd.runtime.evidence.commissioned import MachineBaseline, write_baseline
from dlrsd.runtime.evidence.limit import Limit
from dlrsd.runtime.evidence.network import NetworkBaseline
from dlrsd.runtime.machine.facts import Iso20816, Load, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.streams.stream import StreamFormat
from tests.runtime.conftest import (
    GRAPHS,
    order_map_manifest,
    sequence_manifest,
    tiny_manifest,
    write_manifest,
)

RATE = 12_000
N = 1500


@cache
def recordings() -> list[tuple[str, bytes]]:
    """Suffix and content of a recording of every kind that is read, in several dialects."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = []
        for write in (_sound, _numpy, _matlab, _hdf5, _tdms, _uff, _text, _parquet, _raw):
            for path in write(Path(folder)):
                made.append((path.suffix, path.read_bytes()))
                path.unlink()
        return made


def _signal() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(2, N)) + np.sin(np.arange(N) / 7)).astype(np.float32)


def _times() -> np.ndarray:
    return np.arange(N) / RATE


def _sound(folder: Path) -> list[Path]:
    import soundfile

    made = []
    for name, subtype in (("x.wav", "FLOAT"), ("y.wav", "PCM_16"), ("x.flac", "PCM_24")):
        soundfile.write(folder / name, _signal().T / 8, RATE, subtype=subtype)
        made.append(folder / name)
    return made


def _numpy(folder: Path) -> list[Path]:
    np.save(folder / "x.npy", _signal())
    np.save(folder / "y.npy", (_signal()[0] * 1000).astype(">i2"))
    return [folder / "x.npy", folder / "y.npy"]


def _matlab(folder: Path) -> list[Path]:
    import scipy.io

    contents = {"t": _times()[:, None], "acc": _signal().T, "fs": float(RATE), "note": "pump"}
    scipy.io.savemat(folder / "x.mat", contents)
    scipy.io.savemat(folder / "y.mat", contents, do_compression=True)
    scipy.io.savemat(folder / "z.mat", {"bearing": {"gs": _signal()[0], "sr": float(RATE)}})
    return [folder / "x.mat", folder / "y.mat", folder / "z.mat"]


def _hdf5(folder: Path) -> list[Path]:
    import h5py

    for name, options in (("x.h5", {}), ("y.h5", {"chunks": (2, 500), "compression": "gzip"})):
        with h5py.File(folder / name, "w") as file:
            item = file.create_dataset("run/acc", data=_signal(), **options)
            item.attrs["sample_rate"] = float(RATE)
            item.attrs["unit"] = "g"
            file["run/time"] = _times()
    return [folder / "x.h5", folder / "y.h5"]


def _tdms(folder: Path) -> list[Path]:
    import nptdms

    properties = {
        "wf_increment": 1 / RATE,
        "wf_start_time": np.datetime64("2026-03-01T08:00:00", "us"),
        "unit_string": "g",
    }
    with nptdms.TdmsWriter(folder / "x.tdms") as file:
        for part in np.split(_signal(), 2, axis=1):
            channels = [
                nptdms.ChannelObject("rec", f"a{i}", x, properties) for i, x in enumerate(part)
            ]
            file.write_segment(channels)
    return [folder / "x.tdms"]


def _uff(folder: Path) -> list[Path]:
    import pyuff

    made = []
    for name, binary, even in (("x.uff", 0, 1), ("y.uff", 1, 0)):
        for i, signal in enumerate(_signal()):
            item = pyuff.prepare_58(
                func_type=1, rsp_node=i, rsp_dir=3, ref_dir=3, ref_node=1, binary=binary,
                data=signal.astype(float), x=_times(), id1=f"a{i}", abscissa_spacing=even,
                num_pts=N, ord_data_type=4, abscissa_spec_data_type=17,
                ordinate_spec_data_type=12, ordinate_axis_units_lab="g", orddenom_spec_data_type=0,
            )  # fmt: skip
            pyuff.UFF(str(folder / name)).write_sets(item, mode="add")
        made.append(folder / name)
    return made


def _text(folder: Path) -> list[Path]:
    t, (a, b) = _times(), _signal()
    stamps = np.datetime64("2026-03-01T08:00:00", "us") + np.rint(t * 1e6).astype("m8[us]")
    forms = {
        "a.csv": [
            "time,a,b",
            *(f"{t:.7f},{a:.5f},{b:.5f}" for t, a, b in zip(t, a, b, strict=True)),
        ],
        "b.csv": ["sep=;", "Zeit [ms];acc (m/s^2)"]
        + [f"{t * 1e3:.5f};{a:.5f}".replace(".", ",") for t, a in zip(t, a, strict=True)],
        "c.csv": ["when,a", *(f"{when}Z,{a:.4f}" for when, a in zip(stamps, a, strict=True))],
        "d.txt": [
            "# Sample rate: 12000 Hz",
            *(f"{a:.5f}\t{b:.5f}" for a, b in zip(a, b, strict=True)),
        ],
        "e.csv": ["Datum;Uhrzeit;acc"]
        + [
            f"01.03.2026;{str(when)[11:]};{a:.4f}".replace(".", ",").replace("01,03,", "01.03.")
            for when, a in zip(stamps, a, strict=True)
        ],
        "f.lvm": [
            *("LabVIEW Measurement", "Writer_Version\t2", "Reader_Version\t2", "Separator\tTab"),
            *("Decimal_Separator\t.", "X_Columns\tOne", "Time_Pref\tRelative", "Date\t2026/03/01"),
            *("Time\t08:00:00.0", "***End_of_Header***", "", "Channels\t1", f"Samples\t{N}"),
            *("Date\t2026/03/01", "Time\t08:00:00.0", "Y_Unit_Label\tg", "X_Dimension\tTime"),
            *(
                "X0\t0.0",
                f"Delta_X\t{1 / RATE:.9f}",
                "***End_of_Header***",
                "X_Value\tacc\tComment",
            ),
            *(f"{t:.7f}\t{a:.5f}" for t, a in zip(t, a, strict=True)),
        ],
    }
    for name, lines in forms.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return [folder / name for name in forms]


def _parquet(folder: Path) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamps = np.datetime64("2026-03-01T08:00:00", "ns") + np.rint(_times() * 1e9).astype("m8[ns]")
    a, b = _signal()
    for name, options in (("x.parquet", {}), ("y.parquet", {"compression": "zstd"})):
        pq.write_table(
            pa.table({"acc": a, "other": b.astype(float), "time": stamps}), folder / name, **options
        )
    return [folder / "x.parquet", folder / "y.parquet"]


def _raw(folder: Path) -> list[Path]:
    _signal().T.tofile(folder / "x.bin")
    return [folder / "x.bin"]


SIDECAR = {
    "dtype": "f32le",
    "rate": 12000,
    "channels": 2,
    "scale": 1.0,
    "unit": "g",
    "start": "2026-03-01T08:00:00Z",
    "speed_rpm": 1750,
    "orders": {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398},
    "tacho": "1,2",
    "load": 2.5,
}


ORDERS_6205 = (3.585, 5.415, 2.357, 0.398)
MACHINE = Machine(
    schema_version=1,
    name="pump",
    shaft=Shaft(speed_rpm=1772),
    teeth=[23],
    load=Load(least=0, most=7.5, unit="kW"),
    iso_20816_3=Iso20816(group=2, mounting="rigid"),
    sensors=[
        Sensor(name="DE", bearing="6205"),
        Sensor(name="FE", channel=1, orders=dict(zip(ORDERS, ORDERS_6205, strict=True))),
    ],
)


def write_machine_folder(folder: Path) -> None:
    """A machine of two sensors, commissioned, and a recording of two seconds: ``x.npy``."""
    samples = np.random.default_rng(0).normal(size=(2, 8 * RATE)).astype(np.float32)
    folder.mkdir()
    np.save(folder / "x.npy", samples)
    form = StreamFormat(rate=RATE, unit="g")
    baseline = _with_network(commission([str(folder / "x.npy")], MACHINE, form, seconds=1.0))
    write_machine(MACHINE, folder)
    write_baseline(baseline, folder)
    np.save(folder / "x.npy", samples[:, : 2 * RATE])


def _with_network(baseline: MachineBaseline) -> MachineBaseline:
    """The same, as if it had been commissioned with a bundle."""
    network = NetworkBaseline(
        bundle="b",
        manifest_sha256="0" * 64,
        classes={"Quiet": 0.9, "Loud": 0.1},
        novelty=Level(1.2, 0.1),
        novelty_limit=Limit(1.8),
        centre=[0.5, -0.5],
        scale=[1.0, 0.2],
        distance_limit=Limit(3.0, 2.0, 5.0),
    )
    sensors = [
        structs.replace(s, speeds=[structs.replace(at, network=network) for at in s.speeds])
        for s in baseline.sensors
    ]
    return structs.replace(baseline, sensors=sensors)


def anchors() -> dict[str, np.ndarray]:
    """Of the three classes of the small bundle with a synthesiser."""
    rng = np.random.default_rng(0)
    made = {}
    for index, direction in enumerate(np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]])):
        made[f"latent/{index}"] = (direction + 0.2 * rng.normal(size=(6, 2))).astype(np.float16)
        made[f"texture/{index}"] = (0.05 * rng.normal(size=(6, 1, 4, 4))).astype(np.float16)
    return made


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@cache
def bomb(size: int = 1 << 30) -> bytes:
    """An archive of a megabyte whose first member unpacks to ``size`` bytes of zeros."""
    file = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f2", "fortran_order": False, "shape": (size // 4, 2)}
    )
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("latent/0.npy", "w") as member,
    ):
        member.write(header.getvalue())
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    return file.getvalue()


def write_bundle(folder: Path, kind: str) -> None:
    """A small bundle of a kind of `BUNDLES`."""
    graphs, manifest = BUNDLES[kind]
    folder.mkdir(parents=True)
    for graph, name in graphs.items():
        shutil.copy(GRAPHS / graph, folder / name)
    if "synthesizer.onnx" in graphs.values():
        (folder / "anchors.npz").write_bytes(npz(anchors()))
    write_manifest(folder, manifest(), lambda manifest: None)


BUNDLES: dict[str, tuple[dict[str, str], Callable[[], dict]]] = {
    "scalogram": (
        {"diagnoser.onnx": "diagnoser.onnx", "synthesizer.onnx": "synthesizer.onnx"},
        tiny_manifest,
    ),
    "order-map": ({"order_map.onnx": "diagnoser.onnx"}, order_map_manifest),
    "sequence": ({"sequence.onnx": "diagnoser.onnx"}, sequence_manifest),
}
