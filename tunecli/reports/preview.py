"""What a search would do, as text: for `search --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunecli.spec.space import show_value


def preview_text(document: Mapping[str, Any]) -> str:
    """Returns the preview of a plan as lines for people.

    Args:
        document: What `plan.preview.preview` returns, with `disk_bytes`; None where it cannot be told.
    """
    objective = document["objective"]
    lines = [
        f"study      {document['study']}",
        f"data       {document['dataset']}, {document['task']}",
        *([f"targets    {', '.join(document['targets'])}"] if document["targets"] else []),
        f"model      {document['family']}",
        f"objective  {objective['goal']} {objective['metric']}",
        f"space      {_size(document)}",
        *_space_lines(document["space"]),
    ]
    if document["fixed"]:
        lines.append("fixed      " + ", ".join(f"{k}={show_value(v)}" for k, v in document["fixed"].items()))
    options = ", ".join(f"{k} {v}" for k, v in document["tuner"].items() if k != "name" and v is not None)
    lines.append(f"tuner      {document['tuner']['name']}" + (f" ({options})" if options else ""))
    for number, bracket in enumerate(document["brackets"], 1):
        rungs = " → ".join(f"{rung['trials']} to epoch {rung['epochs']}" for rung in bracket)
        lines.append(f"  bracket {number}: {rungs}")
    each = document["trainings_per_trial"]
    trainings = f" of {each} trainings" if each > 1 else ""
    lines.append(f"work       {document['trials']:,} trials{trainings}, {document['epochs']:,} epochs")
    if document["disk_bytes"] is not None:
        lines.append(f"disk       about {show_bytes(document['disk_bytes'])}")
    return "\n".join(lines)


def show_bytes(size: float) -> str:
    """Returns a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _size(document: Mapping[str, Any]) -> str:
    count = len(document["space"])
    names = f"{count} parameter{'s' * (count != 1)}"
    size = document["space_size"]
    return f"{names}, continuous" if size is None else f"{names}, {size:,} configuration{'s' * (size != 1)}"


def _space_lines(space: list[dict[str, Any]]) -> list[str]:
    width = max((len(each["name"]) for each in space), default=0)
    return [
        f"  {each['name']:<{width}}  {each['range']}" + (f"  when {' and '.join(each['when'])}" if each["when"] else "")
        for each in space
    ]
