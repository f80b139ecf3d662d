"""The plan: the spec with every name bound, every default filled and every seed derived; frozen, kept as JSON."""

from tunecli.plan.advice import advice, data_notes
from tunecli.plan.plan import DatasetPlan, EarlyStoppingPlan, Plan, TrainingPlan, derive_seed
from tunecli.plan.resolve import resolve

__all__ = ["DatasetPlan", "EarlyStoppingPlan", "Plan", "TrainingPlan", "advice", "data_notes", "derive_seed", "resolve"]
