"""The columns that say how much each row counts, and which rows belong together."""

from __future__ import annotations

from tunecli.datasets.csv_text import Table


def read_weights(table: Table, name: str) -> list[float]:
    """Reads the column `name`, whose texts the table has kept.

    Raises:
        DataError: A weight is missing, no number or negative, or all are 0.
    """
    weights = [_weight(table, name, row) for row in range(table.rows)]
    if not any(weights):
        raise table.header.error(f"the weight '{name}' is 0 in every row", hint="drop dataset.sample_weight")
    return weights


def read_groups(table: Table, name: str) -> list[int]:
    """Reads the column `name`, whose texts the table has kept, as codes: equal texts have equal ones.

    Raises:
        DataError: A group is missing.
    """
    codes: dict[str, int] = {}
    found = []
    for row, text in enumerate(table.texts[name]):
        if text is None:
            hint = "name the group that the row belongs to, or delete it"
            raise table.header.error(f"the group '{name}' is missing", line=table.line(row), hint=hint)
        found.append(codes.setdefault(text, len(codes)))
    return found


def _weight(table: Table, name: str, row: int) -> float:
    text = table.texts[name][row]
    number = None if text is None else table.header.number(text)
    if text is None:
        what = f"the weight '{name}' is missing"
    elif number is None:
        what = f"'{text}' is not a number; the weight '{name}' must be one"
    elif number < 0:
        what = f"the weight '{name}' is {text}; it must not be negative"
    else:
        return number
    raise table.header.error(what, line=table.line(row), hint="correct it, or delete the row; 0 leaves a row out")
