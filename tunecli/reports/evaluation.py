"""How good a model is, on a terminal: figures with their intervals, classes or residuals, groups.

output.print(evaluation_view(document))      # what `evaluate --json` prints, drawn
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunecli.reports import terminal
from tunecli.reports.text import printable, show_score

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_CROSSED = 12
"""With more classes than these, the confusion matrix is the list of its largest mistakes."""

MOST_MISTAKES = 15

MOST_CLASSES = 40

_SHOWN_OF_GROUPS = {
    "regression": ("rmse", "mae", "r2", "bias"),
    "classes": ("accuracy", "balanced_accuracy", "log_loss", "roc_auc", "f1_macro"),
}


def evaluation_view(document: Mapping[str, Any]) -> RenderableType:
    """Returns an evaluation, laid out for 80 characters.

    Args:
        document: What `--json` prints.
    """
    from rich.console import Group

    parts: list[RenderableType] = []
    several = len(document["targets"]) > 1
    for target in document["targets"]:
        title = f"{printable(target['name'])}, {document['rows']:,} rows"
        parts += terminal.titled(title, _figures(target)) if several else [_figures(target)]
        parts += _details(target)
    if document["by"] is not None:
        parts += _groups(document)
    return Group(*parts)


def _figures(target: Mapping[str, Any]) -> RenderableType:
    table = terminal.table(["figure", "value", "95 % interval"], left=1, right=3)
    for name, figure in target["figures"].items():
        terminal.add(table, [name, show_score(figure["value"]), _interval(figure)])
    return table


def _interval(figure: Mapping[str, float | None]) -> str:
    return "–" if figure["low"] is None else f"{show_score(figure['low'])} … {show_score(figure['high'])}"


def _details(target: Mapping[str, Any]) -> Iterator[RenderableType]:
    if target["residuals"] is not None:
        yield from terminal.titled("residuals, predicted less true", _residuals(target["residuals"]))
    if target["classes"] is not None:
        yield from terminal.titled("classes", _classes(target["classes"]))
        yield from _confusion(target["classes"], target["confusion"])


def _residuals(residuals: Mapping[str, float]) -> RenderableType:
    wide = terminal.table([*residuals], right=len(residuals))
    terminal.add(wide, map(show_score, residuals.values()))
    compact = terminal.table(["residual", "value"], left=1, right=2)
    for name, value in residuals.items():
        terminal.add(compact, [name, show_score(value)])
    return terminal.Fitting(wide, compact)


def _classes(classes: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = terminal.table(["class", "precision", "recall", "f1", "rows"], left=1, right=5)
    for each in classes[:MOST_CLASSES]:
        scores = (f"{each[name]:.3f}" for name in ("precision", "recall", "f1"))
        terminal.add(table, [printable(each["name"]), *scores, f"{each['support']:,}"])
    if len(classes) > MOST_CLASSES:
        terminal.add(table, [f"… and {len(classes) - MOST_CLASSES} more", "", "", "", ""])
    return table


def _confusion(classes: Sequence[Mapping[str, Any]], confusion: Sequence[Sequence[int]]) -> list[RenderableType]:
    """Returns the whole matrix, or the commonest mistakes where it is large or does not fit."""
    names = [printable(each["name"]) for each in classes]
    mistakes = _mistakes(names, confusion)
    if len(names) > MOST_CROSSED:
        return mistakes
    numbered = [f"{code} {name}" for code, name in enumerate(names)]
    wide = terminal.table(["true \\ predicted", *map(str, range(len(names)))], left=1, right=1 + len(names))
    for name, counts in zip(numbered, confusion, strict=True):
        terminal.add(wide, [name, *(f"{count}" if count else "·" for count in counts)])
    if not mistakes:
        return terminal.titled("confusion", wide)
    return terminal.titled("confusion", terminal.Fitting(wide, mistakes[1]))


def _mistakes(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[RenderableType]:
    found = [
        (count, names[true], names[predicted], sum(counts))
        for true, counts in enumerate(confusion)
        for predicted, count in enumerate(counts)
        if count and true != predicted
    ]
    if not found:
        return []
    table = terminal.table(["true", "predicted", "rows", "of"], left=2, right=4)
    for count, true, predicted, rows in sorted(found, key=lambda each: -each[0])[:MOST_MISTAKES]:
        terminal.add(table, [true, predicted, f"{count:,}", f"{rows:,}"])
    return terminal.titled("commonest mistakes", table)


def _groups(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    by = document["by"]
    for index, target in enumerate(document["targets"]):
        kind = "regression" if document["task"] == "regression" else "classes"
        first, *others = _SHOWN_OF_GROUPS[kind]
        named = f"by {by['column']}" + (f": {target['name']}" if len(document["targets"]) > 1 else "")
        table = terminal.table([by["column"], "rows", first, "95 % interval", *others], left=1, right=4 + len(others))
        narrow = terminal.table([by["column"], "rows", first, "95 % interval"], left=1, right=4)
        for group in by["groups"]:
            figures = group["targets"][index]["figures"]
            cells = [
                printable(group["name"]),
                f"{group['rows']:,}",
                show_score(figures[first]["value"]),
                _interval(figures[first]),
            ]
            terminal.add(narrow, cells)
            terminal.add(table, [*cells, *(show_score(figures[name]["value"]) for name in others)])
        yield from terminal.titled(named, terminal.Fitting(table, narrow))
    if by["left_out"]:
        yield terminal.text(f"and {by['left_out']} smaller groups, which are left out")
