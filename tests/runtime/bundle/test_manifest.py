"""Manifests: the code and the published schema judge every change of one the same."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle import manifest as manifest_module
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.front_ends import OrderMap, Scalogram
from dlrsd.runtime.bundle.manifest import read_manifest
from dlrsd.runtime.dsp.order_map import OrderMapConfig
from tests.runtime.certainty import stating, tiny_certainty

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads(Path(manifest_module.__file__).with_name("manifest.schema.json").read_text())
JUDGED: dict[tuple[str, str], list[Any]] = {}  # what a definition says of a value, asked for once


def _judge_once(validator: Any, ref: str, instance: Any, schema: Any) -> Iterator[Any]:
    asked = ref, json.dumps(instance)
    if asked not in JUDGED:
        judge = jsonschema.Draft202012Validator.VALIDATORS["$ref"]
        JUDGED[asked] = list(judge(validator, ref, instance, schema))
    yield from JUDGED[asked]


VALIDATOR = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"$ref": _judge_once})(
    SCHEMA
)
WHERE = Path("manifest.json")
Place = tuple[str | int, ...]
MAKERS = ("make_bundle", "make_sequence", "make_order_map")
PROFILE = {"min": 1, "opt": 64, "max": 4096}


@pytest.fixture(params=MAKERS)
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A manifest of each kind and front end that states all it can."""
    make = request.getfixturevalue(request.param)
    facts: dict[str, Any] = json.loads((make() / "manifest.json").read_text())
    facts["training"] |= {"split_note": "halves", "method": "ros", "classifier": "edge"}
    facts["metrics"] |= dict.fromkeys(("macro_recall", "worst_recall", "macro_f1", "g_mean"), 0.5)
    facts["metrics"] |= {"worst_class": "Loud", "n": 7, "simulated": True}
    facts["parity"]["fp16"] = facts["parity"]["fp32"] | {
        "fp32_agreement": 0.5, "accuracy": 0.5, "bytes": 9,
    }  # fmt: skip
    if facts["kind"] == "window":
        stating()(facts)
        facts["graph"]["profile"] = dict(PROFILE)
        facts["engines"] = [
            {
                "file": "a.engine", "precision": "fp32", "package": "tensorrt_rtx",
                "version": "1.7", "targets": ["sm86"], "profile": dict(PROFILE),
                "graph_sha256": "0" * 64,
            }
        ]  # fmt: skip
    return facts


def code_takes(text: str) -> bool:
    try:
        read_manifest(text.encode("utf-8", "surrogatepass"), where=WHERE)
    except BundleError as error:
        assert "manifest.json" in str(error)
        assert "\n" not in str(error)
        return False
    return True


def schema_takes(text: str) -> bool:
    """Whether the text is JSON in UTF-8, which knows no NaN, and fits the schema."""
    try:
        values = json.loads(text, parse_constant=float.fromhex)  # "NaN" is no number there either
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return not any(isinstance(x, float) and x != x for x in leaves(values)) and VALIDATOR.is_valid(
        values
    )


def leaves(values: Any) -> Iterator[Any]:
    inside = values.values() if isinstance(values, dict) else values
    if isinstance(values, (dict, list)):
        for each in inside:
            yield from leaves(each)
    else:
        yield values


def places(values: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a manifest, the whole of it first; of equal neighbours in a list the first."""
    yield at
    if isinstance(values, (dict, list)):
        for key in values if isinstance(values, dict) else range(len(values)):
            if key == 0 or isinstance(key, str) or values[key] != values[key - 1]:
                yield from places(values[key], (*at, key))


def named(place: Place) -> str:
    return ".".join(map(str, place))


# What stands in a place instead, as JSON text.
INSTEAD = [
    "null", "true", "0", "-1", "1", "3", "1.0", "1.5", "1e400", "NaN", "1" + "0" * 30, '""', '"x"',
    '"\\ud800"', '"a/b"', '"x\\n"', "[]", "{}", '["x", "x"]', "[1, 1]", '{"x": 1}',
    "[" * 2000 + "]" * 2000,
]  # fmt: skip


def mutations(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name of a place, and the text of a manifest that was changed there."""
    mark = "@" * 8
    for place in list(places(manifest)):
        if place:
            changed = copy.deepcopy(manifest)
            inside: Any = changed
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = mark
            text = json.dumps(changed)
            for value in INSTEAD:
                yield named(place), text.replace(f'"{mark}"', value)
            if isinstance(inside, dict):
                del inside[place[-1]]
                yield named(place), json.dumps(changed)
            else:
                inside[place[-1] :] = [*inside[place[-1] + 1 :]]
                yield named(place), json.dumps(changed)
        here: Any = copy.deepcopy(manifest)
        changed = here
        for key in place:
            here = here[key]
        if isinstance(here, dict):
            here["unheard\nof"] = 1
            yield named(place), json.dumps(changed)
        elif isinstance(here, list):
            here.append(copy.deepcopy(here[0]) if here else 1)
            yield named(place), json.dumps(changed)


# Where the schema lets a change stand that the code refuses: an entry contradicts another there, or
# the graph, or what a window can tell of a bearing, which JSON Schema cannot say.
CONTRADICTIONS = {
    "graph.inputs.0.shape.1", "graph.inputs.0.shape.2", "signal.channels", "signal.window",
    "verdict.last",
}  # fmt: skip
OF_WINDOWS = CONTRADICTIONS | {
    "graph.profile.max", "engines.0.profile.max", "quality.level_low", "quality.level_high",
    "certainty.groups", "certainty.limits", "certainty.points", "certainty.windows",
    "certainty.groups.0", "certainty.groups.1", *(f"classes.{n}" for n in range(3)),
    *(f"certainty.{name}.{n}" for name in ("limits", "windows") for n in range(3)),
}  # fmt: skip
OF = {
    ("window", "scalogram"): OF_WINDOWS | {
        "front_end.n_frequencies", "front_end.mean", "front_end.mean.0", "front_end.std",
        "front_end.std.0",
    },
    ("window", "order-map"): OF_WINDOWS | {
        "front_end.f_max_hz", "front_end.f_min_hz", "front_end.machines.0.bpfi",
        "front_end.machines.0.bpfo", "front_end.machines.0.bsf", "front_end.machines.0.ftf",
        "front_end.machines.0.speed_rpm", "front_end.machines.0.speed_rpm.0",
        "front_end.machines.0.speed_rpm.1", "front_end.n_bands", "graph.inputs.0.shape.3",
        "signal.rate_hz",
    },
    ("sequence", None): CONTRADICTIONS | {
        "graph.states", "signal.channel_names.0", "signal.channel_names.1",
    },
}  # fmt: skip


def test_code_and_schema_judge_every_change_the_same(manifest: dict[str, Any]) -> None:
    assert code_takes(json.dumps(manifest))
    assert schema_takes(json.dumps(manifest))
    taken, refused, differing = 0, 0, set()
    for place, text in mutations(manifest):
        if re.search(r'"schema_version": 1(\.0)?,', text):
            continue  # which is read as a manifest of schema 1
        by_code, by_schema = code_takes(text), schema_takes(text)
        assert by_schema or not by_code, (place, text)
        if by_schema and not by_code:
            differing.add(place)
        taken, refused = taken + by_code, refused + (not by_code)
    assert taken > 100
    assert refused > 1000
    assert differing == OF[manifest["kind"], manifest.get("front_end", {}).get("name")]


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "dlrsd-manifest-2"


def edit(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *path, last = place.split(".")

    def change(manifest: dict[str, Any]) -> None:
        for key in path:
            manifest = manifest[key]
        manifest[last] = value

    return change


LEVEL = {"name": "level", "dtype": "float32", "shape": ["batch", 1]}
SYNTHESIS = {
    "method": "mansourifar-deep-smote",
    "file": "a.onnx",
    "anchors": "b.npz",
    "statement": "c",
}
SHA = "0" * 64


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("schema_version", "1", "states no schema_version .got '1'.: expected the manifest"),
        ("schema_version", True, "states no schema_version"),
        ("schema_version", 3, r"schema 3, newer .* schema 2 .* `pip install --upgrade dlrsd`"),
        ("kind", "series", "has kind = 'series', expected one of window, sequence"),
        ("kind", "sequence", "has no graph.states, which is expected"),
        ("classes", [], "has classes = .*, expected array of length >= 2 .Names in the order"),
        ("classes", ["a", "a"], "classes are a, a, expected different ones"),
        ("classes", [1, 2], r"has classes\[0\] = '1', expected a text"),
        (
            "signal.rate_hz",
            0,
            r"has signal.rate_hz = '0', expected a number >= 1e-06 .Sampling rate",
        ),
        ("signal.rate_hz", "12000", "has signal.rate_hz = '12000', expected a number"),
        ("signal.rate_hz", float("inf"), "cannot read .*manifest.json .JSON is malformed"),
        ("signal.hop", 0, "has signal.hop = '0', expected an integer >= 1 .Samples from one"),
        ("signal.window", 63, r"windows of \[1, 64\], the signal gives \[1, 63\]"),
        ("signal.windo", 64, "has signal.windo, expected only rate_hz, unit, channels, window"),
        (
            "signal",
            {"unit": "g"},
            "has no signal.rate_hz, which is expected there .Sampling rate in Hz",
        ),
        ("verdict.hold", 46, "impossible verdict: 46 of the last 45, expected hold <= last"),
        ("quality", {"zero_runs": 3}, "has quality.zero_runs, expected only zero_run, clip_run"),
        ("quality", {"level_low": 3.0, "level_high": 1.0}, "impossible quality: .*level_low < le"),
        (
            "quality.channels",
            [{}, {}],
            "quality.channels has 2 entries, expected 1, as many as sig",
        ),
        (
            "quality.channels",
            [{"spectrum_low": [[0.0] * 8]}],
            r"impossible quality.channels\[0\]: .*rows of \[8\] and \[\] bands: expected 8 in each",
        ),
        ("certainty", {"limits": [0.5]}, "has no certainty.left_out"),
        ("certainty", tiny_certainty() | {"limits": [1, 1]}, "certainty.limits has 2 entries, exp"),
        ("certainty", tiny_certainty() | {"left_out": "day"}, "certainty.left_out = 'day', expect"),
        ("certainty", tiny_certainty() | {"coverage": 1.0}, "certainty.coverage = '1.0', expected"),
        (
            "certainty", tiny_certainty() | {"points": tiny_certainty()["points"][::-1]},
            r"impossible certainty: its risks are \[0.05, 0.01\], expected rising ones",
        ),
        ("graph.inputs", ["waveform"], r"has graph.inputs\[0\] = 'waveform', expected object"),
        ("graph.inputs", [{"name": "waveform"}], r"has no graph.inputs\[0\].dtype"),
        ("graph.profile", {"min": 1, "opt": 9, "max": 8}, "graph.profile: 1, 9, 8, expected min"),
        ("synthesis", {"file": "synthesizer.onnx"}, "has no synthesis.method"),
        ("synthesis", SYNTHESIS | {"method": "mixup"}, "method = 'mixup', expected one of dl"),
        ("training", None, "has training = 'None', expected object"),
        ("training.window_counts", {"train": 5}, r"window_counts\[...\]"),
        ("training.balance_ratio", "1:5", "has training.balance_ratio = '1:5', expected a number"),
        ("metrics", None, "has metrics = 'None', expected object"),
        ("parity", {"fp32": {"label_agreement": 1.0}}, "no parity.fp32.max_probability_difference"),
        ("parity", {"windows": 9, "int8": 1.0}, "has parity.int8 = '1.0', expected object"),
        ("files", {"a.onnx": {"sha256": "00", "bytes": 1}}, r"files\[...\].sha256 = .*, expected 64 hexa"),
        (
            "files", {"../evil.onnx": {"sha256": SHA, "bytes": 1}},
            "has a name in files, expected the plain name of a file, without a path: ",
        ),
        ("classes", ["a", "b\n"], r"classes\[1\] = 'b.*', expected a text without control char"),
        ("created", "today", "created = .today., expected a time with its zone, such as"),
        ("files", {"/etc/hosts": {"sha256": SHA, "bytes": 1}}, "has a name in files, expected"),
        ("files", {"..": {"sha256": SHA, "bytes": 1}}, "has a name in files, expected"),
        ("files", {".hidden": {"sha256": SHA, "bytes": 1}}, "has a name in files, expected"),
        ("front_end.name", "cepstrum", "front_end.name = 'cepstrum', expected one of .*scalogram"),
        ("front_end.std", [1.0], "scalogram has 4 rows, 4 means and 1 deviations"),
    ],
)
def test_what_is_wrong_is_named(
    place: str, value: Any, said: str, make_bundle: Callable[..., Path]
) -> None:
    folder = make_bundle(change=edit(place, value))
    with pytest.raises(BundleError, match=rf"manifest\.json.*{said}|{said}") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)
    assert "export" in str(caught.value) or "upgrade" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("graph.states", None, "has graph.states = 'None', expected array"),
        ("graph.states", ["level"], r"has graph.states\[0\] = 'level', expected object"),
        ("graph.states", [LEVEL, LEVEL], "states are level, level, expected different ones"),
        ("graph.states", [LEVEL | {"dtype": "float16"}], "expected one of float32"),
        ("graph.states", [LEVEL | {"name": ""}], r"has graph.states\[0\].name = ''"),
        ("graph.states", [LEVEL | {"shape": [1, 1]}], "expected 'batch' first and then integers"),
        ("graph.states", [LEVEL | {"shape": ["batch", "units"]}], "has graph.states"),
        ("signal.channel_names", None, "has signal.channel_names = 'None', expected array"),
        ("signal.channel_names", ["S1"], "2 channels and names 1, expected a name for each"),
        ("signal.channel_names", ["S1", "S1"], "channel_names are S1, S1, expected different"),
        ("signal.channel_names", ["S1", "R1", "R2"], "2 channels and names 3"),
        ("signal.hold", None, "has signal.hold = 'None', expected an integer"),
        ("signal.hold", -1, "has signal.hold = '-1', expected an integer >= 0"),
        ("signal.hold", True, "has signal.hold = 'True', expected an integer"),
        ("synthesis", SYNTHESIS, "has synthesis, expected only"),
        ("front_end", {"name": "order-map"}, "has front_end, expected only"),
    ],
)
def test_what_is_wrong_with_a_sequence_is_named(
    place: str, value: Any, said: str, make_sequence: Callable[..., Path]
) -> None:
    folder = make_sequence(change=edit(place, value))
    with pytest.raises(BundleError, match=rf"manifest\.json.*{said}") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


BEARING = {"speed_rpm": [1700, 1800], "bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("front_end", [], "has front_end = '..', expected one of scalogram, order-map"),
        ("front_end.n_bands", 0, "has front_end.n_bands = '0', expected an integer >= 1"),
        ("front_end.f_min_hz", None, "has front_end.f_min_hz = 'None', expected a number"),
        ("front_end.machines", [], "has front_end.machines = '..', expected array of length >= 1"),
        ("front_end.machines", [BEARING | {"bsf": 0}], r"has front_end.machines\[0\].bsf = '0'"),
        ("front_end.machines", [BEARING | {"ftf": None}], r"machines\[0\].ftf = 'None', expected"),
        ("front_end.machines", [BEARING | {"speed_rpm": 1700}], "speed_rpm = '1700', expected arr"),
        ("front_end.machines", [BEARING | {"speed_rpm": [1800, 1700]}], "expected the lowest fir"),
        ("front_end.n_bands", 8, r"takes \[1, 4, 32\] .* give \[1, 8, 32\]"),
        ("signal.channels", 2, r"takes \[1, 4, 32\] .* give \[2, 4, 32\]"),
        ("front_end.f_max_hz", 2001.0, "unusable order map: .* 200 to 2001 Hz do not fit"),
        ("signal.window", 1024, "unusable order map: .* holds 7.3 revolutions"),
        ("front_end.machines", [BEARING | {"speed_rpm": [1700, 9000]}], "use a higher rate"),
        ("front_end.n_frequencies", 4, "has front_end.n_frequencies, expected only name"),
        ("synthesis", SYNTHESIS, "expected synthesis null, for the order map"),
    ],
)
def test_what_is_wrong_with_an_order_map_is_named(
    place: str, value: Any, said: str, make_order_map: Callable[..., Path]
) -> None:
    folder = make_order_map(change=edit(place, value))
    with pytest.raises(BundleError, match=rf"manifest\.json .*{said}") as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


def test_a_sequence_gives_what_its_manifest_says(make_sequence: Callable[..., Path]) -> None:
    bundle = load_bundle(make_sequence())
    assert bundle.manifest.kind == "sequence"
    assert bundle.manifest.is_stateful
    assert bundle.signal.names == ("S1", "R1")
    assert bundle.signal.rate_hz == 1 / 900
    assert bundle.manifest.synthesis is None
    stateless = make_sequence("stateless", change=edit("graph.states", []))
    load_bundle(stateless)  # a network without memory over windows


def test_an_order_map_gives_what_its_manifest_says(make_order_map: Callable[..., Path]) -> None:
    bundle = load_bundle(make_order_map())
    front_end = bundle.front_end
    assert isinstance(front_end, OrderMap)
    assert front_end.config(bundle.manifest.signal) == OrderMapConfig(4000.0, 2048, 4, 200, 1500)
    assert bundle.signal.orders == {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}
    assert [machine.speed_rpm for machine in front_end.machines] == [[1700.0, 1800.0]]


def test_a_scalogram_knows_no_machine(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    front_end = bundle.front_end
    assert isinstance(front_end, Scalogram)
    assert (bundle.signal.orders, bundle.trained_kinematics()) == (None, None)
    config = front_end.config(bundle.manifest.signal)
    assert (config.rate_hz, config.window, config.n_frequencies) == (1000.0, 64, 4)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff", "[" * 200_000])
def test_a_manifest_that_is_none_is_refused(text: str, make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match="export"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("place", "value"), [("signal.rate_hz", 1e-320), ("synthesis.anchors", "x" * 100_000)]
)
def test_figures_and_names_have_bounds(make_bundle, place: str, value: Any) -> None:
    folder = make_bundle(change=edit(place, value))
    with pytest.raises(BundleError, match=place) as caught:
        load_bundle(folder)
    assert len(str(caught.value)) < 400
