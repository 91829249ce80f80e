"""The scalogram as a front end: the graph contains it and takes windows as they are."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from dlrsd.runtime.base.formats import Count, Positive
from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd
from dlrsd.runtime.bundle.parts import Signal
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

_Level = Annotated[float, Meta(ge=-1e30, le=1e30)]


class Scalogram(FrontEnd, frozen=True, kw_only=True, tag="scalogram"):
    """Complex Morlet magnitudes averaged over time blocks, log(x + eps), standardised."""

    n_frequencies: Annotated[Count, Meta(description="Rows, log-spaced.")]
    n_blocks: Annotated[Count, Meta(description="Columns, blocks of time.")]
    f_min_hz: Annotated[Positive, Meta(description="Frequency of the first row.")]
    f_max_hz: Annotated[Positive, Meta(description="Frequency of the last row.")]
    bandwidth: Annotated[Positive, Meta(description="B of the wavelet cmorB-C.")]
    center: Annotated[Positive, Meta(description="C of the wavelet cmorB-C.")]
    eps: Annotated[Positive, Meta(description="Under the logarithm.")]
    mean: Annotated[list[_Level], Meta(description="Of every row in training.")]
    std: Annotated[list[Positive], Meta(description="Of every row in training.")]

    can_synthesize: ClassVar[bool] = True

    def config(self, signal: Signal) -> ScalogramConfig:
        """What fixes the scalogram before it is standardised."""
        return ScalogramConfig(
            rate_hz=signal.rate_hz,
            window=signal.window,
            n_frequencies=self.n_frequencies,
            n_blocks=self.n_blocks,
            f_min_hz=self.f_min_hz,
            f_max_hz=self.f_max_hz,
            bandwidth=self.bandwidth,
            center=self.center,
        )

    def heatmap_shape(self, signal: Signal) -> tuple[int, ...]:
        return signal.channels, self.n_frequencies, self.n_blocks

    def check(self, signal: Signal, graph_shape: list[Any]) -> None:
        super().check(signal, graph_shape)
        if not len(self.mean) == len(self.std) == self.n_frequencies:
            raise ValueError(
                f"contradictions: the scalogram has {self.n_frequencies} rows, {len(self.mean)} "
                f"means and {len(self.std)} deviations"
            )
