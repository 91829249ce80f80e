"""A bundle in words: what it was trained on, what it fits, and how well it did."""

from __future__ import annotations

from msgspec import structs

from dlrsd.runtime.base.console import shown
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.parts import Agreement, Metrics, Parity, Seal, Training


def info_lines(bundle: Bundle) -> list[str]:
    """What a person should know of a bundle before using it, as lines of text."""
    return [shown(line) for line in _lines(bundle)]


def _lines(bundle: Bundle) -> list[str]:
    facts = bundle.manifest
    return [
        f"bundle      {bundle.name}, made {facts.created} by dlrsd {facts.dlrsd_version}",
        f"trained on  {facts.training.statement}",
        f"            {_training(facts.training)}",
        f"            {facts.fits()}",
        *facts.signal_lines(),
        f"classes     {', '.join(bundle.classes)} (normal: {facts.normal_class})",
        *_counts(facts.training),
        f"measured    {_measured(facts.metrics)}",
        *_rigs(facts.metrics),
        *_parity(facts.parity),
        f"verdict     a class holds with {facts.verdict.hold} of the last {facts.verdict.last} fit "
        "windows",
        *(facts.certainty.lines() if facts.certainty else []),
        *facts.quality_lines(),
        f"seal        {_seal(facts.seal)}",
        f"synthesis   {facts.synthesis.statement if facts.synthesis else 'none'}",
        *(
            f"file        {name}  {file.bytes} bytes  sha256 {file.sha256[:16]}..."
            for name, file in facts.files.items()
        ),
    ]


def _seal(seal: Seal | None) -> str:
    if seal is None:
        return "none, as before bundles were sealed: a change of the manifest would not be found"
    return f"sha256 {seal.sha256[:16]}... of this manifest, which every graph repeats"


def _training(training: Training) -> str:
    facts = {
        "data": training.dataset,
        "task": training.task,
        "protocol": training.protocol,
        "seed": training.seed,
    }
    ratio = training.balance_ratio
    words = [f"{name} {value}" for name, value in facts.items() if value is not None]
    return ", ".join(words + ([f"balance 1:{ratio:g}"] if ratio else []))


def _counts(training: Training) -> list[str]:
    return [
        f"windows     {part}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
        for part, counts in training.window_counts.items()
    ]


def _measured(metrics: Metrics) -> str:
    figures = [
        f"{name.replace('_', ' ')} {value:.4f}"
        for name, value in structs.asdict(metrics).items()
        if isinstance(value, float)
    ]
    protocol = f" (protocol {metrics.protocol})" if metrics.protocol else ""
    protocol += " of simulated machines" if metrics.simulated else ""
    return ", ".join(figures or ["nothing"]) + protocol


def _rigs(metrics: Metrics) -> list[str]:
    return [
        f"            {name}, when left out: accuracy {own.accuracy:.3f} of {own.windows} windows"
        + (f", macro AUROC {own.macro_auroc:.3f}" if own.macro_auroc is not None else "")
        + "; found of "
        + ", ".join(f"{label} {recall:.2f}" for label, recall in own.recall.items())
        for name, own in metrics.rigs.items()
    ]


def _parity(parity: Parity) -> list[str]:
    windows = "?" if parity.windows is None else parity.windows
    return [
        f"parity      {precision}: " + ", ".join(_parity_words(found, windows=windows))
        for precision in parity.precisions
        if (found := parity.of(precision))
    ]


def _parity_words(found: Agreement, *, windows: int | str) -> list[str]:
    words = [
        f"{100 * found.label_agreement:.2f} % of the labels on {windows} windows as in training"
    ]
    if found.fp32_agreement is not None:
        words.append(f"{100 * found.fp32_agreement:.2f} % as in fp32")
    words.append(f"probabilities within {found.max_probability_difference:.1e}")
    if found.accuracy is not None:
        words.append(f"accuracy {found.accuracy:.4f}")
    if found.bytes is not None:
        words.append(f"{found.bytes} bytes")
    return words
