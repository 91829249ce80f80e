"""What ONNX Runtime is asked to load and how its buffers are used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.onnx_buffers import BoundBuffers
from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine
from dlrsd.runtime.engines.onnx_session import open_session
from dlrsd.runtime.engines.opening import open_engine

pytest.importorskip("onnxruntime")


def test_a_graph_of_other_classes_is_refused(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle(change=lambda manifest: manifest["classes"].append("Fourth"))
    with pytest.raises(BundleError, match=r"\(2, 3\).*the manifest says \(2, 4\)"):
        open_engine(load_bundle(folder), device="cpu")


def test_a_graph_without_a_diagnosis_is_refused(make_bundle: Callable[..., Path]) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        manifest["files"]["diagnoser.onnx"] = manifest["files"]["synthesizer.onnx"]

    folder = make_bundle(change=swap)
    (folder / "diagnoser.onnx").write_bytes((folder / "synthesizer.onnx").read_bytes())
    with pytest.raises(BundleError, match="no probabilities, embedding, novelty"):
        open_engine(load_bundle(folder), device="cpu")


def test_a_file_that_is_no_graph_is_refused_in_one_line(
    make_bundle: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        manifest["files"]["diagnoser.onnx"] = manifest["files"]["anchors.npz"]

    folder = make_bundle(change=swap)
    (folder / "diagnoser.onnx").write_bytes((folder / "anchors.npz").read_bytes())
    with pytest.raises(
        BundleError, match=r"diagnoser\.onnx is refused: .*in a file; export"
    ) as caught:
        open_engine(load_bundle(folder), device="cpu")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""  # ONNX Runtime would announce a second try there


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 15, 16, 33, 63, 64, 65, 200, 641])
def test_parts_are_no_larger_than_a_batch_and_keep_their_order(
    threads: int, n: int, make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = OnnxCpuEngine(load_bundle(make_bundle()), precision="fp32", threads=threads)
    sizes: list[int] = []
    run = engine.run_part
    monkeypatch.setattr(engine, "run_part", lambda part: (sizes.append(len(part)), run(part))[1])
    level = np.arange(1, n + 1, dtype=np.float32)
    output = engine.run(np.broadcast_to(level[:, None, None], (n, 1, 64)))
    np.testing.assert_allclose(output.novelty, level / 8, rtol=1e-6)
    if n > 1:
        assert sum(sizes) == n
        assert max(sizes) <= 64
        assert min(sizes[:-1], default=16) >= 16
        assert len(sizes) <= max(1, n // 16)


@pytest.mark.parametrize("shape", [(1, 64), (3, 64)])
def test_buffers_bound_once_serve_batches_of_up_to_their_size(
    shape: tuple[int, int], make_bundle: Callable[..., Path]
) -> None:
    """The buffers of the engine on CUDA, here in the memory of the CPU."""
    bundle = load_bundle(make_bundle(channels=shape[0]))
    session = open_session(bundle, "diagnoser.onnx")
    buffers = BoundBuffers(session, 8, shape, device="cpu", graph_id=-1)
    rng = np.random.default_rng(0)
    for n, dtype in [(8, "f4"), (3, "f4"), (1, "f8"), (8, "f8"), (5, "i2")]:
        # In steps of two, as windows cut from a stream overlap: not contiguous.
        x = (3 * rng.standard_normal((n, *shape[:-1], 2 * shape[-1]))).astype(dtype)[..., ::2]
        got = [part.copy() for part in buffers.run(x)]
        expected = session.run(None, {"waveform": x.astype(np.float32)})
        for name, part in zip(("probabilities", "embedding", "novelty"), got, strict=True):
            index = [output.name for output in session.get_outputs()].index(name)
            np.testing.assert_array_equal(part, expected[index])
