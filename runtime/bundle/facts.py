"""What the manifests of all kinds of bundles state."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, Final, Literal

from msgspec import Meta

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.bundle.parts import (
    Calibration,
    FileFacts,
    FileName,
    Metrics,
    Names,
    Novelty,
    Parity,
    Part,
    Seal,
    Time,
    Training,
    VerdictRule,
    require_different,
)

SCHEMA_VERSION: Final = 2


class Facts(Part, frozen=True, kw_only=True, tag_field="kind"):
    """What manifests of all kinds state. Tensor shapes name the free axis 'batch'."""

    schema_version: Annotated[Literal[2], Meta(description="Of the manifest.")]
    name: Annotated[Text, Meta(description="Of the bundle.")]
    created: Annotated[Time, Meta(description="When, in ISO 8601.")]
    dlrsd_version: Annotated[Text, Meta(description="That exported it.")]
    classes: Annotated[
        Names, Meta(min_length=2, description="Names in the order of the probabilities.")
    ]
    normal_class: Annotated[str | None, Meta(description="The healthy one, if there is one.")]
    calibration: Annotated[Calibration, Meta(description="Of the probabilities.")]
    novelty: Annotated[Novelty, Meta(description="Where it begins.")]
    verdict: Annotated[VerdictRule, Meta(description="When a class holds.")]
    training: Annotated[Training, Meta(description="What the model was trained on.")]
    metrics: Annotated[Metrics, Meta(description="How well it did.")]
    parity: Annotated[Parity, Meta(description="Whether graphs say what the model says.")]
    files: Annotated[dict[FileName, FileFacts], Meta(description="Every other file of the folder.")]

    seal: Annotated[Seal | None, Meta(description="Older bundles have none.")] = None

    def __post_init__(self) -> None:
        require_different("classes", self.classes)

    @property
    def kind(self) -> str:
        """The tag that the manifest has."""
        return str(self.__struct_config__.tag)
