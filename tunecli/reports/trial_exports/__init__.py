"""The formats that a study's trials are exported to."""

from tunecli.registry import Registry
from tunecli.reports.trial_exports.base import Target, TrialFormat

TRIAL_FORMATS: Registry[TrialFormat] = Registry(
    "format",
    {
        "csv": "tunecli.reports.trial_exports.tables:CSV",
        "json": "tunecli.reports.trial_exports.documents:JSON",
        "parquet": "tunecli.reports.trial_exports.tables:PARQUET",
        "optuna": "tunecli.reports.trial_exports.optuna_storage:OPTUNA",
        "tensorboard": "tunecli.reports.trial_exports.tensorboard_events:TENSORBOARD",
        "keras-tuner": "tunecli.reports.trial_exports.keras_tuner_project:KERAS_TUNER",
    },
    synonyms={"sqlite": "optuna", "kt": "keras-tuner"},
)

__all__ = ["TRIAL_FORMATS", "Target", "TrialFormat"]
