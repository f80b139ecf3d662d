"""What a trial's values say about its data: hashable, so that what was prepared for one trial serves the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tunecli.families.surroundings import CLASS_WEIGHT, NORMALIZATION
from tunecli.spec.space import Value


@dataclass(frozen=True)
class Choices:
    """How data are prepared.

    Attributes:
        normalization: How columns of numbers are scaled; see `Preprocessor`.
        class_weight: How classes are weighted; see `prepare`.
    """

    normalization: str = str(NORMALIZATION.default)
    class_weight: str = str(CLASS_WEIGHT.default)

    @property
    def unweighted(self) -> Choices:
        """The same without weights of classes, which change no inputs."""
        return replace(self, class_weight=str(CLASS_WEIGHT.default))

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> Choices:
        """Returns what the values of a trial say; what they leave out is at its default."""
        named = (NORMALIZATION, CLASS_WEIGHT)
        return cls(**{each.name: str(values.get(each.name, each.default)) for each in named})


DEFAULT = Choices()
"""What is chosen where nothing is said."""
