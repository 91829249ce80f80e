"""What manifests of every kind are made of; each field says what it means."""

# Annotations are evaluated here and not kept as text, which the first decoding would have to read.

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import Count, Positive, Share, Text, Whole, written

# A plain name: no path, nothing hidden, no control character; it ends where the text ends.
FileName = Annotated[
    str,
    written(
        r"^[^/\\:.\x00-\x1f][^/\\:\x00-\x1f]*(?![\s\S])",
        "the plain name of a file, without a path",
        max_length=255,
    ),
]
Sha256 = Annotated[str, written(r"^[0-9a-f]{64}(?![\s\S])", "64 hexadecimal digits")]
MOST_BYTES = 1 << 30  # of a file of a bundle
Rate = Annotated[float, Meta(ge=1e-6, le=1e8)]
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)(?![\s\S])"
Time = Annotated[str, written(_TIME, "a time with its zone, such as 2026-11-25T12:00:00Z")]
Names = Annotated[list[Text], Meta(extra_json_schema={"uniqueItems": True})]


def require_different(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"{what} are {', '.join(names)}, expected different ones")


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a manifest."""


class Tensor(Part, frozen=True, kw_only=True):
    """A tensor of the graph."""

    name: Annotated[Text, Meta(description="As the graph has it.")]
    dtype: Annotated[Literal["float32"], Meta(description="Of its numbers.")]
    shape: Annotated[
        list[Literal["batch"] | Count],
        Meta(
            min_length=1,
            description="'batch', the free axis, then the size of every other.",
            extra_json_schema={
                "allOf": [{"prefixItems": [{"const": "batch"}], "items": {"type": "integer"}}]
            },
        ),
    ]

    def __post_init__(self) -> None:
        if self.shape[:1] != ["batch"] or "batch" in self.shape[1:]:
            raise ValueError(f"its shape is {self.shape}, expected 'batch' first and then integers")

    @property
    def sizes(self) -> list[Any]:
        """Of one window: the shape without the free axis."""
        return self.shape[1:]


class Profile(Part, frozen=True, kw_only=True):
    """Windows per call of a TensorRT engine: the limits, and what its kernels are chosen for."""

    min: Annotated[Count, Meta(description="Fewest.")]
    opt: Annotated[Count, Meta(description="What kernels are chosen for.")]
    max: Annotated[Count, Meta(description="Most.")]

    def __post_init__(self) -> None:
        if not self.min <= self.opt <= self.max:
            raise ValueError(f"{self.min}, {self.opt}, {self.max}, expected min <= opt <= max")


class Graph(Part, frozen=True, kw_only=True):
    """Inputs and outputs of the diagnosing graph."""

    inputs: Annotated[list[Tensor], Meta(min_length=1, max_length=1, description="The windows.")]
    outputs: Annotated[
        list[Tensor], Meta(min_length=3, description="probabilities, embedding and novelty.")
    ]
    profile: Annotated[Profile | None, Meta(description="Of engines built of it.")] = None

    @property
    def input_sizes(self) -> dict[str, list[Any]]:
        """Of one window, by input."""
        return {tensor.name: tensor.sizes for tensor in self.inputs}


class Signal(Part, frozen=True, kw_only=True):
    """What the graph expects: windows of ``window`` samples, ``hop`` apart."""

    rate_hz: Annotated[Rate, Meta(description="Sampling rate in Hz.")]
    unit: Annotated[
        Text, Meta(description="g, m/s2 or any other name; only these two are converted.")
    ]
    channels: Annotated[Count, Meta(description="Channels of a window.")]
    window: Annotated[Count, Meta(description="Samples of a window.")]
    hop: Annotated[Count, Meta(description="Samples from one window to the next.")]


class Calibration(Part, frozen=True, kw_only=True):
    """How the probabilities were calibrated; the graph contains it."""

    temperature: Annotated[Positive, Meta(description="Logits are divided by it.")]


class Novelty(Part, frozen=True, kw_only=True):
    """A window whose novelty lies above ``threshold`` is unlike the training data."""

    threshold: Annotated[Positive, Meta(description="1 where novelties are scaled by it.")]
    quantile: Annotated[
        Annotated[float, Meta(gt=0, le=1)],
        Meta(description="Share of the validation windows that lie below it."),
    ]


class VerdictRule(Part, frozen=True, kw_only=True):
    """A class holds with ``hold`` of the ``last`` most recent fit windows."""

    last: Annotated[Count, Meta(description="Windows that are looked at.")]
    hold: Annotated[Count, Meta(description="Windows of a class that make it hold.")]

    def __post_init__(self) -> None:
        if self.hold > self.last:
            raise ValueError(f"{self.hold} of the last {self.last}, expected hold <= last")


class Synthesizer(Part, frozen=True, kw_only=True):
    """What `dlrsd-runtime synthesize` needs."""

    method: Annotated[
        Literal["dlrsd-smote", "mansourifar-deep-smote"],
        Meta(
            description="dlrsd-smote: the file decodes splices of the anchors' latents; "
            "mansourifar-deep-smote: it puts two anchors together."
        ),
    ]
    file: Annotated[FileName, Meta(description="The synthesiser's graph.")]
    anchors: Annotated[FileName, Meta(description="Of the classes.")]
    statement: Annotated[Text, Meta(description="That the anchors derive from training data.")]


class Training(Part, frozen=True, kw_only=True):
    """What the model was trained on, and in one sentence what it fits."""

    dataset: Annotated[str, Meta(description="Its name.")]
    task: Annotated[str | None, Meta(description="Part of the data set.")] = None
    protocol: Annotated[
        Literal["random", "block", "load", "bearing", "rig", "time", "plant"],
        Meta(description="How the data were split."),
    ]
    split_note: Annotated[str | None, Meta(description="The split in words.")] = None
    balance_ratio: Annotated[Positive | None, Meta(description="Normal windows per faulty.")] = None
    seed: Annotated[int, Meta(ge=-(2**53), le=2**53, description="Of split, draw and training.")]
    method: Annotated[str | None, Meta(description="Against the imbalance.")] = None
    classifier: Annotated[str | None, Meta(description="The network.")] = None
    window_counts: Annotated[
        dict[str, dict[str, Whole]], Meta(description="Windows by part and class.")
    ]
    statement: Annotated[Text, Meta(description="What it was trained on, in a sentence.")]


class RigMetrics(Part, frozen=True, kw_only=True):
    """Of a rig, all of whose recordings were left out of the training."""

    windows: Annotated[Whole, Meta(description="Tested.")]
    accuracy: Annotated[Share, Meta(description="Share of the windows.")]
    macro_auroc: Annotated[
        Share | None, Meta(description="Each class against the rest; null with one class.")
    ]
    recall: Annotated[dict[str, Share], Meta(description="Of each class that the rig has.")]


class Metrics(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Measured on the test part of ``protocol``."""

    protocol: Annotated[str | None, Meta(description="As in training.")] = None
    accuracy: Annotated[Share | None, Meta(description="Share of the windows.")] = None
    macro_recall: Annotated[Share | None, Meta(description="Mean over the classes.")] = None
    worst_recall: Annotated[Share | None, Meta(description="Of the worst class.")] = None
    worst_class: Annotated[str | None, Meta(description="Its name.")] = None
    macro_f1: Annotated[Share | None, Meta(description="Mean over the classes.")] = None
    g_mean: Annotated[Share | None, Meta(description="Geometric mean of the recalls.")] = None
    n: Annotated[Whole | None, Meta(description="Windows.")] = None
    simulated: Annotated[bool, Meta(description="Whether the data were.")] = False
    rigs: Annotated[
        dict[str, RigMetrics],
        Meta(description="Of each rig, by the same network trained without it."),
    ] = {}


class Agreement(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A graph against the trained model, on real windows of the test part."""

    label_agreement: Annotated[Share, Meta(description="Labels as the trained model's.")]
    fp32_agreement: Annotated[Share | None, Meta(description="As the fp32 graph's.")] = None
    max_probability_difference: Annotated[
        Annotated[float, Meta(ge=0, le=1e30)], Meta(description="From the trained model's.")
    ]
    accuracy: Annotated[Share | None, Meta(description="Of its standard windows.")] = None
    bytes: Annotated[Whole | None, Meta(description="Size of the file.")] = None


class Parity(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Exported graphs against the trained model, by precision."""

    windows: Annotated[Whole | None, Meta(description="Windows compared on.")] = None
    fp32: Annotated[Agreement | None, Meta(description="Of the float32 graph.")] = None
    fp16: Annotated[Agreement | None, Meta(description="Of the half-precision graph.")] = None
    int8: Annotated[Agreement | None, Meta(description="Of the 8-bit graph.")] = None

    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")

    def of(self, precision: str) -> Agreement | None:
        """What was found of a graph; None where it was not measured."""
        found: Agreement | None = getattr(self, precision)
        return found


class BuiltEngine(Part, frozen=True, kw_only=True):
    """A TensorRT engine built ahead of time. It fits where package and version are the same and
    the GPU is among the targets; elsewhere the box builds its own from the ONNX graph."""

    file: Annotated[FileName, Meta(description="The serialised engine.")]
    precision: Annotated[Literal["fp32", "fp16"], Meta(description="Of the graph.")]
    package: Annotated[Literal["tensorrt", "tensorrt_rtx"], Meta(description="Built with.")]
    version: Annotated[Text, Meta(description="Of the package.")]
    targets: Annotated[
        list[Annotated[str, written(r"^sm[0-9]+(?![\s\S])", "a target such as sm86")]],
        Meta(min_length=1, description="Compute capabilities: sm86 is 8.6."),
    ]
    profile: Annotated[Profile, Meta(description="Windows per call.")]
    graph_sha256: Annotated[Sha256, Meta(description="Of the ONNX graph it was built from.")]


class Seal(Part, frozen=True, kw_only=True):
    """What finds a manifest that was changed; see `dlrsd.runtime.bundle.seal`."""

    sha256: Annotated[Sha256, Meta(description="Of the manifest's canonical form, without seal.")]


class FileFacts(Part, frozen=True, kw_only=True):
    """A file of the bundle."""

    sha256: Annotated[Sha256, Meta(description="Of its content.")]
    bytes: Annotated[Annotated[int, Meta(ge=0, le=MOST_BYTES)], Meta(description="Its size.")]
