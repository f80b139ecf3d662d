"""What a spec says of arrays and images of the user's own: the blocks that stand below `dataset:`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ArraysSpec(_Block):
    """The names that arrays have in a `.npz` file, where they are not the usual ones."""

    x: str | None = Field(None, description="The inputs; default: x, or x_train.")
    y: str | None = Field(None, description="What is predicted; default: y, or y_train.")
    x_test: str | None = Field(None, description="Inputs of a test part of its own; default: x_test, if there is one.")
    y_test: str | None = Field(None, description="What is predicted there; default: y_test, if there is one.")
