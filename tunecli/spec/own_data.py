"""What a spec says of arrays and images of the user's own: the blocks that stand below `dataset:`."""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tunecli.spec.faults import Loc, fault, received


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ArraysSpec(_Block):
    """The names that arrays have in a `.npz` file, where they are not the usual ones."""

    x: str | None = Field(None, description="The inputs; default: x, or x_train.")
    y: str | None = Field(None, description="What is predicted; default: y, or y_train.")
    x_validation: str | None = Field(None, description="Inputs of a validation part of its own; default: x_validation.")
    y_validation: str | None = Field(None, description="What is predicted there; default: y_validation.")
    x_test: str | None = Field(None, description="Inputs of a test part of its own; default: x_test.")
    y_test: str | None = Field(None, description="What is predicted there; default: y_test.")


ImageSize = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
"""Height and width, in pixels."""


def check_plain(loc: Loc, value: Any) -> None:
    """Makes sure that a function can be called with a value in another process.

    Raises:
        ValidationError: It is none that JSON has.
    """
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        fault(loc, "hold something that is no plain value", "write numbers, texts, lists and blocks")


_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""The numbers in the names of columns, `{first..last}`."""


class ImageColumnsSpec(_Block):
    """Columns of a table that are the pixels of an image, as MNIST and its like are often passed around."""

    pattern: str = Field(description="Their names, with the numbers in braces: pixel{1..784}.")
    shape: tuple[int, ...] = Field(description="[height, width], or [height, width, channels] with 1 or 3 channels.")

    @field_validator("shape", mode="before")
    @classmethod
    def _read_shape(cls, value: Any) -> Any:
        is_shape = isinstance(value, list | tuple) and len(value) in (2, 3) and all(type(each) is int for each in value)
        if not is_shape or min(value) < 1 or (len(value) == 3 and value[2] not in (1, 3)):
            fault((), f"{received(value)} is not the shape of an image", "write [height, width], such as [28, 28]")
        return tuple(value)

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        found = _RANGE.findall(value)
        if len(found) != 1 or int(found[0][0]) > int(found[0][1]):
            fault((), f"{received(value)} names no row of columns", "write it as pixel{1..784}")
        return value

    @model_validator(mode="after")
    def _check_count(self) -> ImageColumnsSpec:
        columns, pixels = len(self._numbers), math.prod(self.shape)
        if columns != pixels:
            what = f"{self.pattern} is {columns:,} columns; an image of {list(self.shape)} has {pixels:,} values"
            fault(("pattern",), what, "let the numbers run from the first pixel to the last")
        return self

    @property
    def _numbers(self) -> range:
        ((first, last),) = _RANGE.findall(self.pattern)
        return range(int(first), int(last) + 1)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, from the top left pixel to the bottom right one, a row of pixels at a time."""
        before, after = _RANGE.split(self.pattern)[0], _RANGE.split(self.pattern)[-1]
        return tuple(f"{before}{number}{after}" for number in self._numbers)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)`."""
        height, width, *channels = self.shape
        return height, width, (channels or [1])[0]
