"""Files of a user's own that trials run from: a model's code, callbacks, a model to begin with.

The plan names each by its content, and a study keeps a copy of each, so that a search that goes on next week runs what
it ran today. Where the originals lie is the spec's affair.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tunecli.spec.space import Parameter
from tunecli.store.layout import source_path


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourcePlan(_Frozen):
    """A file of the user's.

    Attributes:
        file: Its name, without its folder.
        sha256: Of its content.
    """

    file: str
    sha256: str

    def within(self, sources: Path) -> Path:
        """Returns where the copy lies in a folder of copies."""
        return source_path(sources, self.sha256, self.file)


class CustomPlan(_Frozen):
    """A model of the user's own.

    Attributes:
        source: Its code.
        build: The function or HyperModel in it; None for `build_model`, or the only HyperModel.
    """

    source: SourcePlan
    build: str | None = None


class CallbackPlan(_Frozen):
    """A callback of the user's own.

    Attributes:
        source: Its code.
        name: Its class.
        args: What the class is called with.
    """

    source: SourcePlan
    name: str
    args: dict[str, Any]


class InitFromPlan(_Frozen):
    """A model whose first weights trials begin with.

    Attributes:
        source: The file.
    """

    source: SourcePlan


class Discovered(_Frozen):
    """What was found out of a user's files by running them.

    Attributes:
        parameters: The hyperparameters of a custom model, each behind those that its conditions name.
        notes: What its author should know.
    """

    parameters: tuple[Parameter, ...] = ()
    notes: tuple[str, ...] = ()
