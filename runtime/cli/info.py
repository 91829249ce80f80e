"""A bundle in words: what it was trained on, what it fits, and how well it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.kinematics import orders_text
from dlrsd.runtime.dsp.order_map import OrderMapConfig


def info_lines(bundle: Bundle) -> list[str]:
    """What a person should know of a bundle before using it, as lines of text."""
    manifest = bundle.manifest
    signal, training, verdict = manifest["signal"], manifest["training"], manifest["verdict"]
    return [
        f"bundle      {bundle.name}, made {manifest['created']} by dlrsd "
        f"{manifest.get('dlrsd_version', '?')}, schema {manifest['schema_version']}",
        f"trained on  {training['statement']}",
        f"            {_training(training)}",
        f"            {_fits(bundle)}",
        *(_sequence(manifest) if bundle.is_sequence else _signal(signal)),
        *(_front_end(bundle.order_map, bundle.machines) if bundle.order_map else []),
        f"classes     {', '.join(bundle.classes)} (normal: {manifest.get('normal_class')})",
        *_counts(training),
        f"measured    {_measured(manifest['metrics'])}",
        *_parity(manifest["parity"]),
        f"verdict     a class holds with {verdict['hold']} of the last {verdict['last']} fit "
        "windows",
        *([] if bundle.is_sequence else _quality(manifest)),
        *_synthesis(manifest.get("synthesis")),
        *_files(manifest["files"]),
    ]


def _fits(bundle: Bundle) -> str:
    if bundle.order_map is not None:
        by_bearing = bundle.manifest["training"]["protocol"] == "bearing"
        measured = "is measured below" if by_bearing else "was not measured (protocol bearing does)"
        return (
            "It looks for the orders of a bearing: --speed and --orders give another bearing or "
            f"machine; how well it does there {measured}."
        )
    fits = "plant and its sensors" if bundle.is_sequence else "machine and sensor"
    return f"It fits that {fits}; train on your own for any other."


def _front_end(config: OrderMapConfig, machines: list[dict[str, Any]]) -> list[str]:
    bearings = [
        f"{orders_text(machine)} at {' to '.join(_distinct(machine['speed_rpm']))} rpm"
        for machine in machines
    ]
    return [
        f"front end   order map: {config.n_bands} bands from {config.f_min_hz:g} to "
        f"{config.f_max_hz:g} Hz; needs the shaft's speed; trained on bearings "
        + "; ".join(bearings)
    ]


def _distinct(speeds: list[float]) -> list[str]:
    return list(dict.fromkeys(f"{speed:g}" for speed in speeds))


def _signal(signal: dict[str, Any]) -> list[str]:
    return [
        f"signal      {signal['channels']} channel(s) at {signal['rate_hz']:g} Hz in "
        f"{signal['unit']}, windows of {signal['window']} samples every {signal['hop']}"
    ]


def _sequence(manifest: Mapping[str, Any]) -> list[str]:
    signal, states = manifest["signal"], manifest["graph"]["states"]
    hours = {name: signal[name] / signal["rate_hz"] / 3600 for name in ("window", "hop", "hold")}
    return [
        f"signal      {signal['channels']} channel(s), a sample every {1 / signal['rate_hz']:g} s "
        f"in {signal['unit']}, windows of {hours['window']:g} h ({signal['window']} samples) every "
        f"{hours['hop']:g} h",
        f"channels    {', '.join(signal['channel_names'])}",
        f"missing     a value is held for {hours['hold']:g} h, then the channel's mean in training "
        "stands for it",
        "state       carried from window to window: "
        + ", ".join(f"{state['name']} {state['shape'][1:]}" for state in states),
    ]


def _quality(manifest: Mapping[str, Any]) -> list[str]:
    limits = ", ".join(f"{name} {value:g}" for name, value in manifest["quality"].items())
    return [f"quality     {limits} (levels are RMS in {manifest['signal']['unit']})"]


def _training(training: dict[str, Any]) -> str:
    facts = {
        "data": training.get("dataset"),
        "task": training.get("task"),
        "protocol": training.get("protocol"),
        "seed": training.get("seed"),
    }
    ratio = training.get("balance_ratio")
    words = [f"{name} {value}" for name, value in facts.items() if value is not None]
    return ", ".join(words + ([f"balance 1:{ratio:g}"] if ratio else []))


def _counts(training: dict[str, Any]) -> list[str]:
    return [
        f"windows     {part}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
        for part, counts in training["window_counts"].items()
    ]


def _measured(metrics: dict[str, Any]) -> str:
    protocol = metrics.get("protocol")
    figures = [
        f"{name.replace('_', ' ')} {value:.4f}"
        for name, value in metrics.items()
        if isinstance(value, float)
    ]
    return ", ".join(figures or ["nothing"]) + (f" (protocol {protocol})" if protocol else "")


def _parity(parity: dict[str, Any]) -> list[str]:
    return [
        f"parity      {precision}: "
        + ", ".join(_parity_words(facts, windows=parity.get("windows", "?")))
        for precision, facts in parity.items()
        if isinstance(facts, dict)
    ]


def _parity_words(facts: dict[str, Any], *, windows: Any) -> list[str]:
    words = [
        f"{100 * facts['label_agreement']:.2f} % of the labels on {windows} windows as in training",
        f"probabilities within {facts['max_probability_difference']:.1e}",
    ]
    if "fp32_agreement" in facts:
        words.insert(1, f"{100 * facts['fp32_agreement']:.2f} % as in fp32")
    if "accuracy" in facts:
        words.append(f"accuracy {facts['accuracy']:.4f}")
    if "bytes" in facts:
        words.append(f"{facts['bytes']} bytes")
    return words


def _synthesis(synthesis: dict[str, Any] | None) -> list[str]:
    return [f"synthesis   {synthesis['statement'] if synthesis else 'none'}"]


def _files(files: dict[str, Any]) -> list[str]:
    return [
        f"file        {name}  {facts.get('bytes', 0)} bytes  sha256 {facts['sha256'][:16]}..."
        for name, facts in files.items()
    ]
