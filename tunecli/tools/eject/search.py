"""Writes the tuner, the search and its leaderboard."""

from __future__ import annotations

import textwrap

from tunecli.datasets.base import LoadScript
from tunecli.plan import Plan
from tunecli.scripting import Lines, bracketed, indented, literal
from tunecli.spec.tuners import BayesianTuner, GridTuner, HyperbandTuner
from tunecli.study.objective import Goal, find_metric
from tunecli.tools.eject.space import Space

_TUNERS = {
    "random": "RandomSearch",
    "hyperband": "Hyperband",
    "bayesian": "BayesianOptimization",
    "grid": "GridSearch",
}

_NOTES = {
    "random": "Unlike tunecli's, this search ends early where twenty draws in a row were tried before.",
    "hyperband": "Unlike tunecli, KerasTuner hands a promoted trial the best weights of its parent, but the state of "
    "neither the optimizer nor early stopping, and a failed trial costs its round a promotion.",
    "bayesian": "Unlike tunecli, KerasTuner may propose a trial again, may propose max + 1 for whole numbers that are "
    "searched by magnitude, and learns nothing from failed trials.",
    "grid": "Unlike tunecli, KerasTuner begins with the defaults, takes the ten points of a range without a step from "
    "inside it, and cannot go on with a grid that was interrupted.",
}
"""Where KerasTuner's own tuners do otherwise."""

_LEADERBOARD = '''
def print_leaderboard(tuner):
    """Prints the five best trials."""
    print("\\nrank  trial  {header}  values")
    finished = [trial for trial in tuner.oracle.get_best_trials(5) if trial.score is not None]
    for rank, trial in enumerate(finished, start=1):
        values = {{name: value for name, value in trial.hyperparameters.values.items() if "/" not in name}}
        print(f"{{rank:4}}  {{trial.trial_id:>5}}  {{trial.score:{width}.6g}}  {{values}}")
'''


def model_class(space: Space) -> Lines:
    """Writes the class that KerasTuner asks for the model of a trial, and has train it."""
    lines = [
        "class TunedModel(keras_tuner.HyperModel):",
        '    """Builds the model of a trial, and trains it."""',
        "",
        "    def __init__(self, shape):",
        "        super().__init__()",
        "        self.shape = shape",
        "",
        "    def build(self, hp):",
        "        return build_model(hp, self.shape)",
    ]
    if not space.batch_size():
        return lines
    if space.may_be_full:
        rows = [
            f"batch_size = {space.batch_size()}",
            'rows = len(x) if batch_size == "full" else int(batch_size)',
            "return model.fit(x, y, batch_size=rows, **options)",
        ]
    else:
        rows = [f"return model.fit(x, y, batch_size={space.batch_size()}, **options)"]
    return [*lines, "", "    def fit(self, hp, model, x, y, **options):", *indented(indented(rows))]


def main_function(plan: Plan, load: LoadScript, space: Space) -> Lines:
    """Writes `main`."""
    has_validation = plan.dataset.validation > 0
    body = [
        *(_path_option(load) if load.path else []),
        *_threads(plan),
        "keras.utils.set_random_seed(SEED)",
        f"{'train, validation' if has_validation else 'train'} = arrays({'path' if load.path else ''})",
        *(f"# {line}" for line in textwrap.wrap(_NOTES[plan.tuner.name], 110)),
        *bracketed(f"tuner = keras_tuner.{_TUNERS[plan.tuner.name]}(", _tuner_options(plan), ")"),
        *bracketed("tuner.search(", _search_options(plan, space), ")"),
        "print_leaderboard(tuner)",
    ]
    return ["def main():", *indented(body)]


def leaderboard_function(plan: Plan) -> Lines:
    """Writes the function that prints the best trials."""
    metric = plan.objective.metric
    width = max(8, len(metric))
    return _LEADERBOARD.strip().format(header=f"{metric:>{width}}", width=width).split("\n")


def _path_option(load: LoadScript) -> Lines:
    return [
        "parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)",
        *bracketed("parser.add_argument(", ['"--data"', "default=DATA", f"help={literal(load.path_help)}"], ")"),
        "path = parser.parse_args().data",
    ]


def _threads(plan: Plan) -> Lines:
    threads = plan.limits.threads
    if threads is None:
        return []
    return [f"tf.config.threading.set_{name}_op_parallelism_threads({threads})" for name in ("intra", "inter")]


def _tuner_options(plan: Plan) -> list[str | Lines]:
    tuner = plan.tuner
    direction = "min" if plan.objective.goal is Goal.MINIMIZE else "max"
    options: list[str | Lines] = [
        "TunedModel(train[0].shape[1:])",
        f"objective=keras_tuner.Objective({literal(plan.objective.metric)}, {literal(direction)})",
    ]
    if isinstance(tuner, HyperbandTuner):
        epochs = tuner.max_epochs or plan.training.epochs
        options += [f"max_epochs={epochs}", f"factor={tuner.factor}", f"hyperband_iterations={tuner.iterations}"]
    elif not isinstance(tuner, GridTuner) or tuner.max_trials is not None:
        options.append(f"max_trials={tuner.max_trials}")
    if isinstance(tuner, BayesianTuner):
        options += [f"num_initial_points={tuner.num_initial_points}", f"alpha={tuner.alpha}", f"beta={tuner.beta}"]
    return [
        *options,
        "seed=SEED",
        "executions_per_trial=1",
        "directory=DIRECTORY",
        f"project_name={literal(plan.name)}",
        "overwrite=False",
    ]


def _search_options(plan: Plan, space: Space) -> list[str | Lines]:
    options: list[str | Lines] = ["*train"]
    if plan.dataset.validation > 0:
        options.append("validation_data=validation")
    if not isinstance(plan.tuner, HyperbandTuner):
        options.append("epochs=EPOCHS")
    if not space.batch_size():
        is_full = space.settings["batch_size"].values == ("full",)
        options.append("batch_size=len(train[0])" if is_full else "batch_size=BATCH_SIZE")
    if not plan.training.shuffle:
        options.append("shuffle=False")
    if plan.training.early_stopping is not None:
        options.append(bracketed("callbacks=[", [_early_stopping(plan)], "]"))
    return [*options, "verbose=2"]


def _early_stopping(plan: Plan) -> Lines:
    stopping = plan.training.early_stopping
    assert stopping is not None, "the plan stops early"
    metric = find_metric(stopping.monitor)
    assert metric is not None, "the plan was checked"
    mode = "min" if metric.goal is Goal.MINIMIZE else "max"
    options = [
        f"monitor={literal(stopping.monitor)}",
        f"mode={literal(mode)}",
        f"patience={stopping.patience}",
        *([f"min_delta={stopping.min_delta}"] if stopping.min_delta else []),
        *(["restore_best_weights=True"] if stopping.restore_best_weights else []),
    ]
    return bracketed("keras.callbacks.EarlyStopping(", options, ")")
