"""Makes the card of a retrained model: `card.json` for programs, and `card.md` for people.

    write_card(new, Kept(run, plan, snapshot, manifest, setting, recipe, document))

The figures of the validation and the test part, with their intervals, are
those of the files that are kept, read again: no further look at the test part, since the same models were tested on it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import UsageError
from tunecli.plan import Plan
from tunecli.reports.card import render_card
from tunecli.spec.experiment import Task
from tunecli.store.files import write_json, write_whole
from tunecli.store.layout import BestLayout
from tunecli.store.run import Run
from tunecli.study.snapshot import Snapshot
from tunecli.training.bundle import Bundle
from tunecli.training.data import load
from tunecli.training.manifest import Manifest
from tunecli.training.recipe import Recipe
from tunecli.training.scoring import Figure, score
from tunecli.training.setting import TEST, Setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 1
"""Of `card.json`: keys are added, never renamed, while it stays."""

TRAIN, VALIDATION = "train", "validation"

_DEFAULT_RUNS = Path("runs")

Scored = dict[str, dict[str, dict[str, Figure]]]
"""Figures by part and target."""


@dataclass(frozen=True)
class Kept:
    """What a card tells of.

    Attributes:
        run: The study.
        plan: Its plan.
        snapshot: What it came to.
        manifest: What the folder is going to hold.
        setting: What the kept model was trained on.
        recipe: How.
        document: What stands in its `metrics.json`.
    """

    run: Run
    plan: Plan
    snapshot: Snapshot
    manifest: Manifest
    setting: Setting
    recipe: Recipe
    document: Mapping[str, Any]


def write_card(best: BestLayout, kept: Kept) -> None:
    """Writes both files.

    Args:
        best: Holds the models and the preprocessing.
        kept: What the card tells of.

    Raises:
        StudyError: The disk is full or fails, or a file of the study is damaged.
    """
    scored = score_parts(Bundle(best, kept.manifest, trust_code=True), kept.plan, kept.setting)
    card = card_document(kept, scored)
    write_json(best.card_document, card)
    write_whole(best.card, render_card(card).encode())


def score_parts(bundle: Bundle, plan: Plan, setting: Setting) -> Scored:
    """Returns the figures of the bundle's predictions on the validation and the test part, as far as it is tested on.

    Returns:
        Nothing where a `fit` of the user's own changes the rows, which a bundle cannot do.
    """
    data, split = load(plan.dataset)
    rows = {VALIDATION: split.validation, TEST: split.test}
    found: Scored = {}
    for name, (x, y, *_) in setting.evaluated.items():
        if name not in rows:
            continue
        try:
            outputs = bundle.predict_inputs(x)
        except UsageError:  # the model was trained all the same, and has the scores of its training
            return {}
        groups = None if data.groups is None else data.groups[rows[name]]
        found[name] = _by_target(plan.task, y, outputs, bundle.manifest, groups)
    return found


def _by_target(
    task: Task,
    targets: NDArray[Any],
    outputs: NDArray[np.float32],
    manifest: Manifest,
    groups: NDArray[np.int64] | None,
) -> dict[str, dict[str, Figure]]:
    if task is Task.MULTICLASS:
        only = manifest.targets[0]
        return {only.name: dict(score(task, targets, outputs, only.classes, groups=groups).figures)}
    each_task = task if task is Task.REGRESSION else Task.BINARY
    return {
        target.name: dict(score(each_task, targets[:, index], outputs[:, index], target.classes, groups=groups).figures)
        for index, target in enumerate(manifest.targets)
    }


def card_document(kept: Kept, scored: Scored) -> dict[str, Any]:
    """Returns what stands in `card.json`."""
    run, plan, snapshot, manifest = kept.run, kept.plan, kept.snapshot, kept.manifest
    document = kept.document
    trial = snapshot.trials[document["trial"]]
    search, data = document["search"], document["dataset"]
    ensemble = document["ensemble"]
    checks = run.checks()
    return {
        "schema_version": SCHEMA_VERSION,
        "study": document["study"],
        "trial": trial.id,
        "predicts": {
            "task": plan.task,
            "targets": [{"name": each.name, "classes": list(each.classes)} for each in manifest.targets],
            "columns": [each.name for each in manifest.columns],
            "reads_images": manifest.image_shape is not None,
        },
        "model": {
            "family": document["family"],
            "models": len(manifest.models),
            "values": document["values"],
            "inputs": document["inputs"],
            "full": document["full"],
            "epochs": document["epochs"],
            "epochs_rule": document["epochs_rule"],
            "seed": document["seed"],
            "continued": document["continued"],
        },
        "scores": _scores(document["scores"] if ensemble is None else ensemble["scores"], scored),
        "target_scores": _target_scores(scored) or _without_intervals(document["target_scores"]),
        "seeds": [each["seed"] for each in document["seeds"]],
        "summary": document["summary"],
        "top": document["top"],
        "test_looks": document["test_looks"],
        "test_looks_now": document["test_looks_now"],
        "baselines": [{"name": each.name, "score": each.score, "metrics": each.metrics} for each in run.baselines()],
        "search": {
            "objective": search["objective"],
            "score": search["score"],
            "rank": _rank(snapshot, trial.id),
            "tuner": search["tuner"],
            "trials": search["trials"],
            "seed": document["study_seed"],
            "searched": [each.name for each in plan.space],
        },
        "data": {
            "name": data["name"],
            "path": data["path"],
            "rows": data["rows"],
            "split": {
                "seed": data["split_seed"],
                "validation": plan.dataset.validation,
                "test": plan.dataset.test,
                "how": plan.dataset.split,
                "group": plan.dataset.options.group,
                "time": plan.dataset.options.time,
            },
            "fingerprint": data["fingerprint"],
        },
        "checks": None if checks is None else [each.model_dump(mode="json") for each in checks.findings],
        "reproduce": _command(run, trial.id, kept.recipe),
        "versions": document["versions"],
    }


def _scores(evaluated: Mapping[str, Mapping[str, float | None]], scored: Scored) -> dict[str, dict[str, Any]]:
    """Returns figures by part: those with intervals of one target, else those of the training, which have none.

    Of the training part, the figures that the others have.
    """
    found: dict[str, dict[str, Any]] = {}
    for part, figures in evaluated.items():
        by_target = scored.get(part, {})
        if len(by_target) == 1:
            found[part] = {name: _figure(each) for name, each in next(iter(by_target.values())).items()}
        else:
            found[part] = {name: {"value": value, "low": None, "high": None} for name, value in figures.items()}
    with_intervals = {name for part, figures in found.items() if len(scored.get(part, {})) == 1 for name in figures}
    if with_intervals and TRAIN in found:
        found[TRAIN] = {name: each for name, each in found[TRAIN].items() if name in with_intervals}
    return found


def _target_scores(scored: Scored) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        part: {target: {name: _figure(each) for name, each in figures.items()} for target, figures in by_target.items()}
        for part, by_target in scored.items()
        if len(by_target) > 1
    }


def _without_intervals(scores: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> dict[str, Any]:
    """Returns the figures of each of several targets as the training has them."""
    return {
        part: {
            target: {name: {"value": value, "low": None, "high": None} for name, value in figures.items()}
            for target, figures in by_target.items()
        }
        for part, by_target in scores.items()
    }


def _figure(figure: Figure) -> dict[str, float | None]:
    low, high = figure.interval or (None, None)
    return {"value": figure.value, "low": low, "high": high}


def _rank(snapshot: Snapshot, trial: int) -> int:
    """Returns a trial's place among those that have a score, the best being 1."""
    return [each.id for each in snapshot.completed].index(trial) + 1


def _command(run: Run, trial: int, recipe: Recipe) -> str:
    """Returns the command that trains the same again."""
    words = ["tunecli", "retrain", run.name, "--trial", str(trial)]
    if recipe.goes_on:
        words += ["--continue", *([] if recipe.epochs is None else ["--epochs", str(recipe.epochs)])]
    elif recipe.full:
        words.append("--full")
    words += ["--seeds", str(recipe.seeds)] if recipe.seeds > 1 else []
    words += ["--ensemble"] if recipe.ensemble else []
    words += [] if run.path.parent == _DEFAULT_RUNS else ["--runs", str(run.path.parent)]
    return shlex.join(words)
