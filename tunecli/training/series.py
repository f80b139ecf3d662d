"""Trains the models of one trial, one for each seed, and evaluates each on every part of the data.

    for seed in seeds:
        build → train → evaluate → keep         # before the next one, which may be trained in the same model object

Engines use their compiled programs again from seed to seed. Every look at the test part is written down before it is
taken, so that none goes unseen.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tunecli.plan import Plan, derive_seed
from tunecli.store.layout import BestLayout
from tunecli.store.run import Run
from tunecli.study.trial import Program
from tunecli.training.best_folder import keep_model
from tunecli.training.by_target import ByTarget, by_target
from tunecli.training.engines import ENGINES, Fitted, Job, batch_rows
from tunecli.training.engines.base import row_count
from tunecli.training.ensemble import Ensemble
from tunecli.training.evaluate import Figures, Scores, evaluate, predict
from tunecli.training.looks import note_test_look
from tunecli.training.models import build
from tunecli.training.own_models import TRAIN, final_call, keep_own, keep_recipe
from tunecli.training.recipe import Place, Recipe, Watch
from tunecli.training.schedule import follow
from tunecli.training.setting import TEST, Setting
from tunecli.training.user_callbacks import user_callbacks

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays


@dataclass(frozen=True)
class Series:
    """The models of one trial.

    Attributes:
        setting: What they have in common.
        seeds: Of each model; the first is the trial's own.
        scores: Of each model.
        ensemble: Of the mean of their predictions, or None.
        programs: How often an engine has compiled a program, and used one again.
        target_scaling: Method, scale and offset of the targets of the model that is kept; None where there is none.
        has_changed_inputs: A `fit` of the user's own changes the inputs on which models are evaluated.
        target_scores: Of the first model, for each of several targets by itself, by part; empty where there is one.
        ensemble_target_scores: The same of the mean of predictions.
    """

    setting: Setting
    seeds: list[int]
    scores: list[Scores]
    ensemble: Scores | None
    programs: Mapping[Program, int]
    target_scaling: tuple[str, list[float], list[float]] | None = None
    has_changed_inputs: bool = False
    target_scores: Mapping[str, ByTarget] = field(default_factory=dict)
    ensemble_target_scores: Mapping[str, ByTarget] = field(default_factory=dict)

    @property
    def test_looks(self) -> int:
        """How often the test part was looked at: once for each model, and once for the ensemble."""
        return (len(self.seeds) + (self.ensemble is not None)) * (TEST in self.setting.evaluated)


def seeds_of(plan: Plan, root: int, count: int) -> list[int]:
    """Returns seeds for the lineage that began with trial `root`; the first is the one it had in the search."""
    more = [derive_seed(plan.seed, "trial", str(root), "retrain", str(number)) for number in range(1, count)]
    return [plan.trial_seed(root), *more]


class SeriesTrainer:
    """Trains the models of a trial after a recipe.

    Args:
        run: The study; the caller holds its lock.
        plan: Its plan.
        recipe: How to train.
        watch: Who is told.
    """

    def __init__(self, run: Run, plan: Plan, recipe: Recipe, watch: Watch) -> None:
        self._run = run
        self._plan = plan
        self._recipe = recipe
        self._watch = watch

    def train(self, setting: Setting, root: int, place: Place, *, keep: BestLayout | None) -> Series:
        """Trains and evaluates the models of one trial.

        Args:
            setting: What they have in common.
            root: The first trial of the lineage.
            place: That of the first model.
            keep: Where to put the models, or None.

        Raises:
            StudyError: The disk is full or fails.
        """
        seeds = seeds_of(self._plan, root, self._recipe.seeds)
        ensemble: Ensemble | None = None
        series: list[Scores] = []
        programs: Counter[Program] = Counter()
        scaling: tuple[str, list[float], list[float]] | None = None
        target_scores: Mapping[str, ByTarget] = {}
        for number, seed in enumerate(seeds):
            here = replace(place, seed_number=number + 1)
            started = time.perf_counter()
            with redirect_stdout(sys.stderr):  # a user's own code may print, and stdout belongs to the scores
                fitted, evaluated = self._fit(setting, seed, here, keep if number == 0 else None)
            model = fitted.model
            programs[fitted.program] += 1
            series.append(self._scores(setting, partial(_evaluate_part, model, evaluated), seed=seed))
            if number == 0 and self._plan.targets:
                target_scores = self._by_target(evaluated, partial(_predict_part, model, evaluated))
            if self._recipe.ensemble:
                ensemble = ensemble or Ensemble(evaluated)
                ensemble.add(model, series[-1])
            if keep is not None:
                self._keep(model, keep, number)
                scaling = scaling if number else _target_scaling(model)
            self._watch.model(here, setting.end - setting.begin, time.perf_counter() - started, fitted.program)
        together = None if ensemble is None else self._scores(setting, ensemble.evaluate, seed=None)
        together_by_target = {} if ensemble is None else self._by_target(evaluated, ensemble.predictions)
        changed = _has_changed_inputs(setting.evaluated, evaluated)
        return Series(setting, seeds, series, together, programs, scaling, changed, target_scores, together_by_target)

    def _fit(
        self, setting: Setting, seed: int, place: Place, keep: BestLayout | None
    ) -> tuple[Fitted, Mapping[str, Arrays]]:
        """Trains a model; returns it, and what it is evaluated on."""
        plan, sources = self._plan, self._run.layout.sources
        built = build(plan, setting.values, setting.parts.signature, seed, sources)
        call, evaluated = final_call(built, setting, user_callbacks(plan, sources))
        built.complete(call.train, setting.parts.preprocessor)
        if keep is not None:
            keep_recipe(built, call.train, keep)
        if setting.continuation is not None:
            setting.continuation.put_into(built.model)
        rates = [] if setting.rates is None else [follow(setting.rates)]
        job = Job(
            model=built.model,
            train=call.train,
            validation=call.validation,
            batch_size=call.batch_size or batch_rows(setting.values, row_count(call.train)),
            start_epoch=setting.begin,
            end_epoch=setting.end,
            seed=seed,
            shuffle=plan.training.shuffle if call.shuffle is None else call.shuffle,
            callbacks=[*rates, *call.callbacks, _count(self._watch, place, setting)],
            identity=built.identity,
        )
        return ENGINES.load(setting.trial.engine).fit(job), evaluated

    def _scores(self, setting: Setting, figures: Callable[[str], Figures], *, seed: int | None) -> Scores:
        """Evaluates a model, or the ensemble if there is no seed, on every part."""
        scores: Scores = {}
        for name in setting.evaluated:
            if name == TEST:
                trial, full = setting.trial.id, self._recipe.full
                note_test_look(self._run, by="retrain", trial=trial, full=full, seed=seed)
            scores[name] = figures(name)
        return scores

    def _by_target(self, parts: Mapping[str, Arrays], predictions: Callable[[str], Any]) -> dict[str, ByTarget]:
        """Returns the scores of each of several targets on parts that have been evaluated: no further look at them."""
        names, task = self._plan.targets, self._plan.task
        found = {part: by_target(rows, predictions(part), names, task) for part, rows in parts.items() if names}
        return {part: scores for part, scores in found.items() if scores}

    def _keep(self, model: keras.Model, folder: BestLayout, number: int) -> None:
        """Keeps what the recipe wants kept: the model of the trial's own seed, and all members of an ensemble."""
        keep = keep_model if self._plan.custom is None else keep_own
        if number == 0:
            keep(model, folder.model)
        if self._recipe.ensemble:
            keep(model, folder.member(number))


def _evaluate_part(model: keras.Model, parts: Mapping[str, Arrays], name: str) -> Figures:
    return evaluate(model, parts[name])


def _predict_part(model: keras.Model, parts: Mapping[str, Arrays], name: str) -> Any:
    return predict(model, parts[name])


def _target_scaling(model: keras.Model) -> tuple[str, list[float], list[float]] | None:
    from tunecli.families.original_units import scaling_of

    return scaling_of(model)


def _has_changed_inputs(given: Mapping[str, Arrays], evaluated: Mapping[str, Arrays]) -> bool:
    """Says whether what models are evaluated on is not what the preprocessing gives."""
    import keras
    import numpy as np

    if given is evaluated:
        return False
    # the training part may have been put in another order, too
    names = [name for name in evaluated if name != TRAIN] or [TRAIN]
    pairs = [(given[name][0], evaluated[name][0]) for name in names]
    return not all(
        len(ours := keras.tree.flatten(one)) == len(theirs := keras.tree.flatten(other))
        and all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))
        for one, other in pairs
    )


def _count(watch: Watch, place: Place, setting: Setting) -> Any:
    import keras

    total = setting.end - setting.begin
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: watch.epoch(place, epoch + 1 - setting.begin, total)
    )
