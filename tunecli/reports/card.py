"""The model card: what was trained, on what, how it was chosen, and how well it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunecli.spec.space import show_value
from tunecli.study.objective import plain_metric


def render_card(document: Mapping[str, Any]) -> str:
    """Returns the card of a retrained model as Markdown.

    Args:
        document: What stands in its `metrics.json`.
    """
    sections = [
        f"# {document['study']}: {document['family']} on {document['dataset']['name']}",
        _training(document),
        "## Scores\n\n" + _scores(document["scores"]),
        *_target_scores(document["target_scores"]),
        *_seeds(document),
        *_top(document),
        _looks(document),
        "## Values\n\n" + "\n".join(f"- {name}: {show_value(value)}" for name, value in document["values"].items()),
        _data(document["dataset"]),
        "## Versions\n\n" + "\n".join(f"- {name} {version}" for name, version in document["versions"].items()),
    ]
    return "\n\n".join(sections) + "\n"


def _training(document: Mapping[str, Any]) -> str:
    search = document["search"]
    objective = search["objective"]
    return (
        f"Trial {document['trial']} of {search['trials']}, found by {search['tuner']} search with seed "
        f"{document['study_seed']}; {objective['metric']} {search['score']:.6g} ({objective['goal']}d). "
        + (_afresh(document) if document["continued"] is None else _continued(document))
    )


def _afresh(document: Mapping[str, Any]) -> str:
    rows = "training and validation rows" if document["full"] else "training rows alone"
    return (
        f"Trained on the {rows} for {document['epochs']} epochs, its best epoch in the search, "
        f"with seed {document['seed']}."
    )


def _continued(document: Mapping[str, Any]) -> str:
    continued = document["continued"]
    return (
        f"Not trained afresh: it goes on from what the search has kept, the weights of epoch {continued['from_epoch']} "
        f"and the optimizer, for {continued['epochs']} epochs more on the training and validation rows "
        f"({continued['rule']}), with seed {document['seed']}. Its preprocessing is the one that those weights were "
        "trained with: fitted to the training rows alone, and not fitted again."
    )


def _scores(scores: Mapping[str, Mapping[str, float | None]]) -> str:
    names = _metrics(scores)
    return _table(
        ["part", *names],
        [[part, *(_figure(figures.get(name)) for name in names)] for part, figures in scores.items()],
    )


def _target_scores(scores: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Iterable[str]:
    """Yields the scores of each of several targets; nothing where there is one."""
    if not scores:
        return
    yield "### Each target by itself"
    names = list(dict.fromkeys(name for each in scores.values() for name in _metrics(each)))
    yield _table(
        ["part", "target", *names],
        [
            [part, target.replace("|", "\\|"), *(_figure(figures.get(name)) for name in names)]
            for part, each in scores.items()
            for target, figures in each.items()
        ],
    )


def _seeds(document: Mapping[str, Any]) -> Iterable[str]:
    count = len(document["seeds"])
    if count < 2:
        return
    yield f"## {count} seeds"
    yield (
        f"Mean ± standard deviation (n - 1) of {count} models that differ in their seed alone. The model that is kept, "
        f"with the scores above, is that of the trial's own seed, {document['seed']}: it was chosen before any of them "
        "was tested, and not for its scores."
    )
    summary = document["summary"]
    names = _metrics(summary)
    yield _table(["part", *names], [[part, *(_mean(each[name]) for name in names)] for part, each in summary.items()])
    if document["ensemble"] is not None:
        yield "## Ensemble"
        yield f"The mean of what the {count} models predict (of probabilities for classes); all are in `members/`."
        yield _scores(document["ensemble"]["scores"])
        yield from _target_scores(document["ensemble"]["target_scores"])


def _top(document: Mapping[str, Any]) -> Iterable[str]:
    top = document["top"]
    if not top:
        return
    objective = document["search"]["objective"]["metric"]
    metric = plain_metric(objective)
    parts = [part for part, figures in document["summary"].items() if metric in figures]
    figures = f"{metric}, mean ± standard deviation" if len(document["seeds"]) > 1 else metric
    yield f"## The best {len(top)} of the search"
    yield (
        f"By rank in the search; {figures}. "
        "The first is kept, whatever the others came to: to choose by the test part would be to train on it."
    )
    yield _table(
        ["rank", "trial", objective, *parts],
        [
            [each["rank"], each["trial"], _figure(each["score"]), *(_mean(each["summary"][p][metric]) for p in parts)]
            for each in top
        ],
    )


def _looks(document: Mapping[str, Any]) -> str:
    looks, now = document["test_looks"], document["test_looks_now"]
    if looks == 0:
        return "There is no test part: nothing here is an estimate of how well it will do on new data."
    if looks == 1:
        return "The test part has been looked at once: its score is an honest estimate."
    if now == 0:
        return f"The test part has been looked at {looks} times, by others than these models."
    together = (
        f" {now} of these looks were for this card, one for each model"
        + (" and ensemble" if document["ensemble"] is not None else "")
        + ", and none of them chose anything."
        if now > 1
        else ""
    )
    return (
        f"The test part has been looked at {looks} times.{together} Each look makes its score a little less honest, "
        "if what it said was acted on."
    )


def _data(dataset: Mapping[str, Any]) -> str:
    rows = ", ".join(f"{part} {count}" for part, count in dataset["rows"].items())
    lines = [
        f"- data set: {dataset['name']}" + (f" ({dataset['path']})" if dataset["path"] else ""),
        f"- task: {dataset['task']}",
        f"- target: {', '.join(dataset['targets'])}",
        f"- rows: {rows}; split seed {dataset['split_seed']}",
        *(
            f"- {name}: shape {figures['shape']}, {figures['dtype']}, sha256 {figures['sha256']}"
            for name, figures in dataset["fingerprint"].items()
        ),
    ]
    return "## Data\n\n" + "\n".join(lines)


def _metrics(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for figures in parts.values() for name in figures))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _mean(figure: Mapping[str, float | None]) -> str:
    mean, sd = _figure(figure["mean"]), figure["sd"]
    return mean if sd is None else f"{mean} ± {sd:.3g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a Markdown table; all columns but the first hold figures."""
    first, *others = header
    lines = [f"| {first} | {' | '.join(others)} |\n|---|{'---:|' * len(others)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])
