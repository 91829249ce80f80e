"""What a window is called that is unfit for diagnosis, and where it stops being fit."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from math import inf
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct, structs, to_builtins

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Count
from dlrsd.runtime.dsp.quality.cells import BANDS

Quality = Literal[
    "ok",
    "gap",
    "clipped",
    "flat",
    "non_finite",
    "level",
    "stuck",
    "replayed",
    "dropout",
    "spike",
    "offset",
    "drift",
    "hum",
    "coarse",
    "gain",
    "spectrum",
]
QUALITY: tuple[Quality, ...] = get_args(Quality)
(
    OK,
    GAP,
    CLIPPED,
    FLAT,
    NON_FINITE,
    LEVEL,
    STUCK,
    REPLAYED,
    DROPOUT,
    SPIKE,
    OFFSET,
    DRIFT,
    HUM,
    COARSE,
    GAIN,
    SPECTRUM,
) = range(len(QUALITY))

# Flags of what a machine may do itself; all others say that the measurement is at fault.
SYMPTOMS = (LEVEL, SPECTRUM)
LOUDEST = 4.0  # beyond the highest level by more than this factor no machine is thought of
QUIET_MARGIN = 4.0  # below the quietest trained windows by so much is unfit
ANY = 1e30  # as a limit: there is none
_Level = Annotated[float, Meta(ge=0, le=1e30)]
_Signed = Annotated[float, Meta(ge=-1e30, le=1e30)]


class ChannelLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fit windows of one channel are like; the defaults bound nothing that needs training.

    Parameters
    ----------
    level_low, level_high : float >= 0
        RMS about the mean.
    offset_low, offset_high : float
        Mean.
    drift : float >= 0
        Range of the means of a window's quarters.
    quiet : float >= 0
        RMS of the differences of neighbouring samples in the quietest 64 samples.
    quiet_share : float >= 0
        The same, in units of the median over the window.
    lone_peak : float > 0
        Largest sample about the mean, in units of the next largest of the 16 on either side.
    hum : float >= 0
        Share of the power in a tone of 50 or 60 Hz, whichever is more.
    equal : float >= 0
        Share of the samples that equal the sample before.
    edge : float >= 0
        Samples in a band at an edge of the distribution over those in the next band.
    flatness : float >= 0
        Spectral flatness of the power in `features.BANDS`: 1 is white noise.
    lines : float >= 0
        Strongest line of the distribution's characteristic function (`levels.missing_levels`).
    spectrum_low, spectrum_high : list of list of float
        Of each class, the range of the ln of the share of the power in each of `features.BANDS`;
        a window whose spectrum lies in no class's ranges is unlike them all.
    """

    level_low: Annotated[_Level, Meta(description="Lowest RMS about the mean.")] = 0.0
    level_high: Annotated[_Level, Meta(description="Highest RMS about the mean.")] = 1e30
    offset_low: Annotated[_Signed, Meta(description="Lowest mean.")] = -1e30
    offset_high: Annotated[_Signed, Meta(description="Highest mean.")] = 1e30
    drift: Annotated[_Level, Meta(description="Largest range of the quarters' means.")] = 1e30
    quiet: Annotated[
        _Level, Meta(description="Lowest RMS of the differences in the quietest 64 samples.")
    ] = 0.0
    quiet_share: Annotated[_Level, Meta(description="The same over the window's median.")] = 0.01
    lone_peak: Annotated[
        _Level, Meta(description="Largest sample over the next largest around it.")
    ] = 8.0
    hum: Annotated[_Level, Meta(description="Largest share of the power at 50 or 60 Hz.")] = 0.9
    equal: Annotated[
        _Level, Meta(description="Largest share of samples that equal the one before.")
    ] = 1.0
    edge: Annotated[_Level, Meta(description="Most samples at an edge over those next to it.")] = (
        6.0
    )
    flatness: Annotated[_Level, Meta(description="Largest spectral flatness.")] = ANY
    lines: Annotated[
        _Level, Meta(description="Strongest line of the distribution: even gaps between levels.")
    ] = ANY
    spectrum_low: Annotated[
        list[list[_Signed]], Meta(description="Of each class: lowest ln of each band's share.")
    ] = []
    spectrum_high: Annotated[list[list[_Signed]], Meta(description="And highest.")] = []

    def __post_init__(self) -> None:
        shapes = [[len(row) for row in rows] for rows in (self.spectrum_low, self.spectrum_high)]
        if shapes[0] != shapes[1] or any(size != len(BANDS) for size in shapes[0]):
            raise InputError(
                f"spectrum_low and spectrum_high have rows of {shapes[0]} and {shapes[1]} bands: "
                f"expected {len(BANDS)} in each, and as many rows in both"
            )


class QualityLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a window stops being fit for diagnosis.

    Parameters
    ----------
    zero_run : int > 0
        Consecutive exact zeros that make a gap. 16 samples are 1.3 ms at 12 kHz.
    clip_run : int > 1
        Samples of one window at its largest (or at its smallest) value that make it clipped.
    stuck_run : int > 1
        Consecutive samples of one value other than zero that make a window stuck.
    replay_run : int >= 0
        Consecutive samples that were there before, bit by bit, that make a window replayed; 0
        looks for none, as where training windows repeat themselves.
    level_low, level_high : float >= 0
        Range of a fit window's RMS about its mean over all channels, in the bundle's unit.
    channels : list of ChannelLimits
        What each channel's training windows were like; one holds for all channels of a stream.
        Empty for a bundle that states none.
    """

    zero_run: Annotated[Count, Meta(description="Consecutive exact zeros that make a gap.")] = 16
    clip_run: Annotated[
        Annotated[int, Meta(ge=2, le=2**31)],
        Meta(description="Samples at an extreme that make a window clipped."),
    ] = 8
    level_low: Annotated[_Level, Meta(description="Lowest RMS of a fit window.")] = 0.01
    level_high: Annotated[_Level, Meta(description="Highest RMS of a fit window.")] = 20.0
    stuck_run: Annotated[
        Annotated[int, Meta(ge=2, le=2**31)],
        Meta(description="Consecutive samples of one value that make a window stuck."),
    ] = 16
    replay_run: Annotated[
        Annotated[int, Meta(ge=0, le=2**31)],
        Meta(description="Consecutive samples repeated exactly that make it replayed; 0: none."),
    ] = 64
    channels: Annotated[
        list[ChannelLimits], Meta(description="What training windows were like, by channel.")
    ] = []

    def __post_init__(self) -> None:
        are_runs = self.zero_run >= 1 and self.clip_run >= 2
        if not (are_runs and 0 <= self.level_low < self.level_high < inf):
            raise InputError(
                f"{self}: expected zero_run >= 1, clip_run >= 2 and 0 <= level_low < level_high"
            )

    def of(self, channel: int) -> ChannelLimits:
        """The limits of one channel of a stream."""
        if not self.channels:
            return ChannelLimits(level_low=self.level_low, level_high=self.level_high)
        return self.channels[channel if len(self.channels) > 1 else 0]

    def asdict(self) -> dict[str, Any]:
        """The limits as a manifest's `quality` table."""
        table: dict[str, Any] = to_builtins(structs.asdict(self))
        return table
