"""WAV and FLAC files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import is_set
from dlrsd.runtime.streams.readers.riff import Finished, read_chunks
from dlrsd.runtime.streams.source import (
    BLOCK,
    Chunk,
    Source,
    Variable,
    reader_library,
    refuse_variable,
    shorter_than_said,
)

_MOST_VALUES = 1 << 22  # of all channels in a block
_FEW = 256  # samples read at once where a file is damaged


def open_sound(path: Path, variable: Variable) -> Source:
    """A sound file: its samples as a fraction of full scale.

    One that was cut, or whose length was never written, is read up to its end.
    """
    refuse_variable(variable, path)
    wave = read_chunks(path)
    soundfile = reader_library("soundfile", path)
    file: Any = path
    if wave.unfinished_at is not None:
        file = Finished(path, wave.unfinished_at)
    sound = soundfile.SoundFile(file)
    if not re.match("PCM|FLOAT|DOUBLE", sound.subtype):
        kind = f"{sound.format} {sound.subtype}"
        sound.close()
        raise InputError(
            f"{path} holds sound of kind {kind}, which does not keep samples as they were "
            f"measured: expected numbers (PCM or float)"
        )

    def close() -> None:
        sound.close()
        if file is not path:
            file.close()

    source = Source(
        iter(()),
        sound.channels,
        rate_hz=float(sound.samplerate),
        start=wave.start if wave.start and is_set(wave.start) else None,
        n_samples=sound.frames,
        close=close,
    )
    source.chunks = _chunks(soundfile, sound, file, source, path)
    # libsndfile mends the lengths of a cut file silently; only its log tells.
    if wave.unfinished_at is not None:
        source.warnings.append(f"{path} was never finished, and states no length: read to its end")
    elif re.search(r"^data : .*should be", sound.extra_info, re.MULTILINE):
        source.warnings.append(shorter_than_said(path))
    return source


def _chunks(soundfile: Any, sound: Any, file: Any, source: Source, path: Path) -> Iterator[Chunk]:
    at, step = 0, min(BLOCK, max(_FEW, _MOST_VALUES // sound.channels))
    try:
        while len(block := _read(sound, step)):
            yield Chunk(block.T)
            at += len(block)
        return
    except soundfile.SoundFileError as error:
        damage = error
    # What stands before the damage is found in small steps.
    with soundfile.SoundFile(file) as again:
        if at:
            again.seek(at)
        blocks = list(_good_blocks(soundfile, again))
    at += sum(map(len, blocks))
    if not at:
        raise InputError(f"{path} is damaged: {damage} at its first sample") from damage
    source.warnings.append(
        f"{path} was cut, or is damaged, at sample {at} of {source.n_samples}: read up to there"
    )
    if blocks:
        yield Chunk(np.concatenate(blocks).T)


def _good_blocks(soundfile: Any, sound: Any) -> Iterator[np.ndarray]:
    try:
        while len(block := _read(sound, _FEW)):
            yield block
    except soundfile.SoundFileError:
        return


def _read(sound: Any, n: int) -> np.ndarray:
    block: np.ndarray = sound.read(n, dtype="float32", always_2d=True)
    return block
