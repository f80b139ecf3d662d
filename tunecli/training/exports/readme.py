"""`README.md` of an export: what the file takes and gives, and a few lines that predict with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tunecli.reports.markdown import escaped

MOST_NAMED = 30
"""So many columns are listed; all of them are in export.json."""

_MOST_SPELLED = 8
"""A row of so many columns is spelled out in the example."""


def render_readme(document: Mapping[str, Any], usage: Sequence[str]) -> str:
    """Returns the page as Markdown.

    Args:
        document: What stands in `export.json`.
        usage: Python code that predicts, its inputs being variables of their names.
    """
    targets = ", ".join(escaped(each["name"]) for each in document["targets"])
    check = document["check"]
    code = ["import numpy as np", *_preparing(document), *usage]
    lines = sorted((line for line in code if _is_import(line)), key=_is_ours) + [
        line for line in code if not _is_import(line)
    ]
    sections = [
        f"# {escaped(document['study'])} as {document['format']}",
        f"`{document['file']}` predicts {targets} ({document['task']}). Preprocessing: {document['preprocessing']}.",
        "```python\n" + "\n".join(lines) + "\n```",
        "## Inputs",
        *(_described(each) for each in document["inputs"]),
        "## Outputs",
        *(_described(each) for each in document["outputs"]),
        *(["## Notes", "\n".join(f"- {escaped(each)}" for each in document["notes"])] if document["notes"] else []),
        "## Check",
        f"Compared with the model it was made of on {check['origin']}: the greatest difference is "
        f"{check['greatest_difference']:.2g}, where {check['tolerance']:g} is allowed. A difference is relative to "
        "predictions above 1 (or above the largest one, if that is smaller), and absolute below; that of a probability "
        "is absolute.",
        "Everything here is in `export.json` for programs, with all columns and the sha256 of every file.",
    ]
    return "\n\n".join(sections) + "\n"


def _is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


def _is_ours(line: str) -> bool:
    return line.startswith("from preprocess ")


def _described(tensor: Mapping[str, Any]) -> str:
    shape = ", ".join("rows" if each is None else str(each) for each in tensor["shape"])
    columns = [escaped(each["name"]) for each in tensor.get("columns", ())]
    more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
    named = f": {', '.join(columns[:MOST_NAMED])}{more}" if columns else ""
    return f"- `{tensor['name']}`: {tensor['dtype']} ({shape}){named}"


def _preparing(document: Mapping[str, Any]) -> list[str]:
    """Returns code that makes one row of each input."""
    rows = [line for each in document["columns"] for line in _one_row(each)]
    if document["preprocessing"] == "inside":
        return rows
    names = [each["name"] for each in document["columns"]]
    if names == ["images"]:
        return [*rows, "from preprocess import preprocess_images", "features = preprocess_images(images)"]
    given = ", ".join(f"{each}={each}" for each in names)
    return [
        *rows,
        "from preprocess import preprocess",
        f"features = preprocess({given})",
        *(
            f"{each['name']} = features[:, {_positions(each)}]"
            for each in document["inputs"]
            if "feature" in each["columns"][0]
        ),
    ]


def _positions(tensor: Mapping[str, Any]) -> list[int]:
    return [column["feature"] for column in tensor["columns"]]


def _one_row(tensor: Mapping[str, Any]) -> list[str]:
    name, (_, *shape) = tensor["name"], tensor["shape"]
    columns = tensor.get("columns", ())
    if name == "rest":
        return [
            'rest = (numbers - np.float32(numbers)).astype("float32")',
            'numbers = numbers.astype("float32")',
        ]
    if tensor["dtype"] == "string":
        texts = [each["categories"][0] or "" for each in columns]
        row = json.dumps([texts]) if len(texts) <= _MOST_SPELLED else f'[[""] * {len(texts)}]'
        return [f'{name} = np.array({row})  # "" for a missing text']
    if name == "numbers":
        row = f"[{[1.0] * len(columns)}]" if len(columns) <= _MOST_SPELLED else f"[[1.0] * {len(columns)}]"
        dtype = "float64" if tensor["is_split"] else tensor["dtype"]
        return [f'{name} = np.array({row}, dtype="{dtype}")  # np.nan for a missing number']
    return [f'{name} = np.zeros({(1, *shape)}, dtype="{tensor["dtype"]}")']
