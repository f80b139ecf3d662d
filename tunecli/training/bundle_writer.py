"""Makes a study's `best/` a bundle: a folder that can be copied away and used without the study.

with replacing(run.layout.best) as new:
    …                                      # models, preprocessing, metrics, card
    write_bundle(new, plan, series, recipe)
"""

from __future__ import annotations

from tunecli import __version__
from tunecli.datasets.schema import schema_of
from tunecli.plan import Plan
from tunecli.store.environment import environment
from tunecli.store.files import write_json
from tunecli.store.layout import BestLayout
from tunecli.training.data import load
from tunecli.training.manifest import Manifest, Target, TargetScaling, write_manifest
from tunecli.training.own_models import weights_beside
from tunecli.training.recipe import Recipe
from tunecli.training.series import Series

_PRIVATE = ("path", "validation_path", "test_path", "function", "args", "sha256", "kept")
"""Options that say where the data came from, which is no business of whoever gets the bundle."""


def describe(best: BestLayout, plan: Plan, series: Series, recipe: Recipe) -> Manifest:
    """Returns what a folder is going to hold, without the hashes of its files.

    Args:
        best: Holds the models.
        plan: The study's plan.
        series: The models of the trial that is kept.
        recipe: How they were trained.
    """
    import numpy as np

    data, parts = load(plan.dataset)
    pixels = plan.dataset.options.image_columns
    rows = np.concatenate([parts.train, parts.validation]) if recipe.full else parts.train
    paths = [best.member(number) for number in range(len(series.seeds))] if recipe.ensemble else [best.model]
    kept = [path if path.exists() else weights_beside(path) for path in paths]
    return Manifest(
        tunecli=__version__,
        study=plan.name,
        trial=series.setting.trial.id,
        full=recipe.full,
        family=plan.family,
        task=plan.task,
        targets=tuple(Target(name=name, classes=data.classes) for name in data.target_names),
        dataset=plan.dataset.name,
        options=plan.dataset.options.model_copy(update=dict.fromkeys(_PRIVATE)),
        columns=schema_of(data.columns, rows),
        image_shape=series.setting.parts.preprocessor.image_shape,
        pixel_columns=() if pixels is None else pixels.names,
        inputs=plan.inputs,
        target_scaling=_scaling_of(series),
        models=tuple(path.relative_to(best.folder).as_posix() for path in kept),
        code=None if plan.custom is None else best.code.name,
        recipe=None if plan.custom is None else best.recipe.name,
        own_fit_changes_inputs=series.has_changed_inputs,
    )


def write_bundle(best: BestLayout, manifest: Manifest) -> None:
    """Adds the environment, and the manifest with the hashes of all files that lie in the folder.

    Args:
        best: Holds all other files.
        manifest: What `describe` returns.

    Raises:
        StudyError: The disk is full or fails.
    """
    here = environment()
    here.pop("host")  # a bundle is given away, and this helps nobody who gets it
    write_json(best.environment, here)
    write_manifest(best, manifest)


def _scaling_of(series: Series) -> TargetScaling | None:
    if series.target_scaling is None:
        return None
    method, scale, offset = series.target_scaling
    return TargetScaling(method=method, scale=tuple(scale), offset=tuple(offset))
