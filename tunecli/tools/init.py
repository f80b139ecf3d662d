"""Writes the first draft of a spec: data, model, a search space to start from, and what else could be written.

What may be searched, and the comments, come from the hyperparameters that the family declares; for a table the
target, its task and the columns to learn from are guessed from the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions, Description
from tunecli.datasets.column import ColumnKind, as_numbers, has_strays
from tunecli.datasets.csv_target import Target
from tunecli.datasets.csv_targets import read_targets
from tunecli.datasets.table import Table, read_table
from tunecli.errors import DataError, UsageError
from tunecli.families import FAMILIES
from tunecli.families.base import Hyperparameter
from tunecli.families.compiling import shared_hyperparameters
from tunecli.families.surroundings import NORMALIZATION
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind, Value
from tunecli.study.objective import DEFAULT_METRIC, VALIDATION, metric_names

_SEARCHED = ("hidden_layers", "units", "blocks", "filters", "dense_units", "dropout", "learning_rate", "batch_size")
"""What is worth searching first, of whatever a family has; the rest is written as comments."""

_TARGET_NAMES = ("target", "label", "class", "y", "outcome", "response", "price", "sales")

_ONE_OF_TARGETS = re.compile(r"(target|label|class|y)(\d+|[_ ]\w+)", re.IGNORECASE)
"""Two or more columns of such names are predicted together: `y1` and `y2`, or `label_rain` and `label_wind`."""

_FEW_ROWS = 2000
"""With fewer rows an epoch has few steps, so more of them are needed."""


_MOST_LISTED = 20
"""Of more features than these, those that are left out are listed instead."""


@dataclass(frozen=True)
class Draft:
    """A spec to start from.

    Attributes:
        fname: What its file may be called.
        text: The YAML, commented.
    """

    fname: str
    text: str


def draft(name: str) -> Draft:
    """Drafts a spec for a data set that needs no options.

    Raises:
        UsageError: No data set has this name, or it is the user's own.
    """
    name = DATASETS.canonical(name)
    dataset = DATASETS.load(name)
    if dataset.card.is_yours:
        raise UsageError(f"{name} needs a file", hint=f"run `tunecli init {name} FILE`")
    description = dataset.describe(DatasetOptions())
    return Draft(f"{name}.yaml", compose(dataset.card.title, [f"  name: {name}"], description))


def draft_csv(path: Path, folder: Path) -> Draft:
    """Drafts a spec for a table of the user's own.

    Args:
        path: A CSV, Parquet or Feather file.
        folder: Where the spec will lie; the file is named relative to it.

    Raises:
        DataError: The file is missing, irregular, or its target cannot be used.
    """
    table = read_table(path)
    useless = _useless(table)
    targets = _guess_targets(table, useless)
    found = _read_targets(table, targets)
    left_out = {name: reason for name, reason in useless.items() if name not in targets}
    features = tuple(name for name in table.features if name not in targets and name not in left_out)
    written = f"[{', '.join(map(scalar, targets))}]" if len(targets) > 1 else scalar(targets[0])
    lines = ["  name: csv", path_line(path, folder)]
    lines += [f"  target: {written}  # a guess; drop task when you change it", f"  task: {found.task}"]
    if left_out and features:
        lines += [f"  # left out: {_comment(name)}, {reason}" for name, reason in left_out.items()]
        key, names = ("features", features) if len(features) <= _MOST_LISTED else ("exclude", tuple(left_out))
        lines += [f"  {key}: [{', '.join(map(scalar, names))}]"]
    lines += [
        f"  # time: {scalar(name)}  # hold back the latest rows, not random ones"
        for name in [name for name in features if table.about[name].kind is ColumnKind.DATE][:1]
    ]
    description = Description(
        found.task, ", ".join(targets), features, classes=found.classes, rows=table.rows, targets=found.names
    )
    title = f"{path.name}: {table.rows:,} rows"
    return Draft(spec_name(path), compose(title, lines, description))


def path_line(path: Path, folder: Path) -> str:
    """Returns the line that names the user's data from a spec in `folder`."""
    # `/` works everywhere, and a spec goes from machine to machine
    return f"  path: {scalar(Path(os.path.relpath(path, folder)).as_posix())}"


def spec_name(path: Path) -> str:
    """Returns what the spec of the user's data may be called."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._") or "table"
    return f"{stem}.yaml"


def compose(title: str, dataset: list[str], description: Description) -> str:
    """Writes a spec around the lines that name its data."""
    family = "mlp" if description.image_shape is None else "cnn"
    task, metric = description.task, f"{VALIDATION}{DEFAULT_METRIC[description.task]}"
    others = [name for name in metric_names(task, validation=True) if name.startswith("val_") and name != metric]
    verb = "are" if description.targets else "is"
    epochs = 100 if (description.rows or 0) < _FEW_ROWS else 30 if family == "mlp" else 10
    lines = [f"# {_comment(title)}", f"# A {task} task: {_comment(description.target)} {verb} predicted.", ""]
    lines += ["dataset:", *dataset]
    if not description.own_validation_rows:
        lines += ["  validation: 0.2  # fraction of all rows that scores the trials"]
    if not description.has_own_test:
        lines += ["  test: 0.2  # fraction held back: no search sees it, only the final evaluation"]
    lines += ["", f"model: {family}  # {'; '.join(_family_summaries(description))}"]
    lines += ["", f"objective: {metric}  # or {', '.join(others)}"]
    lines += ["", "search_space:  # min and max belong to the range; a list is a choice; take away a # to add a line"]
    lines += _search_space(family, task, has_images=description.image_shape is not None)
    lines += ["", "tuner: {name: random, max_trials: 20}  # or hyperband, bayesian, grid"]
    lines += ["", f"training: {{epochs: {epochs}, early_stopping: {{patience: 5}}}}"]
    lines += ["", "# limits: {max_time: 2h}"]
    return "\n".join(lines) + "\n"


def _family_summaries(description: Description) -> list[str]:
    families = {name: FAMILIES.load(name) for name in FAMILIES.names}
    return [f"{name}: {each.summary}" for name, each in families.items() if not each.fault(description.image_shape)]


def _search_space(family: str, task: Task, *, has_images: bool) -> list[str]:
    """Returns one line for every hyperparameter that is read beside the defaults, those that are searched first."""
    chosen: dict[str, Value] = {}
    searched, others = [], []
    for each in (*FAMILIES.load(family).hyperparameters, *shared_hyperparameters(task)):
        if not each.applies_to(chosen) or (has_images and each is NORMALIZATION):
            continue
        chosen[each.name] = each.default
        if each.name in _SEARCHED:
            searched.append((f"  {each.name}: {_start(each)}", each))
        else:
            others.append((f"  # {each.name}: {scalar(each.default)}", each))
    width = max(len(line) for line, _ in searched)
    return [f"{line:<{width}}  # {_about(each)}" for line, each in (*searched, *others)]


def _start(hyper: Hyperparameter) -> str:
    """Returns a range, around the default, to begin a search with."""
    default = hyper.default
    assert isinstance(default, int | float), f"{hyper.name} has no range"
    if hyper.name == "batch_size":
        return f"[{default // 2}, {default}, {default * 2}]"
    if hyper.kind is Kind.FLOAT:
        # a share is searched up to a half, a magnitude by a factor of ten each way
        return f"{{min: {default / 10:g}, max: {default * 10:g}, log: true}}" if default else "{min: 0.0, max: 0.5}"
    if default <= 8:
        return f"{{min: {max(1, default // 2)}, max: {default * 2}}}"
    return f"{{min: {default // 4}, max: {default * 2}, log: true}}"


def _about(hyper: Hyperparameter) -> str:
    allowed = (
        [f"Any of {', '.join(map(scalar, hyper.values))}."]
        if len(hyper.values) > 1 and hyper.default is not False
        else []
    )
    allowed += [f"At least {hyper.min:g}."] if hyper.min is not None else []
    allowed += [f"At most {hyper.max:g}."] if hyper.max is not None else []
    allowed += [f"Below {hyper.below:g}."] if hyper.below is not None else []
    return " ".join([hyper.doc, *allowed])


def _guess_targets(table: Table, useless: Mapping[str, str]) -> list[str]:
    """Returns the column that is predicted, or several."""
    candidates = [name for name in table.features if name not in useless] or table.features
    names = {name.casefold(): name for name in reversed(candidates)}
    if one := next((names[name] for name in _TARGET_NAMES if name in names), None):
        return [one]
    several = [name for name in candidates if _ONE_OF_TARGETS.fullmatch(name) and _holds_numbers(table, name)]
    return several if 1 < len(several) < len(candidates) else [candidates[-1]]


def _holds_numbers(table: Table, name: str) -> bool:
    """Says whether a column has a number in every row."""
    about = table.about[name]
    return about.kind is ColumnKind.NUMBER and not (about.missing or about.fault)


def _read_targets(table: Table, names: Sequence[str]) -> Target:
    """Reads targets; of marks that are not one class for each row it is guessed that they are labels."""
    try:
        return read_targets(table, names, None)
    except DataError:
        if len(names) == 1:
            raise
        return read_targets(table, names, Task.MULTILABEL)


def _useless(table: Table) -> dict[str, str]:
    """Returns the columns that only tell rows apart, or do not tell them apart at all, and why."""
    reasons = {name: _fault(table, name) for name in table.features}
    return {name: reason for name, reason in reasons.items() if reason}


def _fault(table: Table, name: str) -> str:
    import numpy as np

    about, column = table.about[name], table.column(name)
    if about.missing == table.rows:
        return "which is empty"
    if about.fault:
        return f"which {about.fault}"
    distinct = np.unique(column.values[~column.is_missing])
    if len(distinct) < 2 and not about.missing:
        return "which is the same in every row"
    if about.kind is ColumnKind.TEXT:
        assert column.texts is not None, "texts have texts"
        numbers = as_numbers(column.texts, has_decimal_comma=table.source.has_decimal_comma)
        is_identifier = about.distinct > table.rows // 2 and not has_strays(numbers)
        return f"which has {about.distinct} different texts in {table.rows} rows" if is_identifier else ""
    is_named = name.casefold() == "id" or name.endswith(("_id", "ID", "Id"))
    is_numbered = name == table.features[0] and bool((distinct[1:] - distinct[:-1] == 1).all())
    is_identifier = about.kind is ColumnKind.NUMBER and len(distinct) == table.rows and (is_named or is_numbered)
    return "which looks like an identifier" if is_identifier else ""


def scalar(value: Value) -> str:
    """Writes a value so that YAML 1.1 and 1.2 alike read it as what it is."""
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = re.fullmatch(r"[\w./-][\w ./-]*(?<! )", value) and yaml.safe_load(f"[{value}]") == [value]
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(text.split())
