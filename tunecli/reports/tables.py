"""Tables on a terminal. What to show is computed in `data`; here it is laid out.

Names and values come from users and are drawn as plain text, never as markup. A table that does not fit falls back to
a layout that does: a value is wrapped, never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tunecli.reports import terminal
from tunecli.reports.curves.sparks import Spark, mark_below, together
from tunecli.reports.data import Row, StudyRow, compare, curves, rank_baselines, target_names
from tunecli.reports.plan_facts import show_range
from tunecli.reports.summary import verdict
from tunecli.reports.text import show_date, show_duration, show_score, show_spread, show_values
from tunecli.spec.space import SearchSpace, Value, show_value
from tunecli.study.baseline import Baseline
from tunecli.study.check import Checks
from tunecli.study.objective import VALIDATION, plain_metric
from tunecli.study.snapshot import Snapshot

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SPARK_WIDTH = 32
"""Characters of a curve."""


def leaderboard_table(
    rows: Sequence[Row], snapshot: Snapshot, curves: Mapping[int, RenderableType] = MappingProxyType({})
) -> RenderableType:
    """Returns the leaderboard of a study: a column for each hyperparameter, or all in one where those do not fit.

    Args:
        rows: Its lines.
        snapshot: The study.
        curves: By trial, a curve to stand in a column of its own where there is room for that too.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    metric = snapshot.objective.metric
    wide = terminal.table(["rank", "trial", metric, "epoch", "time", *names], right=5 + len(names))
    compact = terminal.table(["rank", "trial", metric, "epoch", "values"], right=4)
    widest = terminal.table(["rank", "trial", metric, "epoch", "time", *names, "curve"], right=5 + len(names))
    for row in rows:
        common = [
            str(row.rank),
            str(row.id),
            show_spread(row.score, row.score_sd),
            f"{row.best_epoch}/{row.epochs_run}",
        ]
        cells = [*common, show_duration(row.duration_s), *(_cell(row.values, name) for name in names)]
        terminal.add(wide, cells)
        widest.add_row(*map(terminal.text, cells), curves.get(row.id, ""))
        terminal.add(compact, [*common, show_values(row.values)])
    return terminal.Fitting(widest, terminal.Fitting(wide, compact)) if curves else terminal.Fitting(wide, compact)


def baselines_view(baselines: Sequence[Baseline], snapshot: Snapshot) -> RenderableType:
    """Returns the baselines of a study, best first, to stand below its leaderboard, and whether tuning has paid.

    Args:
        baselines: At least one.
        snapshot: The study.
    """
    from rich.console import Group

    metric = snapshot.objective.metric
    ranked = rank_baselines(baselines, snapshot.objective)
    table = terminal.table(["baseline", metric, "time", "rows"], left=1, right=4)
    for each in ranked:
        time = "–" if each.duration_s is None else show_duration(each.duration_s)
        terminal.add(table, [each.name, show_score(each.score), time, _rows(each)])
    # in a column of their own they would not fit 80 characters
    lines = [f"{each.name}: {each.cause or each.note}" for each in ranked if each.cause or each.note]
    found = compare(snapshot, baselines)
    lines += [] if found is None else [verdict(found, metric)]
    return Group(table, *map(terminal.text, lines))


def scores_table(scores: Mapping[str, Mapping[str, float | None]]) -> RenderableType:
    """Returns a model's scores: a row for each part of the data, or for each metric where those do not fit."""
    names = list(dict.fromkeys(name for figures in scores.values() for name in figures))
    wide = terminal.table(["part", *names], left=1, right=1 + len(names))
    compact = terminal.table(["metric", *scores], left=1, right=1 + len(scores))
    for part, figures in scores.items():
        terminal.add(wide, [part, *(show_score(figures.get(name)) for name in names)])
    for name in names:
        terminal.add(compact, [name, *(show_score(figures.get(name)) for figures in scores.values())])
    return terminal.Fitting(wide, compact)


def targets_table(scores: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> RenderableType:
    """Returns the scores of each of several targets by itself.

    Args:
        scores: By part of the data and target.
    """
    names = list(dict.fromkeys(name for each in scores.values() for figures in each.values() for name in figures))
    wide = terminal.table(["part", "target", *names], left=2, right=2 + len(names))
    compact = terminal.table(["part", "target", "metric", "score"], left=3, right=4)
    for part, of_targets in scores.items():
        for target, figures in of_targets.items():
            terminal.add(wide, [part, target, *(show_score(figures.get(name)) for name in names)])
            for name, figure in figures.items():
                terminal.add(compact, [part, target, name, show_score(figure)])
    return terminal.Fitting(wide, compact)


def seeds_table(document: Mapping[str, Any]) -> RenderableType:
    """Returns the scores of several models of one trial: mean ± standard deviation, the ensemble's, the kept model's.

    Args:
        document: What stands in `metrics.json`.
    """
    rows = list(_seeds_rows(document))
    names = list(dict.fromkeys(name for _, _, figures in rows for name in figures))
    wide = terminal.table(["part", "model", *names], left=2, right=2 + len(names))
    compact = terminal.table(["part", "model", "metric", "score"], left=3, right=4)
    for part, model, figures in rows:
        terminal.add(wide, [part, model, *(figures.get(name, "–") for name in names)])
        for name, figure in figures.items():
            terminal.add(compact, [part, model, name, figure])
    return terminal.Fitting(wide, compact)


def top_table(document: Mapping[str, Any]) -> RenderableType:
    """Returns the best trials of a search as they came out once more, by rank: the objective's metric on each part.

    Args:
        document: What stands in `metrics.json`.
    """
    objective = document["search"]["objective"]["metric"]
    metric = plain_metric(objective)
    parts = [part for part, figures in document["summary"].items() if metric in figures]
    wide = terminal.table(
        ["rank", "trial", f"{objective} in the search", *(f"{part} {metric}" for part in parts)], right=99
    )
    compact = terminal.table(["rank", "trial", "part", metric], right=4)
    for row in document["top"]:
        figures = {part: _mean(row["summary"][part][metric]) for part in parts}
        terminal.add(wide, [str(row["rank"]), str(row["trial"]), show_score(row["score"]), *figures.values()])
        for part, figure in {"search": show_score(row["score"]), **figures}.items():
            terminal.add(compact, [str(row["rank"]), str(row["trial"]), part, figure])
    return terminal.Fitting(wide, compact)


def studies_table(rows: Sequence[StudyRow], *, damaged: Iterable[str] = ()) -> RenderableType:
    """Returns the list of studies; those that cannot be read stand at its end."""
    wide = terminal.table(
        ["study", "state", "trials", "failed", "best", "objective", "time", "last written"], left=2, right=5
    )
    compact = terminal.table(["study", "state", "trials", "best"], left=2, right=3)
    for row in rows:
        score = show_score(row.best_score)
        counts = [row.name, row.state, str(row.completed), str(row.failed)]
        times = [show_duration(row.spent_s), show_date(row.updated_at)]
        terminal.add(wide, [*counts, score, row.metric, *times])
        terminal.add(compact, [row.name, row.state, str(row.completed), f"{row.metric} {score}"])
    for name in damaged:
        terminal.add(wide, [name, "damaged"])
        terminal.add(compact, [name, "damaged"])
    return terminal.Fitting(wide, compact)


def study_view(row: StudyRow, plan: Mapping[str, Any], causes: Sequence[tuple[int, str]]) -> RenderableType:
    """Returns what a study is about and how it stands.

    Args:
        row: The study.
        plan: Its plan, as kept in `plan.json`.
        causes: The failed trials' ids, and why each failed.
    """
    from rich.console import Group

    winner = f"{show_score(row.best_score)} (trial {row.best_trial})" if row.best_trial is not None else "none yet"
    facts = {
        "study": f"{row.name} ({row.state})",
        "data": f"{plan['dataset']['name']} ({plan['task']})",
        **({"target": ", ".join(targets)} if (targets := target_names(plan)) else {}),
        "family": plan["family"],
        "objective": f"{row.goal} {row.metric}",
        "tuner": _options(plan["tuner"]),
        "seed": str(plan["seed"]),
        "trials": f"{row.completed} completed, {row.failed} failed",
        "best": winner,
        "programs": f"{row.programs[0]} compiled, used again {row.programs[1]} times",
        "time": show_duration(row.spent_s),
        "written": show_date(row.updated_at),
    }
    parts: list[RenderableType] = [terminal.facts(facts), *terminal.titled("search space", _space_table(plan))]
    if causes:
        parts += terminal.titled(
            "failed", terminal.table(["trial", "cause"], [(str(trial), cause) for trial, cause in causes])
        )
    return Group(*parts)


def checks_view(checks: Checks) -> RenderableType:
    """Returns what was found in the data, to stand below what a study is about.

    Args:
        checks: With at least one finding.
    """
    from rich.console import Group

    rows = [(each.severity.value, f"{each.what}\nhint: {each.hint}") for each in checks.findings]
    return Group(*terminal.titled("found in the data", terminal.table(["", "what"], rows)))


def trial_view(document: Mapping[str, Any]) -> RenderableType:
    """Returns one trial: its values, score, curves, engine and layers, and why it failed if it did.

    Args:
        document: As `data.trial_document` returns it.
    """
    from rich.console import Group

    parts: list[RenderableType] = [terminal.facts(_trial_facts(document))]
    parts += terminal.titled(
        "values", terminal.table(["name", "value"], [(k, show_value(v)) for k, v in document["values"].items()])
    )
    if document["trainings"]:
        parts += terminal.titled("trainings", _trainings_table(document))
    if document["measurements"]:
        parts += terminal.titled("curves", _curves_table(document))
    if document["layers"]:
        parts += terminal.titled("layers", _layers_table(document["layers"]))
    if document["log_tail"]:
        parts += terminal.titled("log", terminal.text("\n".join(document["log_tail"])))
    return Group(*parts)


def _rows(baseline: Baseline) -> str:
    if baseline.rows in (None, baseline.train_rows):
        return f"{baseline.train_rows:,}"
    return f"{baseline.rows:,} of {baseline.train_rows:,}"


def _seeds_rows(document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Yields part, model and figures."""
    ensemble = document["ensemble"]
    for part, figures in document["summary"].items():
        yield part, f"mean of {len(document['seeds'])}", {name: _mean(each) for name, each in figures.items()}
        if ensemble is not None:
            yield part, "ensemble", {name: show_score(each) for name, each in ensemble["scores"][part].items()}
        yield part, "kept", {name: show_score(each) for name, each in document["scores"][part].items()}


def _mean(figure: Mapping[str, float | None]) -> str:
    return show_spread(figure["mean"], figure["sd"])


def _trial_facts(document: Mapping[str, Any]) -> dict[str, str]:
    rank = f"rank {document['rank']}" if document["rank"] else document["status"]
    facts = {"trial": f"{document['id']} of {document['study']} ({rank})"}
    if document["score"] is not None:
        metric = document["objective"]["metric"]
        score = show_spread(document["score"], document["score_sd"])
        several = f" over {len(document['trainings'])} trainings" if document["trainings"] else ""
        facts["score"] = f"{metric} {score}{several} at epoch {document['best_epoch']}"
    if document["cause"]:
        facts["cause"] = document["cause"]
    facts["epochs"] = _epochs(document)
    if document["stopped"]:
        facts["stopped"] = document["stopped"]
    if document["duration_s"] is not None:
        facts["time"] = show_duration(document["duration_s"])
    if document["attempts"] > 1:
        facts["attempts"] = str(document["attempts"])
    if document["engine"]:
        reason = f" ({document['engine_reason']})" if document["engine_reason"] else ""
        facts["engine"] = f"{document['engine']}{reason}"
    return facts


def _epochs(document: Mapping[str, Any]) -> str:
    run = document["epochs_run"] if document["epochs_run"] is not None else len(document["measurements"])
    text = f"{run} of {document['end_epoch']}"
    ancestors = document["lineage"][:-1]
    return f"{text}, the first {document['start_epoch']} by trial {ancestors[-1]}" if ancestors else text


def _curves_table(document: Mapping[str, Any]) -> Table:
    """Returns the curve of each metric; those of the objective stand first, on one scale, their best epoch marked."""
    measurements = document["measurements"]
    table = terminal.table(["metric", "curve", "first", "best epoch", "last"], left=2, right=5)
    at_best = next((index for index, each in enumerate(measurements) if each["epoch"] == document["best_epoch"]), None)
    found = curves(measurements)
    plain = plain_metric(document["objective"]["metric"])
    deciding = [name for name in (plain, f"{VALIDATION}{plain}") if name in found]
    sparks = dict(
        zip(deciding, together([found[name] for name in deciding], width=SPARK_WIDTH, keep=at_best), strict=True)
    )
    for name in (*deciding, *(other for other in found if other not in deciding)):
        values = found[name]
        best = "" if at_best is None else show_score(values[at_best])
        figures = map(terminal.text, (show_score(values[0]), best, show_score(values[-1])))
        table.add_row(terminal.text(name), sparks.get(name) or Spark(values, SPARK_WIDTH), *figures)
        if deciding[-1:] == [name] and at_best is not None:
            mark = mark_below(len(values), SPARK_WIDTH, at_best)
            table.add_row("", mark, "", terminal.text(f"epoch {document['best_epoch']}"), "")
    return table


def _trainings_table(document: Mapping[str, Any]) -> Table:
    """Returns the folds and repeats of a trial: score, and the curve of what early stopping could see."""
    metric = document["objective"]["metric"]
    measured = [curves(each["measurements"]) for each in document["trainings"]]
    plain = plain_metric(metric)
    watched = f"{VALIDATION}{plain}" if any(f"{VALIDATION}{plain}" in each for each in measured) else plain
    table = terminal.table(["training", metric, "epoch", "time", f"{watched} by epoch"], left=1, right=4)
    for each, curve in zip(document["trainings"], measured, strict=True):
        epochs = f"{each['best_epoch'] or '–'}/{len(each['measurements'])}"
        time = "–" if each["duration_s"] is None else show_duration(each["duration_s"])
        cells = map(terminal.text, (each["name"], show_score(each["score"]), epochs, time))
        table.add_row(*cells, Spark(curve.get(watched, []), SPARK_WIDTH))
    return table


def _layers_table(layers: Sequence[Mapping[str, Any]]) -> Table:
    table = terminal.table(["layer", "kind", "output", "parameters"], left=3, right=4)
    for layer in layers:
        shape = " × ".join(map(str, layer["output_shape"]))
        terminal.add(table, [layer["name"], layer["kind"], shape, f"{layer['parameters']:,}"])
    terminal.add(table, ["total", "", "", f"{sum(layer['parameters'] for layer in layers):,}"])
    return table


def _space_table(plan: Mapping[str, Any]) -> Table:
    rows = [(each.name, show_range(each)) for each in SearchSpace.model_validate(plan["space"])]
    rows += [(name, f"{show_value(value)} (fixed)") for name, value in plan["fixed"].items()]
    return terminal.table(["name", "values"], rows)


def _options(tuner: Mapping[str, Any]) -> str:
    options = {name: value for name, value in tuner.items() if name != "name" and value is not None}
    return f"{tuner['name']}  {show_values(options)}".rstrip()


def _cell(values: Mapping[str, Value], name: str) -> str:
    return show_value(values[name]) if name in values else "–"
