"""The model card: what was trained, on what, how it was chosen, and how well it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunecli.spec.space import show_value


def render_card(document: Mapping[str, Any]) -> str:
    """Returns the card of a retrained model as Markdown.

    Args:
        document: What stands in its `metrics.json`.
    """
    sections = [
        f"# {document['study']}: {document['family']} on {document['dataset']['name']}",
        _training(document),
        "## Scores\n\n" + _scores(document["scores"]),
        _looks(document),
        "## Values\n\n" + "\n".join(f"- {name}: {show_value(value)}" for name, value in document["values"].items()),
        _data(document["dataset"]),
        "## Versions\n\n" + "\n".join(f"- {name} {version}" for name, version in document["versions"].items()),
    ]
    return "\n\n".join(sections) + "\n"


def _training(document: Mapping[str, Any]) -> str:
    search = document["search"]
    objective = search["objective"]
    rows = "training and validation rows" if document["full"] else "training rows alone"
    return (
        f"Trial {document['trial']} of {search['trials']}, found by {search['tuner']} search with seed "
        f"{document['study_seed']}; {objective['metric']} {search['score']:.6g} ({objective['goal']}d). "
        f"Trained on the {rows} for {document['epochs']} epochs, its best epoch in the search, "
        f"with seed {document['seed']}."
    )


def _scores(scores: Mapping[str, Mapping[str, float]]) -> str:
    names = list(dict.fromkeys(name for part in scores.values() for name in part))
    header = f"| part | {' | '.join(names)} |\n|---|{'---:|' * len(names)}"
    rows = [
        f"| {part} | {' | '.join(f'{figures[name]:.6g}' if name in figures else '' for name in names)} |"
        for part, figures in scores.items()
    ]
    return "\n".join([header, *rows])


def _looks(document: Mapping[str, Any]) -> str:
    looks = document["test_looks"]
    if looks == 0:
        return "There is no test part: nothing here is an estimate of how well it will do on new data."
    if looks == 1:
        return "The test part has been looked at once: its score is an honest estimate."
    return (
        f"The test part has been looked at {looks} times. Each look makes its score a little less honest, "
        "if what it said was acted on."
    )


def _data(dataset: Mapping[str, Any]) -> str:
    rows = ", ".join(f"{part} {count}" for part, count in dataset["rows"].items())
    lines = [
        f"- data set: {dataset['name']}" + (f" ({dataset['path']})" if dataset["path"] else ""),
        f"- task: {dataset['task']}",
        f"- rows: {rows}; split seed {dataset['split_seed']}",
        *(
            f"- {name}: shape {figures['shape']}, {figures['dtype']}, sha256 {figures['sha256']}"
            for name, figures in dataset["fingerprint"].items()
        ),
    ]
    return "## Data\n\n" + "\n".join(lines)
