"""`tunecli curves`: how training and validation values went, epoch by epoch, from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.cli.results import no_trial, read_plan, read_snapshot
from tunecli.errors import StudyError, UsageError
from tunecli.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tunecli.reports.curves.learning_curves import LearningCurve
    from tunecli.store.run import Run
    from tunecli.store.salvage import TrialFiles
    from tunecli.study.snapshot import Snapshot

DEFAULT_TOP = 5


def curves(
    run: RunArgument = None,
    trials: Annotated[
        list[int] | None,
        typer.Option(
            "--trial", metavar="N", help="A trial, running or failed ones too; repeatable.", show_default=False
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", min=1, metavar="N", help=f"The best N trials; default: {DEFAULT_TOP}.", show_default=False
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", metavar="M", help="What to draw; default: the objective's.", show_default=False)
    ] = "",
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Where files go; default: the study's curves/."),
    ] = None,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Draw learning curves: training and validation values by epoch, of the best trials or of those named.

    A training value is a mean over the batches of its epoch, taken while
    the weights move; a validation value is measured at the epoch's end.
    Training values are therefore drawn half an epoch earlier (a whole one
    where an epoch is one batch; not at all with the scipy engine, which
    measures both at the end).

    The gap ratio says how many times worse the best epoch is on validation
    rows than on training rows: validation / training of an error, training /
    validation of a metric that is better when higher. Dropout is on in
    training and off in validation, so that it may be below 1.
    """
    from tunecli.store.layout import CurvesLayout
    from tunecli.store.run import find_run

    if trials and top is not None:
        raise UsageError("--trial and --top exclude each other", hint="drop one of them")
    found = find_run(runs, run)
    snapshot, plan = read_snapshot(found), read_plan(found)
    chosen = _chosen(found, snapshot, trials, DEFAULT_TOP if top is None else top)
    files = {trial: _read_files(found, snapshot, trial) for trial in chosen}
    names = _metric_names(found, files)
    drawn = _compute(snapshot, plan, files, _checked(metric, names))
    layout = CurvesLayout(folder or found.layout.curves)
    _write(layout, found, snapshot, plan, files, names, drawn)
    if as_json:
        output.json(_document(found, snapshot, drawn, layout))
    else:
        from tunecli.reports.curves.table import curves_view

        rows = [(trial, snapshot.trials[trial].score, curve) for trial, curve in drawn.items()]
        output.print(curves_view(rows, snapshot.objective.metric))
    output.say(f"wrote {layout.picture} and {layout.table}")


def _chosen(run: Run, snapshot: Snapshot, trials: Sequence[int] | None, top: int) -> list[int]:
    """Returns the trials to draw: those named, or the best that none has gone on from, which hold their ancestors.

    Raises:
        UsageError: A trial is not there.
        StudyError: Nothing has completed.
    """
    for trial in trials or ():
        if trial not in snapshot.trials:
            raise no_trial(run, snapshot, trial)
    if trials:
        return list(dict.fromkeys(trials))
    completed = snapshot.completed
    if not completed:
        some = next(iter(snapshot.trials), 0)
        hint = f"name one that runs or has failed: tunecli curves {run.name} --trial {some}"
        raise StudyError("no trial has completed", where=str(run.path), hint=hint)
    parents = {trial.suggestion.parent for trial in completed}
    return [trial.id for trial in completed if trial.id not in parents][:top]


def _read_files(run: Run, snapshot: Snapshot, trial: int) -> TrialFiles:
    from tunecli.store.salvage import read_trial

    files = read_trial(run, snapshot, trial)
    for problem in files.damage:
        output.problem(problem)
    return files


def _metric_names(run: Run, files: Mapping[int, TrialFiles]) -> list[str]:
    """Returns all that was measured.

    Raises:
        StudyError: Nothing was.
    """
    from tunecli.reports.curves.learning_curves import metric_names

    parts = [part for each in files.values() for part in (each.measurements, *each.trainings.values())]
    names = metric_names(measurement for part in parts for measurement in part)
    if not names:
        chosen = ", ".join(map(str, files))
        hint = f"see why: tunecli why {run.name} {next(iter(files))}" if len(files) == 1 else "name others with --trial"
        raise StudyError("no epoch was measured", where=f"trial {chosen}", hint=hint)
    return names


def _checked(metric: str, names: Sequence[str]) -> str:
    from tunecli.study.objective import plain_metric

    if metric and plain_metric(metric) not in names:
        raise UsageError(f"no metric is called '{metric}'", where="--metric", hint=did_you_mean(metric, names))
    return metric


def _compute(
    snapshot: Snapshot, plan: Mapping[str, Any] | None, files: Mapping[int, TrialFiles], metric: str
) -> dict[int, LearningCurve]:
    from tunecli.reports.curves.learning_curves import trial_curve

    return {
        trial: trial_curve(
            snapshot, trial, measurements=each.measurements, trainings=each.trainings, plan=plan, metric=metric
        )
        for trial, each in files.items()
    }


def _write(
    layout: Any,
    run: Run,
    snapshot: Snapshot,
    plan: Mapping[str, Any] | None,
    files: Mapping[int, TrialFiles],
    names: Sequence[str],
    drawn: Mapping[int, LearningCurve],
) -> None:
    """Writes all metrics as figures, and one as a picture."""
    from tunecli.reports.curves.pictures import MOST_PANELS, Panel, draw_curves, heading
    from tunecli.reports.curves.table import curves_csv
    from tunecli.reports.text import show_values
    from tunecli.store.files import write_whole

    of_metrics = [_compute(snapshot, plan, files, name) for name in names]
    write_whole(layout.table, curves_csv((trial, each[trial]) for trial in files for each in of_metrics))
    ranks = {trial.id: rank for rank, trial in enumerate(snapshot.completed, start=1)}
    panels = []
    for trial, curve in drawn.items():
        found = snapshot.trials[trial]
        text = heading(trial, found.status.value, ranks.get(trial), snapshot.objective.metric, found.score)
        panels.append(Panel(text, show_values(found.suggestion.values), curve))
    draw_curves(layout.picture, panels, title=f"{run.name}: learning curves of {next(iter(drawn.values())).metric}")
    if len(panels) > MOST_PANELS:
        output.say(f"the picture shows the first {MOST_PANELS} of {len(panels)} trials; {layout.table.name} has all")


def _document(run: Run, snapshot: Snapshot, drawn: Mapping[int, LearningCurve], layout: Any) -> dict[str, Any]:
    from tunecli.reports.curves.learning_curves import curve_document

    return {
        "study": run.name,
        "objective": {"metric": snapshot.objective.metric, "goal": snapshot.objective.goal.value},
        "picture": str(layout.picture),
        "table": str(layout.table),
        "trials": [
            {
                "id": trial,
                "status": snapshot.trials[trial].status.value,
                "score": snapshot.trials[trial].score,
                **curve_document(curve),
            }
            for trial, curve in drawn.items()
        ],
    }
