"""Puts the parts of a script together."""

from __future__ import annotations

import textwrap

from tunecli import __version__
from tunecli.datasets import DATASETS
from tunecli.datasets.base import Description, LoadScript
from tunecli.families import FAMILIES
from tunecli.families.base import Blueprint
from tunecli.plan import Plan
from tunecli.scripting import Lines, indented, literal
from tunecli.spec.tuners import HyperbandTuner
from tunecli.tools.eject.compiling import compile_script, metric_functions
from tunecli.tools.eject.data import data_constants, data_functions
from tunecli.tools.eject.search import leaderboard_function, main_function, model_class
from tunecli.tools.eject.space import Space
from tunecli.tools.eject.written import refuse_unwritten

_INSTALL = ("keras-tuner==1.4.8", "'keras>=3.13,<4'", "'tensorflow>=2.20,<3'", "tensorboard")
"""KerasTuner imports TensorBoard in every trial, and asks for it nowhere."""


def eject(plan: Plan, *, spec: str, script: str) -> str:
    """Writes the script of a plan.

    Args:
        plan: What to search.
        spec: The name of the spec's file, for people.
        script: The name that the script will have, for people.

    Raises:
        DataError: A CSV file is missing or irregular.
        StudyError: No model can be built, whatever the values.
        UsageError: The plan asks for something that a script does not have.
    """
    refuse_unwritten(plan, spec)
    dataset = DATASETS.load(plan.dataset.name)
    description = dataset.describe(plan.dataset.options)
    load = dataset.script(plan.dataset.options)
    space = Space(plan)
    sections = [
        [*_docstring(plan, load, spec, script), "", *_imports(plan, load)],
        [*_constants(plan, description, load, space), *space.constants()],
        load.functions,
        *data_functions(plan, description, load),
        _build_function(plan, description, space),
        *metric_functions(plan),
        model_class(space),
        main_function(plan, load, space),
        leaderboard_function(plan),
        load.figures,
        ['if __name__ == "__main__":', "    main()"],
    ]
    first, constants, *rest = (section for section in sections if section)
    # two blank lines around functions and classes, one before constants
    return "\n\n\n".join("\n".join(section) for section in ([*first, "", *constants], *rest)) + "\n"


def _docstring(plan: Plan, load: LoadScript, spec: str, script: str) -> Lines:
    install = [*_INSTALL, *(["scikit-learn", "scipy"] if plan.tuner.name == "bayesian" else [])]
    limits = [name for name in ("max_time", "trial_time", "trial_memory") if getattr(plan.limits, name) is not None]
    ignored = f" It does not keep limits.{' and limits.'.join(limits)}." if limits else ""
    about = (
        f"Written by tunecli {__version__} from {spec}, and free of it: the same rows, preprocessing, models and "
        f"search space in plain KerasTuner and Keras."
    )
    missing = (
        "What tunecli does beyond this: a search that was killed at any moment goes on and ends as it would have, "
        "each trial has a seed of its own, and the winner is trained once more and tested once on the rows held back. "
        f"Here a kill in the middle of a write may leave files that KerasTuner cannot read again.{ignored}"
    )
    return [
        f'"""{plan.tuner.name.capitalize()} search for the best {plan.family} on {plan.dataset.name}.',
        "",
        *textwrap.wrap(about, 100),
        "",
        f"    python -m pip install {' '.join(install)}",
        f"    python {script}{' [--data PATH]' if load.path else ''}",
        "",
        *textwrap.wrap(missing, 100),
        '"""',
    ]


def _imports(plan: Plan, load: LoadScript) -> Lines:
    modules = [*load.imports, *(["argparse"] if load.path else [])]
    tensorflow = ["import tensorflow as tf"] if plan.limits.threads is not None else []
    libraries = ["import keras", "import keras_tuner", "import numpy as np", *tensorflow]
    return [*(f"import {name}" for name in sorted(modules)), "from pathlib import Path", "", *libraries]


def _constants(plan: Plan, description: Description, load: LoadScript, space: Space) -> Lines:
    epochs = [] if isinstance(plan.tuner, HyperbandTuner) else [f"EPOCHS = {plan.training.epochs}"]
    batch_size = space.settings["batch_size"]
    is_number = not space.batch_size() and batch_size.values != ("full",)
    batch = [f"BATCH_SIZE = {batch_size.code}"] if is_number else []
    path = [f"DATA = {literal(str(load.path))}"] if load.path else []
    return [
        f"SEED = {plan.oracle_seed}  # of the tuner, as tunecli derives it from seed {plan.seed}",
        *epochs,
        *batch,
        'DIRECTORY = f"{Path(__file__).stem}_trials"  # KerasTuner\'s files; delete it to start anew',
        *path,
        *load.constants,
        *data_constants(plan, description),
    ]


def _build_function(plan: Plan, description: Description, space: Space) -> Lines:
    blueprint = Blueprint(
        task=plan.task,
        outputs=description.outputs,
        has_images=description.image_shape is not None,
        precision=plan.training.precision,
        settings=space.settings,
    )
    body = [
        '"""Builds and compiles the model of a trial; `shape` is that of one input row."""',
        *_policy(plan),
        *space.declarations(),
        *([""] if space.declarations() else []),
        *FAMILIES.load(plan.family).script(blueprint),
        "",
        *compile_script(plan, space.settings),
        "return model",
    ]
    return ["def build_model(hp, shape):", *indented(body)]


def _policy(plan: Plan) -> Lines:
    """Writes the precision of a trial; KerasTuner clears it before each."""
    precision = plan.training.precision
    return [] if precision == "float32" else [f"keras.config.set_dtype_policy({literal(precision)})"]
