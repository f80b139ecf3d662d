"""What all data of the user's own have in common: they are where the spec says, and nobody fetches them."""

from __future__ import annotations

from pathlib import Path

from tunecli.datasets.base import DatasetCard, DatasetOptions, LoadScript
from tunecli.errors import DataError


class OwnData:
    """A data set that `path` names.

    Attributes:
        title: What it is, and the option that names it.
        shape: What it must look like.
        source: Where it comes from.
    """

    title: str
    shape: str
    source = "your file"

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title=self.title, shape=self.shape, task=None, source=self.source, licence="yours", is_yours=True
        )

    def find(self) -> None:
        """Returns None: where the data are stands in the spec."""
        return

    def fetch(self) -> Path:
        """Fetches nothing.

        Raises:
            DataError: Always.
        """
        raise DataError("these data are yours; there is nothing to fetch", hint="write their place as dataset.path")

    def script(self, options: DatasetOptions) -> LoadScript:
        """Raises, since `tunecli eject` says before it comes to this that it writes no such data."""
        raise AssertionError("a script reads tables of the user's alone")
