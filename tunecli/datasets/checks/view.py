"""What a check may look at: inputs of all rows, and the targets of those that a search may see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.checks.hashing import row_hashes, word_count
from tunecli.datasets.split import Split
from tunecli.errors import printable
from tunecli.spec.experiment import Task
from tunecli.study.check import Finding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

FEWEST_ROWS = 20
"""With fewer training rows, anything may be chance."""

_MOST_SAMPLED, _FEWEST_SAMPLED, _SAMPLED_CELLS = 20_000, 2_000, 1_500_000
"""Columns are looked at in a sample of so many rows, of a wide table in fewer."""

_MOST_WORDS = {"train": 120_000_000, "validation": 40_000_000, "test": 40_000_000}
"""So many numbers are hashed of each part; of a larger one, the rows that come to it."""

_SHOWN_COLUMNS, _SHOWN_CHARACTERS, _SHOWN_LINE = 3, 40, 80

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off")
"""In quotes, whatever the version of YAML."""


class Check(Protocol):
    """Looks for one kind of trouble."""

    def __call__(self, view: View, /) -> Iterable[Finding]:
        """Returns what it finds; nothing where it does not apply."""
        ...


@dataclass(frozen=True)
class View:
    """Data as checks see them: there are no targets of the test part in it.

    Attributes:
        task: What is predicted.
        columns: The inputs of all rows.
        parts: Which rows go where.
        target_names: What is predicted, one or several columns.
        classes: The classes' names in the order of their codes; () for regression.
        train_target: Targets of the training part, as in `RawData`; one column, or several of one row each.
        validation_target: Those of the validation part.
    """

    task: Task
    columns: Columns
    parts: Split
    target_names: tuple[str, ...]
    classes: tuple[str, ...]
    train_target: NDArray[np.float64] | NDArray[np.int64]
    validation_target: NDArray[np.float64] | NDArray[np.int64]

    @classmethod
    def of(cls, data: RawData, parts: Split) -> View:
        """Leaves the targets of the test part out."""
        return cls(
            data.task,
            data.columns,
            parts,
            data.target_names,
            data.classes,
            data.target[parts.train],
            data.target[parts.validation],
        )

    @property
    def has_one_target(self) -> bool:
        """Whether a row has one target, and not several."""
        return self.train_target.ndim == 1

    @property
    def width(self) -> int:
        """How many columns there are; images have none."""
        return len(self.columns.numeric_names) + len(self.columns.categorical_names)

    @cached_property
    def hashes(self) -> dict[str, NDArray[np.uint64]]:
        """Hashes of the inputs of each part, by its name; of a very large part, of some of its rows."""
        parts = {"train": self.parts.train, "validation": self.parts.validation, "test": self.parts.test}
        return {part: row_hashes(self.columns, rows[self._hashed(part, len(rows))]) for part, rows in parts.items()}

    @property
    def hashed_train_target(self) -> NDArray[np.generic]:
        """Targets of the training rows that are hashed."""
        return self.train_target[self._hashed("train", len(self.train_target))]

    @property
    def hashed_validation_target(self) -> NDArray[np.generic]:
        """Targets of the validation rows that are hashed."""
        return self.validation_target[self._hashed("validation", len(self.validation_target))]

    def _hashed(self, part: str, count: int) -> Rows | slice:
        """Returns which rows of a part are hashed, by their positions in it: all of them, or as many as are quick."""
        import numpy as np

        most = _MOST_WORDS[part] // word_count(self.columns)
        return slice(None) if count <= most else np.sort(drawn(count, most))

    @cached_property
    def sample(self) -> Rows:
        """Positions within the training part, drawn once, in random order."""
        return drawn(len(self.parts.train), self._sample_size)

    @cached_property
    def numeric(self) -> NDArray[np.float64]:
        """The sampled training rows' numbers, a column a row: `(columns, rows)`."""
        return self.numeric_of(self.parts.train[self.sample])

    @cached_property
    def categorical(self) -> NDArray[np.int32]:
        """The sampled training rows' codes, a column a row: `(columns, rows)`."""
        return self.categorical_of(self.parts.train[self.sample])

    def numeric_of(self, rows: Rows) -> NDArray[np.float64]:
        """Returns the numbers of some rows, `(columns, rows)`: each column lies in one piece."""
        import numpy as np

        return np.ascontiguousarray(self.columns.numeric[rows].T)

    def categorical_of(self, rows: Rows) -> NDArray[np.int32]:
        """Returns the codes of some rows, `(columns, rows)`."""
        import numpy as np

        return np.ascontiguousarray(self.columns.categorical[rows].T)

    def sample_of(self, rows: Rows) -> Rows:
        """Returns some rows of another part, as many as of the training part at most."""
        return rows[drawn(len(rows), self._sample_size)]

    @property
    def _sample_size(self) -> int:
        return max(_FEWEST_SAMPLED, min(_MOST_SAMPLED, _SAMPLED_CELLS // max(1, self.width)))


def drawn(count: int, most: int) -> Rows:
    """Returns at most so many of the positions from 0 to `count`, in random order; always the same."""
    import numpy as np

    return np.random.default_rng(0).choice(count, size=min(count, most), replace=False)


def named(columns: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Returns columns as a message names them: in quotes, each with its note, and not too many."""
    texts = [quoted(name) for name in columns[:_SHOWN_COLUMNS]]
    texts = [f"{text} ({note})" for text, note in zip(texts, notes, strict=False)] if notes else texts
    more = len(columns) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def quoted(name: str) -> str:
    """Returns a name from the data in quotes, on one line and not too long."""
    text = printable(name)
    return f"'{text}'" if len(text) <= _SHOWN_CHARACTERS else f"'{text[:_SHOWN_CHARACTERS]}…'"


def counted(count: int, one: str, many: str = "") -> str:
    """Returns `1 row`, `1,234 rows`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def leave_out(columns: Sequence[str]) -> str:
    """Returns the hint to learn from other columns, with the line to write where it is short."""
    line = f"exclude: [{', '.join(map(in_yaml, columns))}]"
    if len(line) <= _SHOWN_LINE:
        return f"write {line} below dataset:"
    return "list them as exclude: below dataset:"


def in_yaml(name: str) -> str:
    """Returns a name as it may stand in a list of a spec."""
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS else json.dumps(name, ensure_ascii=True)
