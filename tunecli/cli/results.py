"""`tunecli best`, `list`, `show` and `delete`: what studies came to. They read alone, while a search runs, too."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.advice import read_advice, say_advice
from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.errors import Problem, StudyError, TunecliError, UsageError

if TYPE_CHECKING:
    from tunecli.reports.curves.sparks import Spark
    from tunecli.reports.data import Row, StudyRow
    from tunecli.spec.space import Values
    from tunecli.store.run import Run
    from tunecli.study.baseline import Baseline
    from tunecli.study.check import Checks
    from tunecli.study.snapshot import Snapshot


MOST_DAMAGED = 3
"""Damaged files of listed trials that are named."""

MOST_SHOWN = 100
"""Trials that `show` lists, and whose curves a leaderboard draws."""

PLAN_PARTS = ("space", "fixed", "tuner", "training", "limits")
"""What a plan must hold to be read any further."""

LEADERBOARD_SPARK = 16
"""Characters of a curve in a leaderboard."""


def best(
    run: RunArgument = None,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="How many trials to show.")] = 10,
    as_json: JsonOption = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print the winner's values, ready for a spec.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Show the best trials of a study."""
    from tunecli.reports.data import best_json
    from tunecli.store.run import find_run

    if as_json and as_yaml:
        raise UsageError("--json and --yaml exclude each other", hint="drop one of them")
    found = find_run(runs, run)
    snapshot = read_snapshot(found)
    if snapshot.best is None:
        raise _no_winner(found, snapshot)
    if as_json:
        output.json(best_json(snapshot, top, baselines=read_baselines(found), targets=_read_targets(found)))
    elif as_yaml:
        from tunecli.plan import Plan

        output.result(_as_yaml(Plan.of(found).as_spec(snapshot.best.suggestion.values)))
    else:
        from tunecli.reports.tables import baselines_view

        print_leaderboard(found, snapshot, top)
        if baselines := read_baselines(found):
            output.print(baselines_view(baselines, snapshot))
        if len(targets := _read_targets(found)) > 1:
            output.say(f"predicted: {', '.join(targets)}")
        output.say(_next_step(found))


def print_leaderboard(run: Run, snapshot: Snapshot, top: int) -> None:
    """Prints the best trials with their curves, and says what is damaged of those."""
    from tunecli.reports.data import leaderboard
    from tunecli.reports.tables import leaderboard_table

    rows = leaderboard(snapshot, top)
    output.print(leaderboard_table(rows, snapshot, _sparks(run, snapshot, rows)))


def read_baselines(run: Run) -> tuple[Baseline, ...]:
    """Returns a study's baselines; none where their file is damaged, which is said: it hides no trial."""
    try:
        return run.baselines()
    except StudyError as error:
        for problem in error.problems:
            output.problem(problem)
        return ()


def read_checks(run: Run) -> Checks | None:
    """Returns what was found in a study's data; None where nobody has looked, or the file is damaged, which is said."""
    try:
        return run.checks()
    except StudyError as error:
        for problem in error.problems:
            output.problem(problem)
        return None


def read_snapshot(run: Run) -> Snapshot:
    """Reads a study, and says what is wrong with the end of its journal."""
    from tunecli.store.salvage import read_study

    snapshot, damage = read_study(run)
    for problem in damage:
        output.problem(problem)
    return snapshot


def read_plan(run: Run) -> dict[str, Any] | None:
    """Returns a study's plan as it stands in its file; None where that is missing or damaged, which is said."""
    from tunecli.store.files import damaged

    try:
        plan = run.plan_document()
        if not all(isinstance(plan.get(part), dict) for part in PLAN_PARTS):
            raise damaged(str(run.layout.plan), "not the plan of a study")
    except StudyError as error:
        for problem in error.problems:
            output.problem(problem)
        return None
    return plan


def no_trial(run: Run, snapshot: Snapshot, trial: int) -> TunecliError:
    """Returns the error of a study that has no such trial, or has lost it."""
    if trial in run.trials_with_files() and not run.is_held():
        return StudyError(f"has lost trial {trial}", where=str(run.layout.journal), hint=_known_trials(snapshot))
    return UsageError(f"has no trial {trial}", where=str(run.path), hint=_known_trials(snapshot))


def _read_targets(run: Run) -> tuple[str, ...]:
    """Returns the columns that a study predicts; none where its plan is damaged, which `show` says."""
    from tunecli.reports.data import target_names

    try:
        return target_names(run.plan_document())
    except (StudyError, LookupError, TypeError):  # the plan is read as it stands in its file
        return ()


def list_(as_json: JsonOption = False, runs: RunsOption = DEFAULT_RUNS) -> None:
    """List the studies, the newest first."""
    from tunecli.store.run import list_runs

    rows, damaged = [], []
    for run in list_runs(runs):
        try:
            rows.append(_row(run, read_snapshot(run)))
        except TunecliError as error:  # one damaged study hides no other
            output.say(str(error))
            damaged.append(run.name)
    if as_json:
        from dataclasses import asdict

        output.json({"studies": [asdict(row) for row in rows], "damaged": damaged})
    elif rows or damaged:
        from tunecli.reports.tables import studies_table

        output.print(studies_table(rows, damaged=damaged))
    else:
        output.say(f"{runs}: holds no study yet\nhint: start one: tunecli search CONFIG")


def show(
    run: RunArgument = None,
    trial: Annotated[int | None, typer.Argument(metavar="TRIAL", help="A trial's id; default: the study.")] = None,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Show a study, or one of its trials: values, curves, layers, and why it failed."""
    from tunecli.store.run import find_run

    found = find_run(runs, run)
    if trial is None:
        _show_study(found, as_json=as_json)
    else:
        _show_trial(found, trial, as_json=as_json)


def delete(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A study.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
    as_json: JsonOption = False,
) -> None:
    """Delete a study and all its files."""
    from tunecli.store.run import find_run

    found = find_run(runs, run)
    is_agreed = yes or _is_agreed(found)
    if is_agreed:
        found.delete()
    if as_json:
        output.json({"study": found.name, "deleted": is_agreed})
    output.say(f"{'deleted' if is_agreed else 'kept'} {found.path}")


def _show_study(run: Run, *, as_json: bool) -> None:
    snapshot = read_snapshot(run)
    row, plan, checks = _row(run, snapshot), run.plan_document(), read_checks(run)
    if as_json:
        from tunecli.reports.data import study_document

        told = [each.as_json() for each in read_advice(run, snapshot)]
        output.json({**study_document(snapshot, row, plan, checks), "advice": told})
        return
    from tunecli.reports.tables import checks_view, study_view
    from tunecli.store.files import damaged

    causes = [(each.id, each.outcome.cause) for each in snapshot.failed if each.outcome]
    try:
        view = study_view(row, plan, causes)
    except (LookupError, TypeError, ValueError) as error:  # the plan is drawn as it stands in its file
        raise damaged(str(run.layout.plan), "not the plan of a study") from error
    output.print(view)
    if checks is not None and checks.findings:
        output.print(checks_view(checks))
    if snapshot.completed:
        print_leaderboard(run, snapshot, MOST_SHOWN)
    if (more := len(snapshot.completed) - MOST_SHOWN) > 0:
        output.say(f"and {more:,} more: tunecli best {run.name} --top {len(snapshot.completed)}")
    say_advice(run, read_advice(run, snapshot))


def _sparks(run: Run, snapshot: Snapshot, rows: Sequence[Row]) -> dict[int, Spark]:
    """Returns the curves of the first rows of a leaderboard, by trial, and says what is damaged of them."""
    from tunecli.reports.curves.learning_curves import trial_curve
    from tunecli.reports.curves.sparks import spark_of
    from tunecli.store.salvage import read_trial

    found: dict[int, Spark] = {}
    damage: list[Problem] = []
    for row in rows[:MOST_SHOWN]:
        files = read_trial(run, snapshot, row.id)
        damage += files.damage
        curve = trial_curve(snapshot, row.id, measurements=files.measurements, trainings=files.trainings, plan=None)
        found[row.id] = spark_of(curve, LEADERBOARD_SPARK)
    distinct = list(dict.fromkeys(damage))  # trials of one lineage share files
    for problem in distinct[:MOST_DAMAGED]:
        output.problem(problem)
    if (more := len(distinct) - MOST_DAMAGED) > 0:
        output.say(f"and {more} more files of trials are damaged")
    return found


def _show_trial(run: Run, trial: int, *, as_json: bool) -> None:
    from tunecli.reports.curves.learning_curves import name_trainings
    from tunecli.reports.data import trial_document
    from tunecli.store.salvage import read_trial

    snapshot = read_snapshot(run)
    if trial not in snapshot.trials:
        raise no_trial(run, snapshot, trial)
    files = read_trial(run, snapshot, trial)
    for problem in files.damage:
        output.problem(problem)
    document = trial_document(
        snapshot,
        trial,
        measurements=files.measurements,
        trainings=name_trainings(files.trainings, read_plan(run) or {}) if files.trainings else (),
        layers=files.layers,
        log=files.log,
        damage=files.damage,
    )
    if as_json:
        output.json(document)
        return
    from tunecli.reports.tables import trial_view

    output.print(trial_view(document))


def _row(run: Run, snapshot: Snapshot) -> StudyRow:
    from tunecli.reports.data import study_row

    return study_row(snapshot, name=run.name, is_held=run.is_held())


def _known_trials(snapshot: Snapshot) -> str:
    known = list(snapshot.trials)
    return f"it has {known[0]} to {known[-1]}" if known else "it has none yet"


def _no_winner(run: Run, snapshot: Snapshot) -> StudyError:
    """Returns the error of a study without a completed trial: how far it is, and what most often went wrong."""
    what = f"no trial has completed: {len(snapshot.failed)} failed, {len(snapshot.running)} not ended"
    commonest = snapshot.commonest_cause()
    if commonest is None:
        hint = "wait for the search" if run.is_held() else "run the same tunecli search command again; it continues"
        return StudyError(what, where=str(run.path), hint=hint)
    cause, count = commonest
    hint = f"see why: tunecli why {run.name} {snapshot.failed[-1].id}"
    return StudyError(f"{what}; {count} with: {cause}", where=str(run.path), hint=hint)


def _next_step(run: Run) -> str:
    if run.is_held():
        return "the search still runs; this is the leaderboard so far"
    return f"next: tunecli retrain --full {run.name}"


def _as_yaml(values: Values) -> str:
    """Returns values as they may stand below `model:` or `search_space:`, where a bare list would be a choice."""
    import yaml

    written: dict[str, Any] = {
        name: {"layers": value} if isinstance(value, list) else value for name, value in values.items()
    }
    return yaml.safe_dump(written, sort_keys=False, default_flow_style=None).rstrip("\n")


def _is_agreed(run: Run) -> bool:
    """Asks, where there is someone to ask.

    Raises:
        UsageError: Nobody can answer.
    """
    if not sys.stdin.isatty():
        raise UsageError("will not be deleted unasked", where=str(run.path), hint="add --yes")
    try:
        state = f" with {len(run.snapshot().trials)} trials"
    except TunecliError:
        state = ", which is damaged"
    return typer.confirm(f"delete {run.path}{state}?", err=True)
