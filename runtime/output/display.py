"""What a person sees of a running diagnosis: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, TextIO

from dlrsd.runtime.bundle.kinematics import orders_text
from dlrsd.runtime.diagnosis.verdict import UNDECIDED
from dlrsd.runtime.diagnosis.windows import Diagnosis

_REFRESH_SECONDS = 0.25
# What to look for where most windows are unfit for one reason.
_REMEDIES = {
    "gap": "samples are missing, or zeros stand for them: check the connection",
    "clipped": "the signal exceeds the range of sensor or recorder: choose a larger one",
    "flat": "the signal does not move: check the sensor and its supply",
    "non_finite": "it holds NaN or infinities: check dtype and scale",
    "level": "far from the level trained on: check unit, scale, dtype and sensitivity",
}


class Display(Protocol):
    """Shows the header, the verdicts as they change, and the summary."""

    def start(self, header: Mapping[str, Any]) -> None: ...
    def update(self, diagnosis: Diagnosis) -> None: ...
    def finish(self, summary: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


def open_display(file: TextIO) -> Display:
    """The display that suits ``file``: a live table if it is a terminal, else plain lines."""
    return _Table(file) if file.isatty() else _Lines(file)


def opening_lines(header: Mapping[str, Any]) -> list[str]:
    """What is diagnosed by what, from the header record."""
    stream, bundle = header["stream"], header["bundle"]
    source = "standard input" if stream["source"] == "-" else stream["source"]
    assumed, rate = dict(stream.get("assumed", {})), f"at {header['rate_hz']:g} Hz"
    if "kind" in header:
        step, rate = clock(header["hop"] / header["rate_hz"]), clock(1 / header["rate_hz"])
        assumed |= {"rate": f"a sample every {rate}"} if "rate" in assumed else {}
        rate = f"every {rate}, a step every {step},"
    lines = [
        f"{source}: {plural(header['channels'], 'channel')} {rate} in {header['unit']}",
        f"bundle {bundle['name']} of {bundle['created']}: {header['engine']} "
        f"{header['engine_version']} on {header['device']}, {header['precision']}",
    ]
    if machine := header.get("kinematics"):
        lines.append(f"shaft at {machine['speed_rpm']:g} rpm, orders {orders_text(machine)}")
        assumed |= {"orders": "of the bearing trained on"} if "orders" in assumed else {}
    if assumed:
        facts = ", ".join(f"{fact} {value}" for fact, value in assumed.items())
        lines.insert(1, f"assumed as the bundle has it, for nothing states it: {facts}")
    return lines + [f"warning: {warning}" for warning in stream.get("warnings", [])]


def verdict_line(verdict: Mapping[str, Any], *, is_slow: bool = False) -> str:
    """One sentence on one channel, or on all together where they are slow ones of a sequence;
    from the summary's ``verdicts``."""
    words = [f"{_whose(verdict, is_slow)}{verdict['label']}"]
    if verdict["share"] is not None:
        words.append(
            f"since {_when(verdict, 'since', is_slow)} ({percent(verdict['share'])} of the fit "
            f"windows since then, mean probability {verdict['probability']:.3f})"
        )
    if verdict["note"]:
        words.append(f"[{verdict['note']}]")
    if verdict["unfit_share"]:
        words.append(f"- {percent(verdict['unfit_share'])} of all windows unfit for diagnosis")
    return " ".join(words)


def _whose(record: Mapping[str, Any], is_slow: bool) -> str:
    return "" if is_slow else f"channel {record['channel']}: "


def closing_lines(summary: Mapping[str, Any]) -> list[str]:
    """Verdicts and totals, from the summary record."""
    unfit = [
        f"{count} {flag}" for flag, count in summary["quality"].items() if count and flag != "ok"
    ]
    is_slow = "samples" in summary
    lines = [verdict_line(verdict, is_slow=is_slow) for verdict in summary["verdicts"]]
    lines.append(
        f"{plural(summary['windows'], 'window')} in {_length(summary)} of signal, "
        f"diagnosed in {summary['elapsed_s']:.1f} s ({summary['times_real_time']:.0f} times real "
        f"time); {', '.join(unfit) + ' of ' if unfit else 'no unfit among '}"
        f"{plural(summary['records'], 'diagnosis', 'diagnoses')}"
    )
    lines += [
        f"warning: most windows are unfit, {flag}: {remedy}"
        for flag, remedy in _REMEDIES.items()
        if summary["quality"][flag] > summary["records"] / 2 and summary["windows"] > 1
    ]
    if is_slow:
        share = summary["missing_samples"] / max(1, summary["samples"])
        lines.append(
            f"{summary['missing_samples']} of {plural(summary['samples'], 'sample')} "
            f"({percent(share)}) were not measured"
        )
    lines += [f"warning: {warning}" for warning in summary["warnings"]]
    if summary["interrupted"]:
        lines.append("interrupted: the stream goes on")
    return lines


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def clock(seconds: float) -> str:
    """A long time as "0:15:00" or "2 days, 6:00:00"."""
    return str(timedelta(seconds=round(seconds)))


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


class _Lines:
    """A line for every change of a verdict."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def start(self, header: Mapping[str, Any]) -> None:
        self._print(opening_lines(header))

    def update(self, diagnosis: Diagnosis) -> None:
        slow = "kind" in diagnosis.header
        self._print(
            [
                f"{_when(change, 'decided', slow)}  {_whose(change, slow)}{change['label']}"
                + ("" if change["label"] == UNDECIDED else f", since {_when(change, 'time', slow)}")
                for change in diagnosis.take_changes()
            ]
        )

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._print(["", *closing_lines(summary)])

    def close(self) -> None:
        pass

    def _print(self, lines: list[str]) -> None:
        if lines:
            print("\n".join(lines), file=self._file, flush=True)


class _Table:
    """A table of the verdicts, drawn anew a few times a second."""

    def __init__(self, file: TextIO) -> None:
        # Rich is imported here, for it would delay the first diagnosis where no one looks on.
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=file, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._drawn = 0.0

    def start(self, header: Mapping[str, Any]) -> None:
        for line in opening_lines(header):
            self._console.print(line, markup=False)
        self._live.start()

    def update(self, diagnosis: Diagnosis) -> None:
        diagnosis.take_changes()
        now = time.monotonic()
        if now - self._drawn < _REFRESH_SECONDS:
            return
        self._drawn = now
        self._live.update(_draw(diagnosis.summary()), refresh=True)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._live.update(_draw(summary), refresh=True)
        self._live.stop()
        for line in closing_lines(summary):
            self._console.print(line, markup=False)

    def close(self) -> None:
        self._live.stop()


def _draw(state: Mapping[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        caption=f"{_length(state)} of signal, {state['windows']} windows, "
        f"{state['times_real_time']:.0f} times real time"
    )
    for column in ("channel", "verdict", "since", "share", "probability", "novel", "unfit", ""):
        table.add_column(column)
    for verdict in state["verdicts"]:
        decided = verdict["share"] is not None
        cells = [
            str(verdict["channel"]),
            verdict["label"],
            _when(verdict, "since", "samples" in state) if decided else "",
            percent(verdict["share"]) if decided else "",
            f"{verdict['probability']:.3f}" if decided else "",
            percent(verdict["novel_share"] or 0.0),
            percent(verdict["unfit_share"] or 0.0),
            verdict["note"] or "",
        ]
        table.add_row(*map(Text, cells))
    return table


def _length(summary: Mapping[str, Any]) -> str:
    seconds = summary["signal_s"]
    return clock(seconds) if "samples" in summary else f"{seconds:.1f} s"


def _when(record: Mapping[str, Any], key: str, is_slow: bool) -> str:
    """Time of day where it is known, else the time from the start of the stream."""
    seconds = record[f"{key}_s"]
    return record.get(key) or (clock(seconds) if is_slow else f"{seconds:.3f} s")
