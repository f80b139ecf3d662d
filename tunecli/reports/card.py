"""The model card: what a model predicts, from what, how it was found, and how well it does.

`training.card` makes the document, which is `card.json`; here it becomes a page for people, `card.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tunecli.reports.markdown import bullets, escaped, named, paragraph, table
from tunecli.reports.text import counted
from tunecli.spec.space import show_value
from tunecli.study.objective import plain_metric

MOST_NAMED = 12
"""So many columns or classes are listed; all of them are in bundle.json."""

_SHORT = {"median_absolute_error": "median error", "balanced_accuracy": "balanced acc."}
"""Names of figures that would make the table wider than a terminal."""


def render_card(card: Mapping[str, Any]) -> str:
    """Returns a card as Markdown.

    Args:
        card: What stands in `card.json`.
    """
    sections = [
        f"# {escaped(card['study'])}",
        _predicts(card),
        *_scores(card),
        *_target_scores(card["target_scores"]),
        *_seeds(card),
        *_top(card),
        *_baselines(card),
        "## Search",
        paragraph(_search(card)),
        "## Training",
        paragraph(_training(card["model"])),
        "## Values",
        bullets(f"{escaped(name)}: {escaped(show_value(value))}" for name, value in card["model"]["values"].items()),
        *_data(card["data"]),
        *_limits(card),
        "## Reproduce",
        f"```sh\n{card['reproduce']}\n```",
        "## Versions",
        paragraph(", ".join(f"{escaped(name)} {escaped(version)}" for name, version in card["versions"].items())),
    ]
    return "\n\n".join(sections) + "\n"


def _predicts(card: Mapping[str, Any]) -> str:
    predicts = card["predicts"]
    targets = predicts["targets"]
    columns = predicts["columns"]
    reads = "images" if predicts["reads_images"] else f"{len(columns)} columns: {named(columns, MOST_NAMED)}"
    what = named([each["name"] for each in targets], MOST_NAMED)
    classes = targets[0]["classes"]
    ways = {
        "regression": f"Predicts {what} (regression, in the units of the data) from {reads}.",
        "binary": f"Predicts whether {what} is {escaped((classes or [''])[-1])}, as a probability, from {reads}.",
        "multiclass": f"Predicts the class of {what}, as a probability of each of {len(classes)} "
        f"({named(classes, MOST_NAMED)}), from {reads}.",
    }
    other = f"Predicts {what} ({predicts['task']}) from {reads}."
    return paragraph(ways.get(predicts["task"], other))


def _scores(card: Mapping[str, Any]) -> Iterable[str]:
    """Yields a table of figures by part, where the trained model has any."""
    scores = card["scores"]
    yield "## Scores"
    # the parts with intervals, which have the most figures, stand behind the training part
    names = list(dict.fromkeys(name for figures in reversed(scores.values()) for name in figures))
    yield table(
        ["figure", *scores],
        [
            [_SHORT.get(name, escaped(name)), *(_with_interval(figures.get(name)) for figures in scores.values())]
            for name in names
        ],
    )
    if any(each["low"] is not None for figures in scores.values() for each in figures.values()):
        yield paragraph(
            "In brackets, where a figure lies at 95 %: how far off it may be because the rows are a sample (bootstrap, "
            "1,000 resamples). They say nothing of rows of another kind."
        )
    if card["model"]["full"]:
        search = card["search"]
        yield paragraph(
            f"The validation rows were trained on. In the search, without them, the trial had "
            f"{escaped(search['objective']['metric'])} {_figure(search['score'])}."
        )
    yield paragraph(_looks(card))


def _target_scores(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterable[str]:
    """Yields the scores of each of several targets; nothing where there is one."""
    if not scores:
        return
    yield "### Each target by itself"
    for part, by_target in scores.items():
        names = list(dict.fromkeys(name for figures in by_target.values() for name in figures))[:MOST_NAMED]
        rows = [
            [escaped(target), *(_value(figures.get(name)) for name in names)] for target, figures in by_target.items()
        ]
        yield table([part, *names], rows)


def _seeds(card: Mapping[str, Any]) -> Iterable[str]:
    count = len(card["seeds"])
    if count < 2:
        return
    seed = card["model"]["seed"]
    is_mean = card["model"]["models"] > 1
    yield f"## {count} seeds"
    yield paragraph(
        f"Mean ± standard deviation (n - 1) of {count} models that differ in their seed alone. "
        + (
            "What is kept, with the scores above, is the mean of what they predict (of probabilities for classes); all "
            "are in `members/`."
            if is_mean
            else f"The model that is kept, with the scores above, is that of the trial's own seed, {seed}: it was "
            "chosen before any of them was tested, and not for its scores."
        )
    )
    summary = card["summary"]
    names = list(dict.fromkeys(name for figures in summary.values() for name in figures))
    yield table(
        ["figure", *summary], [[escaped(name), *(_mean(each.get(name)) for each in summary.values())] for name in names]
    )


def _top(card: Mapping[str, Any]) -> Iterable[str]:
    top = card["top"]
    if not top:
        return
    objective = card["search"]["objective"]["metric"]
    metric = plain_metric(objective)
    parts = [part for part, figures in card["summary"].items() if metric in figures]
    figures = f"{metric}, mean ± standard deviation" if len(card["seeds"]) > 1 else metric
    yield f"## The best {len(top)} of the search"
    yield paragraph(
        f"By rank in the search; {escaped(figures)}. "
        "The first is kept, whatever the others came to: to choose by the test part would be to train on it."
    )
    yield table(
        ["rank", "trial", escaped(objective), *parts],
        [
            [each["rank"], each["trial"], _figure(each["score"]), *(_mean(each["summary"][p][metric]) for p in parts)]
            for each in top
        ],
    )


def _baselines(card: Mapping[str, Any]) -> Iterable[str]:
    baselines, search = card["baselines"], card["search"]
    if not baselines:
        return
    yield "## Baselines"
    better = sum(_is_better(each["score"], search) for each in baselines)
    compared = f"{better or 'None'} of them {'do' if better > 1 else 'does'} better than the trial."
    is_any_scored = any(each["score"] is not None for each in baselines)
    yield paragraph(
        "Simple models, fitted on the training rows and scored as trials were. "
        + (compared if is_any_scored else "None of them came to a score.")
    )
    metric = search["objective"]["metric"]
    own = [f"trial {card['trial']}, in the search", _figure(search["score"])]
    yield table(
        ["model", escaped(metric)],
        [own, *([escaped(each["name"]), _figure(each["score"])] for each in baselines)],
    )


def _is_better(score: float | None, search: Mapping[str, Any]) -> bool:
    """Says whether a score is better than that of the trial."""
    if score is None:
        return False
    return bool(score < search["score"] if search["objective"]["goal"] == "minimize" else score > search["score"])


def _search(card: Mapping[str, Any]) -> str:
    search, model = card["search"], card["model"]
    goal = f"{search['objective']['goal']} {search['objective']['metric']}"
    searched = search["searched"]
    over = f" over {named(searched, MOST_NAMED)}" if searched else ""
    place = "was the best of them" if search["rank"] == 1 else f"ranked {search['rank']} among them"
    trials = counted(search["trials"], "trial")
    return (
        f"{escaped(search['tuner'].capitalize())} search with seed {search['seed']} ran {trials} of "
        f"{escaped(model['family'])}{over}, to {escaped(goal)}. Trial {card['trial']} {place}, with "
        f"{_figure(search['score'])}."
    )


def _training(model: Mapping[str, Any]) -> str:
    continued = model["continued"]
    if continued is not None:
        return (
            "Not trained afresh: it goes on from what the search has kept, the weights of epoch "
            f"{continued['from_epoch']} and the optimizer, for {continued['epochs']} epochs more on the training and "
            f"validation rows ({escaped(continued['rule'])}), with seed {model['seed']}. Its preprocessing is the one "
            "that those weights were trained with: fitted to the training rows alone, and not fitted again."
        )
    rows = "training and validation rows" if model["full"] else "training rows alone"
    rule = escaped(model["epochs_rule"]) if model["epochs_rule"] else "its best epoch in the search"
    return f"Trained on the {rows} for {counted(model['epochs'], 'epoch')}, {rule}, with seed {model['seed']}."


def _looks(card: Mapping[str, Any]) -> str:
    looks, now = card["test_looks"], card["test_looks_now"]
    if looks == 0:
        return "There is no test part: nothing here is an estimate of how well it will do on new data."
    if looks == 1:
        return "The test part has been looked at once: its score is an honest estimate."
    if now == 0:
        return f"The test part has been looked at {looks} times, by others than these models."
    together = (
        f" {now} of these looks were for this card, one for each model"
        + (" and ensemble" if card["model"]["models"] > 1 else "")
        + ", and none of them chose anything."
        if now > 1
        else ""
    )
    return (
        f"The test part has been looked at {looks} times.{together} Each look makes its score a little less honest, "
        "if what it said was acted on."
    )


def _data(data: Mapping[str, Any]) -> Iterable[str]:
    yield "## Data"
    rows = ", ".join(f"{part} {count:,}" for part, count in data["rows"].items())
    split = data["split"]
    shares = ", ".join(f"{part} {split[part]:g}" for part in ("validation", "test") if split[part])
    yield bullets(
        [
            f"data set: {escaped(data['name'])}" + (f" ({escaped(data['path'])})" if data["path"] else ""),
            f"rows: {rows}",
            "split: "
            + (f"{shares} of all rows, " if shares else "")
            + (f"{escaped(split['how'])}, " if split["how"] else "")
            + (f"rows of one {escaped(split['group'])} together, " if split["group"] else "")
            + (f"in the order of {escaped(split['time'])}, " if split["time"] else "")
            + f"seed {split['seed']}",
            *(
                f"{escaped(name)}: {' × '.join(map(str, figures['shape']))}, {figures['dtype']}, sha256 "
                f"{figures['sha256'][:16]}…"
                for name, figures in data["fingerprint"].items()
            ),
        ]
    )


def _limits(card: Mapping[str, Any]) -> Iterable[str]:
    """Yields what the checks of the data have found; nothing where nobody has looked."""
    found = card["checks"]
    if found is None:
        return
    yield "## Limits"
    if not found:
        yield paragraph("The checks of the data found nothing to warn of.")
        return
    yield paragraph("Seen by the checks of the data before the search:")
    yield bullets(f"{each['severity']}: {escaped(each['what'])}" for each in found)


def _with_interval(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return ""
    if figure["low"] is None or figure["high"] is None:
        return _figure(figure["value"])
    return f"{_figure(figure['value'])} [{figure['low']:.3g}, {figure['high']:.3g}]"


def _value(figure: Mapping[str, float | None] | None) -> str:
    return "" if figure is None else _figure(figure["value"])


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _mean(figure: Mapping[str, float | None] | None) -> str:
    if figure is None:
        return ""
    mean, sd = _figure(figure["mean"]), figure["sd"]
    return mean if sd is None else f"{mean} ± {sd:.2g}"
