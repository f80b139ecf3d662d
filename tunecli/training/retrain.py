"""Trains winners of a search once more, evaluates them on the untouched test part, and keeps the first in `best/`.

    for trial in trials:             # the winner, or the best few
        for seed in seeds:           # the trial's own, and others
            train, evaluate
    swap best/                       # in one go, when all is done: Ctrl-C leaves the old one as it was

Without `full` a model is trained on the training part alone, and so gives the validation score that the trial won
with. With `full` it is trained on training and validation part together for the same number of epochs: the best epoch
of the search. Early stopping has done its work by then and is not asked again.

What is kept is chosen before the test part is looked at: the trial by its score in the search, the model by its seed,
the one that the trial had. To keep what does best on the test part would be to select on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunecli.errors import StudyError
from tunecli.plan import Plan
from tunecli.store.environment import versions
from tunecli.store.files import read_json, write_json
from tunecli.store.run import Run
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Program, Trial, TrialStatus
from tunecli.training.best_folder import replacing
from tunecli.training.bundle_writer import describe, write_bundle
from tunecli.training.card import Kept, write_card
from tunecli.training.continuation import require_state
from tunecli.training.data import load
from tunecli.training.engines.base import row_count
from tunecli.training.engines.compiler import compiler_flags, set_compiler
from tunecli.training.evaluate import Scores, summarise
from tunecli.training.parts import require_unchanged
from tunecli.training.recipe import Place, Recipe, Watch
from tunecli.training.runtime import configure
from tunecli.training.series import Series, SeriesTrainer
from tunecli.training.setting import Setting, prepare_setting


@dataclass(frozen=True)
class Retrained:
    """What retraining came to.

    Attributes:
        folder: The study's `best/`.
        document: What stands in `metrics.json`.
    """

    folder: Path
    document: dict[str, Any]


def check_trials(run: Run, trials: Sequence[Trial], recipe: Recipe) -> None:
    """Makes sure that trials can be retrained; takes no time, so that it can be said before anything is started.

    Raises:
        StudyError: A trial has no score.
        UsageError: It has left no state to go on from.
    """
    for trial in trials:
        if trial.status is not TrialStatus.COMPLETED or trial.outcome is None or trial.outcome.best_epoch is None:
            raise StudyError(f"trial {trial.id} is {trial.status}, it cannot be retrained", where=str(run.path))
        if recipe.goes_on:
            require_state(run, trial)


def retrain(run: Run, trials: Sequence[Trial], recipe: Recipe, watch: Watch, *, is_ranking: bool = False) -> Retrained:
    """Trains trials' values, evaluates the models, and puts what the first trial came to in `best/`.

    Args:
        run: The study; the caller holds its lock.
        trials: Trials that `check_trials` lets pass, at least one, best first.
        recipe: How to train.
        watch: Who is told of the progress.
        is_ranking: The trials are the best of the study, to be shown side by side.

    Raises:
        StudyError: A trial has no score, a file of the study is damaged, or the disk is full.
        UsageError: A trial has left no state to go on from.
        DataError: The data are missing or damaged.
    """
    check_trials(run, trials, recipe)
    plan = Plan.of(run)
    fingerprint = read_json(run.layout.data)  # what is damaged is said before the test part is looked at
    run.test_looks()
    run.baselines()
    run.checks()
    require_unchanged(run, plan, load(plan.dataset)[0], hint="put the old data back, or search anew")
    snapshot = run.snapshot()
    configure(plan.limits.threads)
    trainer = SeriesTrainer(run, plan, recipe, watch)
    with replacing(run.layout.best) as new:
        found = []
        for number, trial in enumerate(trials, start=1):
            setting = prepare_setting(run, plan, trial, recipe)
            set_compiler(compiler_flags(plan, setting.train))
            if setting.continuation is not None:
                watch.say(_how_it_goes_on(setting))
            elif setting.rule:
                watch.say(f"trial {trial.id} is trained for {setting.epochs} epochs: {setting.rule}")
            root = snapshot.lineage(trial.id)[0]
            place = Place(trial.id, number, len(trials), 1, recipe.seeds)
            found.append(trainer.train(setting, root, place, keep=new if number == 1 else None))
        document = _document(run, plan, snapshot, recipe, found, is_ranking=is_ranking, fingerprint=fingerprint)
        write_json(new.preprocessing, found[0].setting.parts.preprocessor.to_json())
        write_json(new.metrics, document)
        manifest = describe(new, plan, found[0], recipe)
        write_card(new, Kept(run, plan, snapshot, manifest, found[0].setting, recipe, document))
        write_bundle(new, manifest)  # last of all: it holds the hashes of the others
    return Retrained(run.layout.best.folder, document)


def _how_it_goes_on(setting: Setting) -> str:
    assert setting.continuation is not None
    each = setting.continuation
    return f"trial {setting.trial.id} goes on from epoch {each.from_epoch} for {each.epochs} more: {each.rule}"


def _document(
    run: Run,
    plan: Plan,
    snapshot: Snapshot,
    recipe: Recipe,
    found: Sequence[Series],
    *,
    is_ranking: bool,
    fingerprint: dict[str, Any],
) -> dict[str, Any]:
    first = found[0]
    trial, setting = first.setting.trial, first.setting
    assert trial.outcome is not None
    return {
        "study": run.name,
        "trial": trial.id,
        "full": recipe.full,
        "epochs": setting.epochs,
        "epochs_rule": setting.rule,
        "continued": None if setting.continuation is None else setting.continuation.document(),
        "seed": first.seeds[0],
        "values": setting.values,
        "search": {
            "objective": plan.objective.model_dump(mode="json"),
            "score": trial.score,
            "metrics": trial.outcome.metrics,
            "tuner": plan.tuner.name,
            "trials": len(snapshot.trials),
        },
        "dataset": {
            "name": plan.dataset.name,
            "path": plan.dataset.options.path,
            "task": plan.task,
            "targets": list(setting.parts.target_names),
            "split_seed": plan.dataset.split_seed,
            "rows": _rows(setting, full=recipe.full),
            "fingerprint": fingerprint,
        },
        "family": plan.family,
        "inputs": plan.inputs,
        "study_seed": plan.seed,
        **_figures(first),
        "top": [_ranked(rank, each) for rank, each in enumerate(found, start=1)] if is_ranking else [],
        "programs": {
            "compiled": sum(each.programs.get(Program.COMPILED, 0) for each in found),
            "reused": sum(each.programs.get(Program.REUSED, 0) for each in found),
        },
        "test_looks": len(run.test_looks()),
        "test_looks_now": sum(each.test_looks for each in found),
        "versions": versions(),
    }


def _figures(series: Series) -> dict[str, Any]:
    together = series.ensemble
    return {
        "scores": series.scores[0],
        "target_scores": series.target_scores,
        "seeds": [{"seed": seed, "scores": each} for seed, each in zip(series.seeds, series.scores, strict=True)],
        "summary": summarise(series.scores),
        "ensemble": None if together is None else _together(series, together),
    }


def _together(series: Series, scores: Scores) -> dict[str, Any]:
    return {"members": len(series.seeds), "scores": scores, "target_scores": series.ensemble_target_scores}


def _ranked(rank: int, series: Series) -> dict[str, Any]:
    trial = series.setting.trial
    of_trial = {"rank": rank, "trial": trial.id, "score": trial.score, "epochs": series.setting.epochs}
    return {**of_trial, "values": series.setting.values, **_figures(series)}


def _rows(setting: Setting, *, full: bool) -> dict[str, int]:
    train, validation, test = map(row_count, setting.parts.parts)
    of_both = full and setting.continuation is None
    return {"train": train - validation if of_both else train, "validation": validation, "test": test}
