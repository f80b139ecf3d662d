"""`tunecli retrain`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.gates import (
    FailIfOption,
    judge_retrained,
    report_retrained,
    require_passed,
    retrained_thresholds,
    verdicts_json,
)
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunArgument, RunsOption
from tunecli.errors import StudyError, UsageError

if TYPE_CHECKING:
    from rich.status import Status

    from tunecli.store.run import Run
    from tunecli.study.snapshot import Snapshot
    from tunecli.study.trial import Program, Trial
    from tunecli.training.recipe import Place, Recipe


def retrain(
    run: RunArgument = None,
    trial: Annotated[int | None, typer.Option("--trial", help="A trial's number; default: the winner.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Train on the validation rows too.")] = False,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Train so many models; mean ± deviation.")] = 1,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Keep all of them, and test their mean.")] = False,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Train so many of the best trials.")] = None,
    goes_on: Annotated[
        bool, typer.Option("--continue", help="Train what the search has kept further, on all rows; implies --full.")
    ] = False,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="With --continue: how many more.")] = None,
    fail_if: FailIfOption = None,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train the winner once more and evaluate it on the test part.

    What is kept is chosen before it is tested: the trial by its score in the search, the model by its seed.
    """
    from tunecli.store.run import find_run
    from tunecli.store.study import OpenStudy
    from tunecli.training.recipe import Recipe
    from tunecli.training.retrain import check_trials
    from tunecli.training.retrain import retrain as retrain_trials
    from tunecli.training.runtime import import_tensorflow

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    _check(trial=trial, seeds=seeds, ensemble=ensemble, top=top, goes_on=goes_on, epochs=epochs)
    recipe = Recipe(full=full or goes_on, seeds=seeds, ensemble=ensemble, goes_on=goes_on, epochs=epochs)
    with OpenStudy(find_run(runs, run)) as study:
        chosen = _chosen(study.run, study.snapshot, trial, top)
        check_trials(study.run, chosen, recipe)
        thresholds = retrained_thresholds(fail_if, study.run, full=recipe.full)
        with output.busy("starting TensorFlow"):
            import_tensorflow()
        output.say(f"{study.run.name}: {_what_is_done(chosen, recipe)}")
        with _Screen.shown(is_single=len(chosen) * seeds == 1) as screen:
            retrained = retrain_trials(study.run, chosen, recipe, screen, is_ranking=top is not None)
    verdicts = judge_retrained(thresholds, retrained.document)
    report_retrained(retrained.document, verdicts)
    if as_json:
        output.json({**retrained.document, **verdicts_json(verdicts)})
    else:
        _show(retrained.document)
        looks = retrained.document["test_looks"]
        so_far = f"; looks at the test part so far: {looks}" if looks else ""
        output.say(f"model and card: {retrained.folder}{so_far}")
    require_passed(verdicts, where=str(retrained.folder))


def _check(
    *, trial: int | None, seeds: int, ensemble: bool, top: int | None, goes_on: bool, epochs: int | None
) -> None:
    """Makes sure that the options go together.

    Raises:
        UsageError: They do not.
    """
    if ensemble and seeds < 2 and not goes_on:
        raise UsageError("--ensemble needs more than one model", hint="say how many, such as --seeds 5")
    if trial is not None and top is not None:
        raise UsageError("--top chooses the trials, and --trial another one", hint="leave out one of the two")
    if goes_on and (seeds > 1 or ensemble):
        hint = "leave out --continue to train several models afresh"
        raise UsageError("--continue goes on from one model, which has the seed that it has", hint=hint)
    if goes_on and top is not None:
        raise UsageError("--continue takes one trial at a time", hint="leave out --top; --trial N takes another one")
    if epochs is not None and not goes_on:
        hint = "leave it out: training afresh takes the best epoch of the search; or add --continue"
        raise UsageError("--epochs says for how long to --continue", hint=hint)


def _chosen(run: Run, snapshot: Snapshot, trial: int | None, top: int | None) -> list[Trial]:
    """Returns the trials to train, best first.

    Raises:
        UsageError: There is no such trial.
        StudyError: None has finished.
    """
    if trial is not None and trial not in snapshot.trials:
        raise UsageError(f"there is no trial {trial}", where=str(run.path), hint=f"see them: tunecli show {run.name}")
    if trial is not None:
        return [snapshot.trials[trial]]
    best = snapshot.completed[: top or 1]
    if not best:
        raise StudyError("no trial has finished yet", where=str(run.path), hint="go on with tunecli search")
    if len(best) < (top or 1):
        output.say(f"{run.name}: only {len(best)} trials have a score")
    return best


def _what_is_done(trials: list[Trial], recipe: Recipe) -> str:
    numbers = ", ".join(str(each.id) for each in trials)
    rows = "training and validation rows" if recipe.full else "training rows"
    which = f"trial {numbers}" if len(trials) == 1 else f"trials {numbers}"
    times = f", with {recipe.seeds} seeds{' each' if len(trials) > 1 else ''}" if recipe.seeds > 1 else ""
    return f"training {which}{' further' if recipe.goes_on else ''} on the {rows}{times}"


def _show(document: dict[str, Any]) -> None:
    from tunecli.reports.tables import scores_table, seeds_table, targets_table, top_table

    if document["top"]:
        output.print(top_table(document))
    if len(document["seeds"]) > 1:
        output.print(seeds_table(document))
        output.say(f"kept: the model of the trial's own seed, {document['seed']}; the test part chooses nothing")
    else:
        output.print(scores_table(document["scores"]))
    if document["target_scores"]:
        output.print(targets_table(document["target_scores"]))


class _Screen:
    """Shows how far it has come: one line that changes on a terminal, else a line for each of several models."""

    def __init__(self, status: Status | None, *, is_single: bool) -> None:
        self._status = status
        self._is_single = is_single

    @classmethod
    @contextmanager
    def shown(cls, *, is_single: bool) -> Iterator[_Screen]:
        """Draws it where there is a terminal."""
        if not output.is_animated:
            yield cls(None, is_single=is_single)
            return
        with output.stderr_console().status("preparing the data") as status:
            yield cls(status, is_single=is_single)

    def say(self, text: str) -> None:
        output.say(text)

    def epoch(self, place: Place, done: int, total: int) -> None:
        if self._status is not None:
            self._status.update(f"{place}: epoch {done} of {total}")
        output.note(f"{place}: epoch {done} of {total}")

    def model(self, place: Place, epochs: int, duration_s: float, program: Program) -> None:
        if not self._is_single:
            used = f", program {program}" if program else ""
            output.say(f"{place}: {epochs} epochs in {duration_s:.1f} s{used}")
