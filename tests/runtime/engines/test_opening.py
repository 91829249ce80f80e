"""Which engine is opened, in which precision, and what is said where none can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import BundleError, DlrsdError, InputError
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines import specs
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.opening import choose_precision, open_engine
from dlrsd.runtime.engines.specs import EngineSpec, Request

pytest.importorskip("onnxruntime")
without_gpu = pytest.mark.skipif(count_gpus() > 0, reason="this machine has a GPU")


def test_unknown_choices_are_refused(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    with pytest.raises(InputError, match=r"engine 'torch'.*one of auto, onnxruntime, tensorrt"):
        open_engine(bundle, engine="torch")
    with pytest.raises(InputError, match=r"precision 'fp8'.*one of auto, fp32, fp16, int8"):
        open_engine(bundle, precision="fp8")
    with pytest.raises(InputError, match=r"device 'tpu'.*one of auto, cpu, cuda"):
        open_engine(bundle, device="tpu")
    with pytest.raises(InputError, match="graph of bundle tiny runs in tensorrt on cuda"):
        open_engine(bundle, engine="tensorrt", device="cpu")
    with pytest.raises(BundleError, match=r"has no diagnoser\.fp16\.onnx"):
        open_engine(bundle, precision="fp16")
    with pytest.raises(InputError, match="got 0 threads"):
        open_engine(bundle, threads=0)


@without_gpu
@pytest.mark.parametrize("choice", [{"device": "cuda"}, {"engine": "tensorrt"}])
def test_where_there_is_no_gpu_it_says_so(
    choice: dict[str, str], make_bundle: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=r"no GPU .* or use --device cpu"):
        open_engine(load_bundle(make_bundle()), **choice)


@without_gpu
def test_auto_takes_the_cpu_without_a_word(make_bundle: Callable[..., Path]) -> None:
    said: list[str] = []
    assert open_engine(load_bundle(make_bundle()), say=said.append).device == "cpu"
    assert said == []


@pytest.mark.parametrize(("agreement", "on_gpu"), [(0.996, "fp16"), (0.994, "fp32")])
def test_auto_takes_what_is_verified(
    agreement: float, on_gpu: str, make_bundle: Callable[..., Path], tiny: Any
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        for precision in ("fp16", "int8"):
            file = GRAPH_FILES[precision]
            manifest["files"][file] = manifest["files"]["diagnoser.onnx"]
            manifest["parity"][precision] = {
                "label_agreement": 1.0,
                "max_probability_difference": 0.0,
                "fp32_agreement": agreement,
            }

    folder = make_bundle(change=change)
    (folder / "diagnoser.int8.onnx").write_bytes((folder / "diagnoser.onnx").read_bytes())
    bundle = load_bundle(folder)
    engine = open_engine(bundle, device="cpu")
    assert engine.precision == "fp32"
    assert open_engine(bundle, device="cpu", precision="int8").precision == "int8"
    tiny.assert_equal(engine.run(tiny.windows(3)), tiny.by_hand(tiny.windows(3)))
    assert choose_precision(bundle, "auto", device="cuda") == on_gpu


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Request]]:
    """Put an engine on a GPU before the others: an open function stands for it."""

    def put(open_on_gpu: Callable[[Request], Any], *, at_hand: bool = True) -> list[Request]:
        requests: list[Request] = []

        def record(request: Request) -> Any:
            requests.append(request)
            return open_on_gpu(request)

        gpu = EngineSpec(
            "onnxruntime", "cuda", ("fp32", "fp16"), record, lambda bundle, precision: at_hand
        )
        monkeypatch.setattr(specs, "SPECS", (gpu, specs.SPECS[-2]))
        return requests

    return put


def refuse(request: Request) -> Any:
    raise InputError("its driver is too old")


def test_auto_takes_a_gpu_that_is_at_hand(
    bundle: Bundle, with_gpu: Any, tiny: Any, failing_gpu: Any
) -> None:
    gpu = failing_gpu(batch=4, fits=4, calls=2)
    with_gpu(lambda request: gpu)
    engine = open_engine(bundle)
    assert (engine.device, engine.batch) == ("cuda", 4)
    x = tiny.windows(20)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))  # also after the GPU is lost
    assert engine.device == "cpu"


def test_auto_goes_on_without_a_gpu_that_fails_and_says_so(bundle: Bundle, with_gpu: Any) -> None:
    said: list[str] = []
    requests = with_gpu(refuse)
    assert open_engine(bundle, say=said.append).device == "cpu"
    assert said == ["the GPU is not used: its driver is too old"]
    assert [request.precision for request in requests] == ["fp32"]
    with pytest.raises(DlrsdError, match="its driver is too old"):
        open_engine(bundle, device="cuda", say=said.append)
    assert len(said) == 1


def test_what_is_not_at_hand_is_not_tried_unasked(bundle: Bundle, with_gpu: Any) -> None:
    requests = with_gpu(refuse, at_hand=False)
    assert open_engine(bundle).device == "cpu"
    assert requests == []
    with pytest.raises(DlrsdError, match="its driver is too old"):
        open_engine(bundle, device="cuda")


@pytest.mark.parametrize(
    ("make", "names"),
    [
        ("make_bundle", ["tensorrt on cuda", "onnxruntime on cuda", "onnxruntime on cpu"]),
        ("make_order_map", ["onnxruntime on cpu"]),
        ("make_sequence", ["onnxruntime on cpu"]),
    ],
)
def test_an_engine_serves_what_it_can_feed(
    make: str, names: list[str], request: pytest.FixtureRequest
) -> None:
    opened = load_bundle(request.getfixturevalue(make)())
    found = specs.specs_of(opened)
    assert [f"{spec.name} on {spec.device}" for spec in found] == names
    assert {spec.is_stateful for spec in found} == {opened.manifest.is_stateful}
    for spec in found:
        assert ("int8" in spec.precisions_of(opened)) == (
            make == "make_bundle" and spec.name != "tensorrt"
        )
    assert replace(found[-1], makes_inputs=False).serves(opened) != opened.front_end.is_on_host
