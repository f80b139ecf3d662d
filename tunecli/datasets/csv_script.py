"""How a script reads a CSV file: what `csv_file` finds out each time is written down, as it is in the file today."""

from __future__ import annotations

from tunecli.datasets.base import LoadScript, OptionError
from tunecli.datasets.column import ColumnKind
from tunecli.datasets.csv_text import MISSING, PADDING, CsvSource
from tunecli.datasets.table import Table
from tunecli.scripting import Lines, listed, literal
from tunecli.spec.experiment import Task

_HINT = "drop it, and tunecli eject writes the rest"


def csv_script(table: Table, features: tuple[str, ...], target: str, task: Task) -> LoadScript:
    """Writes how to read the columns of a file that is known to be regular.

    Raises:
        OptionError: The file is no plain CSV, or a feature is a date: a script has no counterpart.
    """
    header = table.source
    if not isinstance(header, CsvSource) or header.path.suffix == ".gz":
        raise OptionError("path", "an ejected script reads plain CSV alone", hint="save the table as CSV")
    if found := [name for name in features if table.about[name].kind is ColumnKind.DATE]:
        raise OptionError("features", f"an ejected script has no dates, as '{found[0]}' is", hint=_HINT)
    gaps = {name for name in features if table.about[name].missing}
    is_number = {name: table.about[name].kind is ColumnKind.NUMBER for name in (*features, target)}
    numbers = [name for name in features if is_number[name]]
    texts = [name for name in features if not is_number[name]]
    constants = [
        f"TARGET = {literal(target)}",
        *(listed("NUMBERS = [", numbers) if numbers else []),
        *(listed("TEXTS = [", texts) if texts else []),
        *listed("MISSING = [", MISSING),
        f"PADDING = {literal(PADDING)}",
    ]
    has_number = bool(numbers) or is_number[target]
    return LoadScript(
        [
            *_load(header, numbers, texts, _target(task, is_number=is_number[target])),
            *_functions_of_cells(header, has_number=has_number),
        ],
        imports=("csv",),
        constants=constants,
        path=header.path,
        path_help="the table",
        has_numbers=bool(numbers),
        has_texts=bool(texts),
        has_missing_numbers=not gaps.isdisjoint(numbers),
        has_missing_texts=not gaps.isdisjoint(texts),
    )


def _target(task: Task, *, is_number: bool) -> str:
    values = f"[{'number' if is_number else 'clean'}(cell) for cell in columns[TARGET]]"
    # codes by size or by letter
    return f"np.array({values})" if task is Task.REGRESSION else f"np.unique({values}, return_inverse=True)[1]"


def _load(header: CsvSource, numbers: list[str], texts: list[str], target: str) -> Lines:
    delimiter = "" if header.separator == "," else f", delimiter={literal(header.separator)}"
    load = [
        "def load(path):",
        f'    """Returns {_contents(numbers, texts)}, and the target."""',
        '    with open(path, newline="", encoding="utf-8-sig") as lines:',
        f"        names, *rows = (row for row in csv.reader(lines{delimiter}) if any(map(str.strip, row)))",
        "    columns = {name.strip(PADDING): cells for name, *cells in zip(names, *rows, strict=True)}",
    ]
    found = []
    if numbers:
        load.append("    numbers = np.array([[number(cell) for cell in columns[name]] for name in NUMBERS]).T")
        found.append("numbers")
    if texts:
        load.append("    texts = np.array([[clean(cell) for cell in columns[name]] for name in TEXTS]).T")
        found.append("texts")
    return [*load, f"    return {', '.join([*found, target])}"]


def _contents(numbers: list[str], texts: list[str]) -> str:
    if numbers and texts:
        return "the columns of numbers, those of texts"
    return "the columns of numbers" if numbers else "the columns of texts"


def _functions_of_cells(header: CsvSource, *, has_number: bool) -> Lines:
    functions = """

def clean(cell):
    \"""Returns a cell without what surrounds it, or "" if it stands for a missing value.\"""
    text = cell.strip(PADDING)
    return "" if text.lower() in MISSING else text
"""
    if has_number:
        plain = 'clean(cell).replace(",", ".")' if header.has_decimal_comma else "clean(cell)"
        functions += f'''

def number(cell):
    """Returns the number that a cell holds, NaN if it is missing."""
    return float({plain} or "nan")
'''
    return functions.rstrip().split("\n")
