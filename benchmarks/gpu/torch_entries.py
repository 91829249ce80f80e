"""The measurements on a GPU that need torch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.gpu.common import BATCHES, SECONDS, Figures, Skip, need, seconds
from dlrsd.runtime.bench.windows import synthetic_windows
from dlrsd.runtime.bundle.bundle import Bundle


def torch_graphs(bundle: Bundle) -> tuple[str, Figures]:
    """The fused module in torch, half-precision network, replayed as a CUDA graph."""
    torch = _torch()
    from benchmarks.speed import untrained

    torch.backends.cudnn.allow_tf32 = False  # the front end is to be float32
    model = untrained.diagnoser(bundle, channels=bundle.channels, half=True).cuda()
    rows = [{"batch": batch, **_row(torch, model, bundle, batch)} for batch in BATCHES]
    best = max(row["windows_per_s_on_device"] for row in rows)
    says = f"p99 {rows[0]['p99_us']:.0f} us at batch 1, {best:,.0f} windows/s on the device"
    return says, {"rows": rows}


def paper_training(bundle: Bundle) -> tuple[str, Figures]:
    """A training step of the ``paper`` generator at batch 64, in float32 and in bfloat16."""
    torch = _torch()
    from dlrsd.training.fitting.schedule import GENERATOR
    from dlrsd.training.models.generator import joint_loss, make_generator

    batch = GENERATOR.batch
    figures: Figures = {"batch": batch}
    heatmap = torch.randn(batch, 1, 32, 32, device="cuda")
    label = torch.arange(batch, device="cuda") % len(bundle.classes)
    for name in ("float32", "bfloat16"):
        torch.manual_seed(0)
        torch.cuda.reset_peak_memory_stats()
        model = make_generator("paper", n_classes=len(bundle.classes)).cuda()
        optimiser = torch.optim.AdamW(model.parameters())

        def step(m: Any = model, o: Any = optimiser, kind: str = name) -> None:
            o.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16, enabled=kind == "bfloat16"):
                mse, cross_entropy = joint_loss(m(heatmap), heatmap, label)
            (mse + cross_entropy).backward()
            o.step()

        figures[name] = {
            "step_ms": 1e3 * seconds(torch, step, 10),
            "peak_memory_mb": torch.cuda.max_memory_allocated() / 1e6,
        }
    steps = ", ".join(f"{name} {figures[name]['step_ms']:.0f} ms" for name in list(figures)[1:])
    return f"a step: {steps}", figures


def _torch() -> Any:
    torch = need("torch")
    if not torch.cuda.is_available():
        raise Skip(f"torch {torch.__version__} finds no GPU")
    return torch


def _row(torch: Any, model: Any, bundle: Bundle, batch: int) -> Figures:
    host = torch.from_numpy(synthetic_windows(bundle, batch)).pin_memory()
    x = host.cuda()
    with torch.inference_mode():
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # settles what a capture must not meet
                model(x)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = model(x)
        back = [torch.empty_like(each, device="cpu").pin_memory() for each in outputs]

        def host_to_host() -> None:
            x.copy_(host, non_blocking=True)
            graph.replay()
            for to, each in zip(back, outputs, strict=True):
                to.copy_(each, non_blocking=True)
            torch.cuda.synchronize()

        took = []
        began = time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            start = time.perf_counter()
            host_to_host()
            took.append(time.perf_counter() - start)
        p50, p95, p99 = np.quantile(took, (0.5, 0.95, 0.99)) * 1e6
        replay = seconds(torch, graph.replay)
    return {
        "p50_us": p50, "p95_us": p95, "p99_us": p99, "windows_per_s": batch / np.mean(took),
        "windows_per_s_on_device": batch / replay,
    }  # fmt: skip
