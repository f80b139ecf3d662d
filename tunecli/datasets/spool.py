"""The texts of a CSV file by column, though they come by row: in memory, or, where they are many, in a folder.

spool = Spool(source, folder)
spool.series(label)                # a whole column
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets.formats import Source
from tunecli.store.files import writing

if TYPE_CHECKING:
    import polars as pl

MOST_IN_MEMORY_BYTES = 100_000_000
"""What polars needs for texts; beyond, they go to disk."""


class Spool:
    """A file that has been read to its end.

    Args:
        source: The file.
        folder: Where texts go that are too many; made if need be, and left to the caller to remove.

    Raises:
        DataError: The file is irregular or damaged.
        StudyError: The disk is full.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._labels = source.labels
        self._folder = folder
        self._frames: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self.rows = 0
        size_bytes = 0.0
        for frame in source.frames(source.labels):
            self.rows += len(frame)
            self._frames.append(frame)
            size_bytes += frame.estimated_size()
            if size_bytes > MOST_IN_MEMORY_BYTES:
                self._spill()

    @property
    def is_large(self) -> bool:
        """Whether the texts are on disk."""
        return bool(self._files)

    def series(self, label: str) -> pl.Series:
        """Returns a whole column."""
        import polars as pl

        position = str(self._labels.index(label))  # a name may hold anything
        if self._files:
            found = pl.scan_parquet(self._files, glob=False).select(position).collect().to_series()
            return pl.concat([found, *(frame[label] for frame in self._frames)]).alias(label)
        if not self._frames:
            return pl.Series(label, [], dtype=pl.String)
        return pl.concat([frame[label] for frame in self._frames])

    def _spill(self) -> None:
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            for frame in self._frames:
                path = self._folder / f"{len(self._files)}.parquet"
                frame.rename({label: str(index) for index, label in enumerate(self._labels)}).write_parquet(
                    path, compression="lz4", statistics=False
                )
                self._files.append(path)
        self._frames = []
