"""Trains the winner once more, and evaluates it on the untouched test part.

Without `full` it is trained on the training part alone, and so gives the validation score that it won with. With
`full` it is trained on training and validation part together for the same number of epochs: the best epoch of the
search. Early stopping has done its work by then and is not asked again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.plan import Plan
from tunecli.reports.card import render_card
from tunecli.store.environment import versions
from tunecli.store.files import append_line, read_json, sync_file, sync_folder, write_json, write_whole, writing
from tunecli.store.layout import BestLayout
from tunecli.store.run import Run
from tunecli.study.trial import Trial, TrialStatus
from tunecli.training.data import final_parts, or_none
from tunecli.training.engines import ENGINES, Job, batch_rows
from tunecli.training.engines.base import validation_batch_size
from tunecli.training.run_trial import build_model
from tunecli.training.runtime import configure

if TYPE_CHECKING:
    import keras

    from tunecli.preprocessing.prepare import Prepared
    from tunecli.training.engines.base import Arrays


@dataclass(frozen=True)
class Retrained:
    """What retraining came to.

    Attributes:
        folder: The study's `best/`.
        document: What stands in `metrics.json`.
    """

    folder: Path
    document: dict[str, Any]


def retrain(run: Run, trial: Trial, *, full: bool, on_epoch: Callable[[int, int], None]) -> Retrained:
    """Trains a trial's values, evaluates the model, and puts it in `best/`.

    Args:
        run: The study; the caller holds its lock.
        trial: A trial that has completed.
        full: Train on the validation part too.
        on_epoch: Told after each epoch: how many are done, and of how many.

    Raises:
        StudyError: The trial has no score, a file of the study is damaged, or the disk is full.
        DataError: The data are missing or damaged.
    """
    if trial.status is not TrialStatus.COMPLETED or trial.outcome is None or trial.outcome.best_epoch is None:
        raise StudyError(f"trial {trial.id} is {trial.status}, it cannot be retrained", where=str(run.path))
    plan = Plan.of(run)
    fingerprint = read_json(run.layout.data)  # what is damaged is said before the test part is looked at
    run.test_looks()
    configure(plan.limits.threads)
    parts = final_parts(plan, full=full)
    values = plan.complete(trial.suggestion.values)
    seed = plan.trial_seed(run.snapshot().lineage(trial.id)[0])
    model = build_model(plan, values, parts.signature, seed)
    train, validation, test = parts.parts
    fitted = ENGINES.load(trial.engine).fit(
        Job(
            model=model,
            train=train,
            validation=None,
            batch_size=batch_rows(values, len(train[0])),
            start_epoch=0,
            end_epoch=trial.outcome.best_epoch,
            seed=seed,
            shuffle=plan.training.shuffle,
            callbacks=[_count(on_epoch, trial.outcome.best_epoch)],
        )
    )
    model = fitted.model
    scores = {"train": evaluate(model, train)}
    if not full and or_none(validation) is not None:
        scores["validation"] = evaluate(model, validation)
    if or_none(test) is not None:
        _note_test_look(run, trial, full=full)
        scores["test"] = evaluate(model, test)
    document = _document(
        run, plan, trial, values, seed, full=full, scores=scores, rows=_rows(parts, full=full), fingerprint=fingerprint
    )
    _put_in_place(run, model, parts, document)
    return Retrained(run.layout.best.folder, document)


def evaluate(model: keras.Model, part: Arrays) -> dict[str, float]:
    """Returns the loss and all metrics of a model on a part of the data."""
    figures = model.evaluate(*part, batch_size=validation_batch_size(part), verbose=0, return_dict=True)
    return {name: float(value) for name, value in figures.items()}


def _rows(parts: Prepared, *, full: bool) -> dict[str, int]:
    train, validation, test = (len(part[0]) for part in parts.parts)
    return {"train": train - validation if full else train, "validation": validation, "test": test}


def _document(
    run: Run,
    plan: Plan,
    trial: Trial,
    values: dict[str, Any],
    seed: int,
    *,
    full: bool,
    scores: dict[str, dict[str, float]],
    rows: dict[str, int],
    fingerprint: dict[str, Any],
) -> dict[str, Any]:
    assert trial.outcome is not None
    return {
        "study": run.name,
        "trial": trial.id,
        "full": full,
        "epochs": trial.outcome.best_epoch,
        "seed": seed,
        "values": values,
        "search": {
            "objective": plan.objective.model_dump(mode="json"),
            "score": trial.score,
            "metrics": trial.outcome.metrics,
            "tuner": plan.tuner.name,
            "trials": len(run.snapshot().trials),
        },
        "dataset": {
            "name": plan.dataset.name,
            "path": plan.dataset.options.path,
            "task": plan.task,
            "split_seed": plan.dataset.split_seed,
            "rows": rows,
            "fingerprint": fingerprint,
        },
        "family": plan.family,
        "study_seed": plan.seed,
        "scores": scores,
        "test_looks": len(run.test_looks()),
        "versions": versions(),
    }


def _note_test_look(run: Run, trial: Trial, *, full: bool) -> None:
    """Counts the look before it is taken, so that none goes unseen."""
    look = {"at": time.time(), "by": "retrain", "trial": trial.id, "full": full}
    append_line(run.layout.test_looks, json.dumps(look).encode() + b"\n")
    sync_file(run.layout.test_looks)


def _put_in_place(run: Run, model: keras.Model, parts: Prepared, document: dict[str, Any]) -> None:
    """Builds the new `best/` beside the old one, then swaps them."""
    best = run.layout.best.folder
    beside, old = best.with_name("best.new"), best.with_name("best.old")
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    with writing(best):
        beside.mkdir()
        files = BestLayout(beside)
        model.save(files.model)
        write_json(files.preprocessing, parts.preprocessor.to_json())
        write_json(files.metrics, document)
        write_whole(files.card, render_card(document).encode())
        if best.exists():
            best.rename(old)
        beside.rename(best)
        sync_folder(run.path)
    shutil.rmtree(old, ignore_errors=True)


def _count(on_epoch: Callable[[int, int], None], total: int) -> Any:
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, total))
