"""What a report says of a study's plan, read from the document that `plan.json` holds.

The plan itself belongs to a layer above; whoever looks at a study takes from its document what people ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunecli.errors import StudyError
from tunecli.reports.data import target_names
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.space import Parameter, SearchSpace, Values, show_value
from tunecli.store.files import damaged
from tunecli.store.run import Run


@dataclass(frozen=True)
class PlanFacts:
    """A study's plan as people ask for it; what a damaged plan does not say is empty.

    Attributes:
        family: The model family.
        dataset: The name of the data set.
        path: The file of the data, where they are a file.
        task: What is predicted.
        targets: The columns that are predicted, as far as they are named.
        tuner: How the search proposes.
        options: The tuner's options.
        space: What was searched.
        fixed: The hyperparameters that the spec fixes.
        epochs: The longest training.
        patience: How many epochs without a gain end a training early; None for no such rule.
        evaluation: Folds and repeats; None where each trial is trained once.
        seed: The root of all seeds.
        split_seed: Decides which rows go where.
        validation: The fraction of all rows that scores trials.
        test: The fraction of all rows held back.
    """

    family: str = ""
    dataset: str = ""
    path: str | None = None
    task: str = ""
    targets: tuple[str, ...] = ()
    tuner: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    space: SearchSpace = field(default_factory=SearchSpace)
    fixed: Values = field(default_factory=dict)
    epochs: int = 0
    patience: int | None = None
    evaluation: EvaluationSpec | None = None
    seed: int | None = None
    split_seed: int | None = None
    validation: float = 0.0
    test: float = 0.0

    @property
    def trainings(self) -> int:
        """How often each configuration is trained."""
        return 1 if self.evaluation is None else self.evaluation.trainings


def plan_facts(run: Run) -> PlanFacts:
    """Reads the plan of a study.

    Raises:
        StudyError: Its file is missing or damaged.
    """
    try:
        return _facts(run.plan_document())
    except (LookupError, TypeError, AttributeError, ValueError) as error:  # ValidationError is a ValueError
        raise damaged(str(run.layout.plan), "not the plan of a study") from error
    except OSError as error:
        raise StudyError(f"cannot be read: {error.strerror}", where=str(run.layout.plan)) from error


def _facts(document: Mapping[str, Any]) -> PlanFacts:
    dataset, training, tuner = document["dataset"], document["training"], dict(document["tuner"])
    stopping, evaluation = training["early_stopping"], document.get("evaluation")
    name = tuner.pop("name")
    return PlanFacts(
        family=document["family"],
        dataset=dataset["name"],
        path=dataset["options"].get("path"),
        task=document["task"],
        targets=target_names(document),
        tuner=name,
        options={option: value for option, value in tuner.items() if value is not None},
        space=SearchSpace.model_validate(document["space"]),
        fixed=document["fixed"],
        epochs=tuner.get("max_epochs") or training["epochs"],
        patience=None if stopping is None else stopping["patience"],
        evaluation=None if evaluation is None else EvaluationSpec.model_validate(evaluation),
        seed=document["seed"],
        split_seed=dataset["split_seed"],
        validation=dataset["validation"],
        test=dataset["test"],
    )


def show_range(parameter: Parameter) -> str:
    """Returns what a parameter was searched over, and under which conditions."""
    conditions = [f"{each.parameter} is {' or '.join(map(show_value, each.values))}" for each in parameter.when]
    return parameter.describe() + (f", when {' and '.join(conditions)}" if conditions else "")
