"""The manifest of a bundle whose graph carries a state from window to window."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from dlrsd.runtime.base.formats import Whole
from dlrsd.runtime.bundle.facts import Facts
from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd
from dlrsd.runtime.bundle.parts import (
    BuiltEngine,
    Graph,
    Names,
    Signal,
    Tensor,
    require_different,
)
from dlrsd.runtime.dsp.quality import QualityLimits


class StatefulGraph(Graph, frozen=True, kw_only=True):
    """A graph that takes and returns a state."""

    states: Annotated[
        list[Tensor],
        Meta(
            description="Inputs that are zero at the start of a stream, and then what the output "
            "'next_' + name gave for the window before."
        ),
    ]

    @property
    def input_sizes(self) -> dict[str, list[Any]]:
        return {tensor.name: tensor.sizes for tensor in (*self.inputs, *self.states)}

    def __post_init__(self) -> None:
        require_different("states", [state.name for state in self.states])
        if any("batch" in state.sizes for state in self.states):
            raise ValueError("a state has a free axis beside the first, expected integers there")


class SlowSignal(Signal, frozen=True, kw_only=True):
    """A signal of named channels, samples of which may be missing."""

    channel_names: Annotated[
        Names, Meta(min_length=1, description="Columns, in the order of the graph's channels.")
    ]
    hold: Annotated[
        Whole,
        Meta(
            description="For how many samples a missing value is held; what is missing longer "
            "reaches the graph as NaN."
        ),
    ]

    def __post_init__(self) -> None:
        require_different("channel_names", self.channel_names)
        if len(self.channel_names) != self.channels:
            raise ValueError(
                f"it has {self.channels} channels and names {len(self.channel_names)}, expected "
                "a name for each"
            )


class SequenceManifest(Facts, frozen=True, kw_only=True, tag="sequence"):
    """Of a bundle of slow signals."""

    graph: Annotated[StatefulGraph, Meta(description="Of `diagnoser.onnx`.")]
    signal: Annotated[SlowSignal, Meta(description="What the graph expects.")]

    is_stateful: ClassVar[bool] = True
    graph_title: ClassVar[str] = "sequence"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")
    batches: ClassVar[tuple[int, ...]] = (1,)
    front_end: ClassVar[FrontEnd] = FrontEnd()
    quality: ClassVar[QualityLimits] = QualityLimits()
    synthesis: ClassVar[None] = None
    engines: ClassVar[list[BuiltEngine]] = []
    certainty: ClassVar[None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.front_end.check(self.signal, self.graph.inputs[0].sizes)

    @property
    def channel_names(self) -> tuple[str, ...]:
        return tuple(self.signal.channel_names)

    def fits(self) -> str:
        """For whom the bundle is, in one sentence."""
        return "It fits that plant and its sensors; train on your own for any other."

    def signal_lines(self) -> list[str]:
        """What `info` tells of the signal."""
        signal = self.signal
        window, hop, hold = (
            samples / signal.rate_hz / 3600 for samples in (signal.window, signal.hop, signal.hold)
        )
        return [
            f"signal      {signal.channels} channel(s), a sample every {1 / signal.rate_hz:g} s "
            f"in {signal.unit}, windows of {window:g} h ({signal.window} samples) every {hop:g} h",
            f"channels    {', '.join(signal.channel_names)}",
            f"missing     a value is held for {hold:g} h, then the channel's mean in training "
            "stands for it",
            "state       carried from window to window: "
            + ", ".join(f"{state.name} {state.sizes}" for state in self.graph.states),
        ]

    def quality_lines(self) -> list[str]:
        """What `info` tells of the quality flags: there are none but gaps."""
        return []
