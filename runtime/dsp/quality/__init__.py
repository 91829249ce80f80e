"""Is a window fit for diagnosis: one quality code per window and channel.

Most codes say that the measurement is at fault: there is nothing to diagnose. ``spectrum``, and
``level`` where it is too high, may as well be a machine in a worse state than any in training:
such a window is diagnosed, beside its flag, and speaks for no class.

The codes, in the order in which they win when several apply:

non_finite  a NaN or an infinity
gap         missing samples, or a run of exact zeros (what an acquisition writes for samples it
            lost); a window of nothing but zeros is a gap, not flat
flat        no variation: a sensor stuck at a value other than zero
replayed    samples that were there before, bit by bit: a buffer handed out twice
clipped     samples pile up at an edge of their distribution
stuck       a run of one value other than zero
spike       a sample or two stand alone far beyond all around them
hum         a tone of 50 or 60 Hz is most of the signal
dropout     a stretch in which the signal collapses, though it may still carry noise or dither
level       RMS about the mean far outside what the model was trained on: wrong unit, scale,
            sensitivity, or no sensor at all
offset      the mean lies far from what was trained on, or from the stream's own past
drift       the mean moves within the window as it never did in training
coarse      neighbouring samples are equal far more often than in training: few levels; or levels
            are left out at even distances, as by a converter of which a bit is stuck
spectrum    its spectrum lies where that of no training window did, or is flatter than theirs
gain        all of the spectrum is by one factor above or below the stream's own past
ok          none of these
"""

from dlrsd.runtime.dsp.quality.close import CLIP_CONTRAST
from dlrsd.runtime.dsp.quality.judge import (
    StreamQuality,
    is_sound,
    window_quality,
    window_rms,
    worst_of,
)
from dlrsd.runtime.dsp.quality.learn import LEVEL_MARGIN, learned_limits
from dlrsd.runtime.dsp.quality.limits import (
    CLIPPED,
    COARSE,
    DRIFT,
    DROPOUT,
    FLAT,
    GAIN,
    GAP,
    HUM,
    LEVEL,
    NON_FINITE,
    OFFSET,
    OK,
    QUALITY,
    REPLAYED,
    SPECTRUM,
    SPIKE,
    STUCK,
    ChannelLimits,
    Quality,
    QualityLimits,
)

__all__ = [
    "CLIPPED",
    "CLIP_CONTRAST",
    "COARSE",
    "DRIFT",
    "DROPOUT",
    "FLAT",
    "GAIN",
    "GAP",
    "HUM",
    "LEVEL",
    "LEVEL_MARGIN",
    "NON_FINITE",
    "OFFSET",
    "OK",
    "QUALITY",
    "REPLAYED",
    "SPECTRUM",
    "SPIKE",
    "STUCK",
    "ChannelLimits",
    "Quality",
    "QualityLimits",
    "StreamQuality",
    "is_sound",
    "learned_limits",
    "window_quality",
    "window_rms",
    "worst_of",
]
