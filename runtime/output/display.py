"""What a person sees of a running diagnosis: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any, Protocol, TextIO, cast

from dlrsd.runtime.bundle.kinematics import orders_text
from dlrsd.runtime.diagnosis.diagnose import KINDS
from dlrsd.runtime.diagnosis.kind import Kind
from dlrsd.runtime.diagnosis.records import Change, Header, Summary, Verdict
from dlrsd.runtime.diagnosis.verdict import UNDECIDED
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.output.aside import Aside

_REFRESH_SECONDS = 0.25
# What to look for where most windows are flagged for one reason.
REMEDIES = {
    "gap": "samples are missing, or zeros stand for them: check the connection",
    "clipped": "the signal exceeds the range of sensor or recorder: choose a larger one",
    "flat": "the signal does not move: check the sensor and its supply",
    "non_finite": "it holds NaN or infinities: check dtype and scale",
    "level": "far from the level trained on: check unit, scale, dtype and sensitivity; where it "
    "is too high the machine, too, for a severe fault raises it",
    "stuck": "one value is repeated: check the sensor, its cable and the recorder",
    "replayed": "samples are repeated: check the recorder's buffers and the transfer",
    "dropout": "the signal collapses: check cable and connectors; all of it, from the start: "
    "check unit and scale",
    "spike": "single samples stand out: check cable, earthing and the recorder's range",
    "offset": "the mean has moved: check the sensor's supply and coupling; from the start: "
    "check unit and scale, too, and the machine for a strong slow vibration, as of an imbalance",
    "drift": "the mean moves: check the sensor's supply, coupling and temperature, and the machine "
    "for a strong slow vibration, as of an imbalance",
    "hum": "it is mostly mains hum: check cable, earthing and whether a sensor is connected",
    "coarse": "few levels are used, or some never: check range, scale, dtype and the converter",
    "gain": "its level has changed by one factor: check sensitivity and amplifier",
    "spectrum": "no training data had such a spectrum: check the machine (a severe "
    "fault changes it, too), the sensor, its mounting and the rate",
}


class Display(Protocol):
    """Shows the header, the verdicts as they change, and the summary."""

    def note(self, text: str) -> None: ...
    def start(self, header: Header) -> None: ...
    def update(self, diagnosis: Diagnosis) -> None: ...
    def finish(self, summary: Summary) -> None: ...
    def close(self) -> None: ...


def open_display(file: TextIO, *, beside_records: bool = False) -> Display:
    """The display that suits ``file``: a live table if it is a terminal, else plain lines.

    Where it is ``beside_records`` a file that blocks, is closed or full ends what is shown and
    nothing else.
    """
    shown = cast(TextIO, Aside(file)) if beside_records else file
    return _Table(shown) if file.isatty() else _Lines(shown)


def opening_lines(header: Header) -> list[str]:
    """What is diagnosed by what, from the header record."""
    stream, bundle, kind = header.stream, header.bundle, KINDS[header.kind]
    source = "standard input" if stream["source"] == "-" else stream["source"]
    assumed = {fact: value for fact, value in stream["assumed"].items() if value is not None}
    if "rate" in assumed:
        assumed["rate"] = kind.assumed_rate(header)
    lines = [
        f"{source}: {_plural(header.channels, 'channel')} {kind.pace(header)} in {header.unit}",
        f"bundle {bundle.name} of {bundle.created}: {header.engine} "
        f"{header.engine_version} on {header.device}, {header.precision}",
    ]
    if machine := header.kinematics:
        orders = orders_text(vars(machine))
        lines.append(f"shaft at {machine.speed_rpm:g} rpm, orders {orders}")
        assumed |= {"orders": "of the bearing trained on"} if "orders" in assumed else {}
    if (point := header.risk) and header.certainty:
        lines.append(
            f"at a risk of {point.risk:g}: no label below a probability of {point.limit:.4f} "
            f"({header.certainty.judged_by})"
        )
    if assumed:
        facts = ", ".join(f"{fact} {value}" for fact, value in assumed.items())
        lines.insert(1, f"assumed as the bundle has it, for nothing states it: {facts}")
    return lines + [f"warning: {warning}" for warning in stream["warnings"]]


def verdict_lines(verdict: Verdict, kind: Kind) -> list[str]:
    """A sentence on a channel, and one of what its lines say where that is known."""
    words = [f"{kind.whose(verdict.channel)}{verdict.label}"]
    if verdict.share is not None:
        words.append(
            f"since {_since(verdict, kind)} ({_percent(verdict.share)} of the windows "
            f"diagnosed since then, mean probability {verdict.probability:.3f})"
        )
    if verdict.reason:
        words.append(f"[{verdict.reason}]")
    if verdict.unfit_share:
        words.append(f"- {_percent(verdict.unfit_share)} of all windows unfit for diagnosis")
    if verdict.classes is not None and verdict.classes != [verdict.label]:
        words.append(f"- may be {' or '.join(verdict.classes) or 'none of the classes'}")
    said = [" ".join(words)]
    if verdict.evidence:
        said.append(f"{kind.whose(verdict.channel)}by its lines {verdict.evidence}")
    return said


def closing_lines(summary: Summary, kind: Kind) -> list[str]:
    """Verdicts and totals, from the summary record."""
    unfit = [f"{count} {flag}" for flag, count in summary.quality.items() if count and flag != "ok"]
    lines = [line for verdict in summary.verdicts for line in verdict_lines(verdict, kind)]
    if any(verdict.place == "healthy" for verdict in summary.verdicts):
        from dlrsd.runtime.evidence.sentence import HEALTHY_MEANS

        lines.append(f"by its lines {HEALTHY_MEANS}")
    lines.append(
        f"{_plural(summary.windows, 'window')} in {kind.length(summary.signal_s)} of signal, "
        f"diagnosed in {summary.elapsed_s:.1f} s ({summary.times_real_time:.0f} times real "
        f"time); {', '.join(unfit) + ' of ' if unfit else 'no unfit among '}"
        f"{_plural(summary.records, 'diagnosis', 'diagnoses')}"
    )
    if summary.unsure is not None:
        lines.append(
            f"{summary.unsure} of {_plural(summary.records, 'diagnosis', 'diagnoses')} not sure "
            "enough for the risk"
        )
    lines += [
        f"warning: most windows are flagged {flag}: {remedy}"
        for flag, remedy in REMEDIES.items()
        if summary.quality.get(flag, 0) > summary.records / 2 and summary.windows > 1
    ]
    lines += kind.totals(summary)
    lines += [f"warning: {warning}" for warning in summary.warnings]
    if summary.interrupted:
        lines.append("interrupted: the stream goes on")
    return lines


class _Lines:
    """A line for every change of a verdict."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._kind = Kind()

    def start(self, header: Header) -> None:
        self._kind = KINDS[header.kind]
        self._print(opening_lines(header))

    def update(self, diagnosis: Diagnosis) -> None:
        self._print([self._changed(*change) for change in diagnosis.take_changes()])

    def finish(self, summary: Summary) -> None:
        self._print(["", *closing_lines(summary, self._kind)])

    def note(self, text: str) -> None:
        self._print([text])

    def close(self) -> None:
        _let_go(self._file)

    def _changed(self, channel: int, change: Change) -> str:
        kind = self._kind
        line = (
            f"{change.decided or kind.moment(change.decided_s)}  "
            f"{kind.whose(channel)}{change.label}"
        )
        if change.label == UNDECIDED:
            return line
        return f"{line}, since {change.time or kind.moment(change.time_s)}"

    def _print(self, lines: list[str]) -> None:
        if lines:
            print("\n".join(lines), file=self._file, flush=True)


class _Table:
    """A table of the verdicts, drawn anew a few times a second."""

    def __init__(self, file: TextIO) -> None:
        # Rich is imported here, for it would delay the first diagnosis where no one looks on.
        from rich.console import Console
        from rich.live import Live

        self._file = file
        self._console = Console(file=file, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._drawn = 0.0
        self._kind = Kind()

    def start(self, header: Header) -> None:
        self._kind = KINDS[header.kind]
        for line in opening_lines(header):
            self._console.print(line, markup=False)
        self._live.start()

    def update(self, diagnosis: Diagnosis) -> None:
        diagnosis.take_changes()
        now = time.monotonic()
        if now - self._drawn < _REFRESH_SECONDS:
            return
        self._drawn = now
        self._live.update(_draw(diagnosis.summary(), self._kind), refresh=True)

    def finish(self, summary: Summary) -> None:
        self._live.update(_draw(summary, self._kind), refresh=True)
        self._live.stop()
        for line in closing_lines(summary, self._kind):
            self._console.print(line, markup=False)

    def note(self, text: str) -> None:
        self._console.print(text, markup=False)

    def close(self) -> None:
        self._live.stop()
        _let_go(self._file)


def _let_go(file: object) -> None:
    if isinstance(file, Aside):
        file.close()


def _draw(state: Summary, kind: Kind) -> Any:
    # Imported here as in `_Table`.
    from rich.table import Table
    from rich.text import Text

    table = Table(
        caption=f"{kind.length(state.signal_s)} of signal, {state.windows} windows, "
        f"{state.times_real_time:.0f} times real time"
    )
    for column in ("channel", "verdict", "since", "share", "probability", "novel", "unfit", ""):
        table.add_column(column)
    for verdict in state.verdicts:
        decided = verdict.share is not None
        cells = [
            str(verdict.channel),
            verdict.label,
            _since(verdict, kind) if decided else "",
            _percent(verdict.share or 0.0) if decided else "",
            f"{verdict.probability:.3f}" if decided else "",
            _percent(verdict.novel_share or 0.0),
            _percent(verdict.unfit_share or 0.0),
            verdict.reason or "",
        ]
        table.add_row(*map(Text, cells))
    return table


def _since(verdict: Verdict, kind: Kind) -> str:
    """Time of day where it is known, else the time from the start of the stream."""
    return verdict.since or kind.moment(verdict.since_s or 0.0)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
