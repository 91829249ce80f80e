"""WAV and FLAC files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dlrsd.runtime.streams.source import (
    BLOCK,
    Chunk,
    Source,
    Variable,
    reader_library,
    refuse_variable,
    shorter_than_said,
)


def open_sound(path: Path, variable: Variable) -> Source:
    """A sound file: its samples as a fraction of full scale."""
    refuse_variable(variable, path)
    sound = reader_library("soundfile", path).SoundFile(path)

    def chunks() -> Iterator[Chunk]:
        while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
            yield Chunk(block.T)

    source = Source(
        chunks(),
        sound.channels,
        rate_hz=float(sound.samplerate),
        n_samples=sound.frames,
        close=sound.close,
    )
    # libsndfile mends the lengths of a cut file silently; only its log tells.
    if re.search(r"^data : .*should be", sound.extra_info, re.MULTILINE):
        source.warnings.append(shorter_than_said(path))
    return source
