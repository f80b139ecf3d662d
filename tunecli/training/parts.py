"""The parts of a study's own data, for a model that was trained on some of them.

part = load_part(run, bundle.manifest, "test")
for block in part.rows: …                      # the inputs
part.targets, part.groups                      # of the same rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import RawData
from tunecli.errors import DataError, UsageError
from tunecli.plan import Plan
from tunecli.store.files import read_json
from tunecli.store.run import Run
from tunecli.training.data import load
from tunecli.training.manifest import Manifest
from tunecli.training.rows import Rows, part_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """A part of a study's data.

    Attributes:
        name: Such as `test`.
        data: All the data.
        numbers: The numbers of its rows.
        rows: Its inputs.
    """

    name: str
    data: RawData
    numbers: NDArray[np.int64]
    rows: Rows

    @property
    def targets(self) -> NDArray[Any]:
        """What is to be predicted, as in `RawData`."""
        return self.data.target[self.numbers]

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """Codes of the rows that belong together, or None."""
        return None if self.data.groups is None else self.data.groups[self.numbers]


def require_unchanged(run: Run, plan: Plan, data: RawData, *, hint: str) -> None:
    """Makes sure that data are those that a study was begun on.

    Raises:
        DataError: They are not: their split would be another one.
    """
    begun, found = read_json(run.layout.data), data.fingerprint()
    changed = [each for each in dict.fromkeys([*begun, *found]) if begun.get(each) != found.get(each)]
    if changed:
        what = f"the data have changed since the search ({', '.join(changed)}): which rows it trained on is not known"
        raise DataError(what, where=str(plan.dataset.options.path or plan.dataset.name), hint=hint)


def load_part(run: Run, manifest: Manifest, name: str) -> Part:
    """Loads a part of a study's data.

    Args:
        run: The study.
        manifest: Of its bundle.
        name: `train`, `validation` or `test`.

    Raises:
        UsageError: The study has no such part.
        DataError: The data are missing or damaged, or no longer those of the search: its split would be another one.
    """
    plan = Plan.of(run)
    data, split = load(plan.dataset)
    require_unchanged(run, plan, data, hint="name a file with --data")
    numbers = {"train": split.train, "validation": split.validation, "test": split.test}[name]
    if not len(numbers):
        raise UsageError(f"the study has no {name} part", where=str(run.path), hint="name a file with --data")
    return Part(name, data, numbers, part_rows(data, numbers, manifest, f"the {name} part"))
