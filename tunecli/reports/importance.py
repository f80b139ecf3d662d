"""Which hyperparameters matter: PED-ANOVA, computed by Optuna from a study's own trials.

    measure_importance(study).shares    # {"learning_rate": 0.71, "units": 0.18, …}, the most important first

Watanabe, Bansal and Hutter (2023), arXiv:2304.10255: how differently a hyperparameter's values are distributed among
the best trials and among all of them. It says what sets the best trials of this search apart, neither how large an
effect is nor which direction it has. Few trials differ by chance, too: how far is told by the same trials with their
scores shuffled.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tunecli.reports.optuna_study import optuna_study
from tunecli.reports.study_data import StudyData
from tunecli.spec.space import SearchSpace
from tunecli.study.trial import Trial

if TYPE_CHECKING:
    from optuna import Study

FEWEST_TRIALS = 20
"""From how many completed trials importances are shown."""

ROUGH_TRIALS = 50
"""Below how many they are called rough."""

BEST_SHARE, WANTED_BEST, MOST_BEST_SHARE = 0.1, 25, 0.25
"""Which trials are the best: a tenth of all; of fewer than 250 trials 25, but no more than a quarter."""

MANY_TRIALS, SHUFFLES, SHUFFLES_OF_MANY = 200, 100, 20
"""How often scores are shuffled; of more trials, which take longer and vary less, not so often."""

CHANCE = 0.05
"""How often chance exceeds what is called its reach."""


@dataclass(frozen=True)
class Importance:
    """What part each hyperparameter has in setting the best trials apart.

    Attributes:
        shares: By name, the largest first; they add up to 1. Empty where nothing was measured.
        chance: By name, the share that one in twenty measurements with shuffled scores exceeds.
        trials: How many trials it was measured on.
        best: How many of these were called the best.
        budget: The epochs to which all of these were trained, under Hyperband; else None.
        why_not: Why nothing was measured, for people; else empty.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    best: int = 0
    budget: int | None = None
    why_not: str = ""

    @property
    def is_rough(self) -> bool:
        """Whether it was measured on few trials."""
        return self.trials < ROUGH_TRIALS

    def is_beyond_chance(self, name: str) -> bool:
        """Says whether a hyperparameter sets the best trials apart by more than chance would."""
        return self.shares.get(name, 0.0) > self.chance.get(name, 0.0)

    def order(self, space: SearchSpace) -> list[str]:
        """Returns the names of all searched hyperparameters: those first that exceed chance most, the rest as declared.

        Few trials of a conditional hyperparameter may give it a large share by chance.
        """
        declared = [parameter.name for parameter in space]
        measured = sorted(self.shares, key=lambda name: -self.shares[name] / max(self.chance[name], 1e-12))
        return [*measured, *(name for name in declared if name not in self.shares)]


def measure_importance(study: StudyData) -> Importance:
    """Measures a study's importances, of Hyperband's trials on those of one budget: the largest that has enough."""
    trials, budget = _comparable(study)
    if len(trials) < FEWEST_TRIALS:
        within = "trained to one number of epochs" if study.has_budgets else "completed"
        why_not = f"it takes {FEWEST_TRIALS} trials {within}; there are {len(trials)}"
        return Importance(trials=len(trials), budget=budget, why_not=why_not)
    best = min(max(WANTED_BEST, round(len(trials) * BEST_SHARE)), int(len(trials) * MOST_BEST_SHARE))
    if Counter(trial.score for trial in trials)[trials[0].score] > len(trials) // 2:
        why_not = "more than half of the trials are as good as the best"
        return Importance(trials=len(trials), budget=budget, why_not=why_not)
    if not any(trial.suggestion.values for trial in trials):
        return Importance(trials=len(trials), budget=budget, why_not="nothing is searched")
    shares, chance = _shares(study, trials, best / len(trials))
    return Importance(shares, chance, len(trials), best, budget)


def _comparable(study: StudyData) -> tuple[list[Trial], int | None]:
    """Returns completed trials whose scores can be compared, best first, and their budget if that is limited."""
    completed = study.snapshot.completed
    if not study.has_budgets or not completed:
        return completed, None
    sizes = Counter(trial.suggestion.end_epoch for trial in completed)
    budget = max((each for each in sizes if sizes[each] >= FEWEST_TRIALS), default=0)
    budget = budget or max(sizes, key=lambda each: (sizes[each], each))
    return [trial for trial in completed if trial.suggestion.end_epoch == budget], budget


def _shares(study: StudyData, trials: list[Trial], quantile: float) -> tuple[dict[str, float], dict[str, float]]:
    """Returns each hyperparameter's share, the largest first, and the share that chance reaches."""
    part = replace(study, snapshot=replace(study.snapshot, trials={trial.id: trial for trial in trials}))
    made = optuna_study(part)
    found = _divergences(made, quantile, [study.objective.sort_key(trial.score or 0.0) for trial in trials])
    shuffle = random.Random(part.name)  # figures are the same whenever the report is made
    shuffled: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(SHUFFLES if len(trials) <= MANY_TRIALS else SHUFFLES_OF_MANY):
        scores = [float(number) for number in range(len(trials))]
        shuffle.shuffle(scores)
        for name, value in _divergences(made, quantile, scores).items():
            shuffled[name].append(value)
    chance = {name: sorted(values)[-max(1, round(len(values) * CHANCE))] for name, values in shuffled.items()}
    total = sum(found.values()) or 1.0
    declared = [parameter.name for parameter in study.space if parameter.name in found]
    ordered = sorted(declared, key=lambda name: -found[name])
    return {name: found[name] / total for name in ordered}, {name: chance[name] / total for name in ordered}


def _divergences(made: Study, quantile: float, scores: Sequence[float]) -> dict[str, float]:
    """Returns how far each hyperparameter's values among the best trials diverge from those among all.

    Args:
        made: The trials.
        quantile: Which of them are the best.
        scores: One a trial, in order; lower is better.
    """
    with _without_scikit_learn():
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of conditions that one trial alone meets, and that lower must be better
        evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
        found = get_param_importances(
            made, evaluator=evaluator, target=lambda trial: scores[trial.number], normalize=False
        )
    return {name: float(value) for name, value in found.items()}


@contextmanager
def _without_scikit_learn() -> Iterator[None]:
    """Lets Optuna find no scikit-learn for a while, which takes a second to import for other evaluators than ours."""
    name = "sklearn"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how Python marks what cannot be imported
    try:
        yield
    finally:
        del sys.modules[name]
