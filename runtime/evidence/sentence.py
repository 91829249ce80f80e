"""A finding in the words of a vibration engineer."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from dlrsd.runtime.base.numbers import plain
from dlrsd.runtime.dsp.shaft_speed import ShaftSpeed
from dlrsd.runtime.evidence.lines import Line, seen

_WORDS = {
    "outer": ("outer race", "BPFO"),
    "inner": ("inner race", "BPFI"),
    "ball": ("ball", "2xBSF"),
    "cage": ("cage", "FTF"),
    "shaft": ("shaft", "shaft"),
    "gear": ("gear", "mesh"),
}
_SYMBOLS = {"bpfo": "BPFO", "bpfi": "BPFI", "2bsf": "2xBSF", "ftf": "FTF"}


def sentence_of(verdict: str, lines: Sequence[Line], speed: ShaftSpeed, reason: str | None) -> str:
    """For example "outer race: BPFO 1x to 5x at 107.3 Hz, 14 dB over the floor, no sidebands"."""
    if verdict == "undecided":
        return f"undecided: {reason}"
    if verdict == "healthy":
        said = _healthy(lines, speed)
    elif verdict == "ball" and reason and not seen(lines, "ball"):
        said = "ball: " + _comb(lines, "cage")
    else:
        said = f"{_WORDS[verdict][0]}: " + _comb(lines, verdict)
    return said + (f" ({reason})" if reason else "")


def _comb(lines: Sequence[Line], place: str) -> str:
    own = [line for line in lines if line.place == place]
    harmonics = [line for line in own if not line.is_sideband]
    standing = seen(lines, place)
    main = [line for line in harmonics if line in standing]
    main = main or [max(harmonics, key=lambda line: line.level_db)]
    numbers = [line.name.removesuffix("x").split()[-1] for line in main]
    level = statistics.median(line.level_db for line in main)
    said = (
        f"{_WORDS[place][1]} {_ranges(numbers)} at {plain(harmonics[0].hz)} Hz, {level:.0f} dB "
        "over the floor"
    )
    over = [line.over_baseline_db for line in main if line.over_baseline_db is not None]
    if over:
        said += f" and {statistics.median(over):.0f} dB over its healthy level"
    if sidebands := [line for line in own if line.is_sideband]:
        of = "the cage" if place == "ball" else "the shaft"
        count = sum(line in standing for line in sidebands)
        said += f", sidebands of {of} ({count} of {len(sidebands)})" if count else ", no sidebands"
    return said


def _ranges(numbers: Sequence[str]) -> str:
    """["1", "2", "3", "5"]: "1x to 3x and 5x"."""
    runs: list[list[int]] = []
    for number in sorted({int(n) for n in numbers}):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = []
    for run in runs:
        ends = [run] if len(run) > 2 else [[number] for number in run]
        words += [f"{e[0]}x to {e[-1]}x" if len(e) > 1 else f"{e[0]}x" for e in ends]
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


def _healthy(lines: Sequence[Line], speed: ShaftSpeed) -> str:
    own = [line for line in lines if line.place not in ("shaft", "gear") and line.shaft is None]
    said = f"no line of a bearing fault stands out at {plain(60 * speed.hz)} rpm"
    if not own:
        return said
    clearest = min(own, key=lambda line: line.probability)
    name = _SYMBOLS[clearest.name.split()[0]] + " " + clearest.name.split(" ", 1)[1]
    return (
        f"{said}; the clearest is {name} at {plain(clearest.hz)} Hz, {clearest.level_db:.0f} dB "
        "over the floor"
    )
