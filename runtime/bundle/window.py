"""The manifest of a bundle that diagnoses every window on its own."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, ClassVar

from msgspec import Meta

from dlrsd.runtime.bundle.certainty import Certainty
from dlrsd.runtime.bundle.facts import Facts
from dlrsd.runtime.bundle.front_ends import AnyFrontEnd
from dlrsd.runtime.bundle.parts import BuiltEngine, Graph, Signal, Synthesizer
from dlrsd.runtime.dsp.quality import QualityLimits


class WindowManifest(Facts, frozen=True, kw_only=True, tag="window"):
    """Of a bundle of windows of vibration."""

    graph: Annotated[Graph, Meta(description="Of `diagnoser.onnx`.")]
    signal: Annotated[Signal, Meta(description="What the graph expects.")]
    front_end: Annotated[AnyFrontEnd, Meta(description="What stands between windows and network.")]
    quality: Annotated[QualityLimits, Meta(description="Levels are RMS in the signal's unit.")]
    synthesis: Annotated[
        Synthesizer | None, Meta(description="Of new heatmaps; null: the box makes none.")
    ]
    engines: Annotated[list[BuiltEngine], Meta(description="Of TensorRT.")] = []
    certainty: Annotated[
        Certainty | None,
        Meta(description="Sets of classes and operating points; older bundles have none."),
    ] = None

    is_stateful: ClassVar[bool] = False
    channel_names: ClassVar[None] = None  # they are told by their order

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.quality.channels) not in (0, self.signal.channels):
            raise ValueError(
                f"contradictions: quality.channels has {len(self.quality.channels)} entries, "
                f"expected {self.signal.channels}, as many as signal.channels, or none"
            )
        if self.certainty:
            self.certainty.require_classes(len(self.classes))
        self.front_end.check(self.signal, self.graph.inputs[0].sizes)
        if self.synthesis and not self.front_end.can_synthesize:
            raise ValueError(
                f"contradictions: expected synthesis null, for the {self.front_end.title} is no "
                "heatmap that could be made"
            )

    @property
    def precisions(self) -> tuple[str, ...]:
        """Of graphs that there can be."""
        return self.front_end.precisions

    @property
    def batches(self) -> tuple[int, ...]:
        """Windows per call that a benchmark measures unless told otherwise."""
        return self.front_end.batches

    @property
    def graph_title(self) -> str:
        return self.front_end.title

    def fits(self) -> str:
        """For whom the bundle is, in one sentence."""
        return self.front_end.fits(self.training.protocol)

    def signal_lines(self) -> list[str]:
        """What `info` tells of the signal."""
        signal = self.signal
        return [
            f"signal      {signal.channels} channel(s) at {signal.rate_hz:g} Hz in "
            f"{signal.unit}, windows of {signal.window} samples every {signal.hop}",
            *self.front_end.lines(),
        ]

    def quality_lines(self) -> list[str]:
        """What `info` tells of the quality flags."""
        limits = self.quality
        lines = [
            f"quality     RMS {limits.level_low:g} to {limits.level_high:g} {self.signal.unit}, runs "
            f"of {limits.zero_run} zeros or {limits.stuck_run} equal samples, {limits.clip_run} "
            "samples at an extreme"
        ]
        lines += [
            f"            channel {number}: mean {own.offset_low:.3g} to {own.offset_high:.3g}, hum up "
            f"to {100 * min(1, own.hum):.0f} % of the power, spectra of {len(own.spectrum_low)} classes"
            for number, own in enumerate(limits.channels)
        ]
        return lines
