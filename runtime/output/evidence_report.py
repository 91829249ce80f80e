"""How the evidence of a recording reads: a sentence a channel, and the lines behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from dlrsd.runtime.evidence.examine import Examined
from dlrsd.runtime.evidence.finding import Finding
from dlrsd.runtime.evidence.lines import SIGNIFICANT, Line
from dlrsd.runtime.evidence.sentence import HEALTHY_MEANS
from dlrsd.runtime.output.display import REMEDIES

_PLACES = ("outer", "inner", "ball", "cage", "shaft", "gear")
_MOST_LINES = 14


def show_findings(
    findings: Sequence[Finding], description: dict[str, Any], *, seconds: float, console: Console
) -> None:
    """Print them for a person."""
    count = description["channels"]
    unit = f" in {description['unit']}" if description["unit"] else ""
    console.print(
        f"{description['source']}: {count} channel{'s' * (count > 1)} at "
        f"{description['rate_hz']:g} Hz{unit}",
        highlight=False,
        markup=False,
    )
    for warning in description["warnings"]:
        console.print(f"warning: {warning}", highlight=False, markup=False)
    for finding in findings:
        console.print()
        _show(finding, seconds, console)
    if any(finding.verdict == "healthy" for finding in findings):
        console.print(f"\n{HEALTHY_MEANS}.")


def _show(finding: Finding, seconds: float, console: Console) -> None:
    whose = finding.name or f"channel {finding.channel}"
    console.print(f"{whose}: {finding.sentence}", highlight=False, markup=False)
    total = sum(finding.windows.values())
    said = ", ".join(f"{place} {n}" for place, n in sorted(finding.windows.items()))
    console.print(
        f"{total} window{'s' * (total != 1)} of {seconds:g} s: {said or 'none'}", highlight=False
    )
    for flag, count in finding.unfit.items():
        if 2 * count > total:
            console.print(f"most windows are flagged {flag}: {REMEDIES[flag]}", highlight=False)
    shown = lines_shown(finding)
    if not shown:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("line")
    for name in ("order", "Hz", "dB over floor", "by chance"):
        table.add_column(name, justify="right")
    table.add_column("to healthy" if _has_baseline(shown) else "remark")
    for line in shown:
        table.add_row(
            line.name,
            f"{line.order:.3f}",
            f"{line.hz:.2f}",
            f"{line.level_db:.1f}",
            f"{line.probability:.1g}" if line.probability < 0.1 else "-",
            _remark(line),
        )
    console.print(table)


def lines_shown(finding: Finding) -> list[Line]:
    """The lines that a person wants to see: those of the place, or all that stand out."""
    if finding.verdict in _PLACES:
        own = [line for line in finding.lines if line.place == finding.verdict]
    else:
        own = [line for line in finding.lines if line.probability < SIGNIFICANT]
    return own[:_MOST_LINES]


def _has_baseline(lines: Sequence[Line]) -> bool:
    return any(line.over_baseline_db is not None for line in lines)


def _remark(line: Line) -> str:
    if line.shaft is not None:
        return f"is shaft {line.shaft}x"
    if line.over_baseline_db is not None:
        return f"{line.over_baseline_db:+.1f} dB"
    return ""


def finding_json(examined: Examined, description: dict[str, Any]) -> dict[str, Any]:
    """One object: the finding that stands for the machine, and beside it that of every channel."""
    channels = [msgspec.to_builtins(finding) for finding in examined.findings]
    stream = {name: description[name] for name in ("source", "rate_hz", "unit", "warnings")}
    is_healthy = any(finding.verdict == "healthy" for finding in examined.findings)
    means = {"note": HEALTHY_MEANS} if is_healthy else {}
    return {**channels[examined.first], **means, "stream": stream, "channels": channels}
