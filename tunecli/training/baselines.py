"""Simple models that show whether tuning pays: fitted on the rows, and scored in the metrics, of a study's trials.

    fit_baseline(payload, report)      # one model, one result: a runner for an executor, which ends it in time

They are scikit-learn's, with its defaults, on the same prepared arrays as the trials; images are flattened. A model
that would take too long on all training rows is fitted on some, evenly spread, and says on how many; it is scored on
all. Which models are fitted when, and what is kept of them, is left to `search.baselines`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from tunecli.families.compiling import LOSSES
from tunecli.plan import Plan, derive_seed
from tunecli.plan.surroundings import has_plain_loss
from tunecli.spec.experiment import Task
from tunecli.study.baseline import Baseline
from tunecli.study.objective import FOLD, VALIDATION
from tunecli.study.trial import means
from tunecli.training.data import trial_parts
from tunecli.training.metrics import class_metrics, label_metrics, regression_metrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays

RUNNER = "tunecli.training.baselines:fit_baseline"
"""The name of `fit_baseline`, for executors."""

WARM_UP = "tunecli.training.baselines:import_scikit_learn"
"""What takes a second, and is no part of a baseline's time."""

LAYERS = (50, 50, 50)
"""Widths of the multi-layer perceptron."""

_BLOCK_ROWS = 8192
"""So many rows are predicted at once: what scikit-learn makes of them is then small."""


@dataclass(frozen=True)
class Size:
    """What is fitted.

    Attributes:
        rows: Training rows.
        features: The length of a flattened row.
        outputs: As in `DataSignature`.
    """

    rows: int
    features: int
    outputs: int


@dataclass(frozen=True)
class Kind:
    """A simple model.

    Attributes:
        name: As it is shown.
        make: Returns scikit-learn's estimator, for a seed and what it is to be fitted on.
        most_rows: Returns how many rows of so many features and outputs it can be fitted on in time.
        note: Returns what else is cut down to fit the time, for people, or "".
        precision: What it computes in. Single precision takes less time; a closed form needs the double one, for
            features that depend on each other.
    """

    name: str
    make: Callable[[int, Size], Any]
    most_rows: Callable[[Size], int] = lambda size: sys.maxsize
    note: Callable[[Size], str] = lambda size: ""
    precision: str = "float32"


class BaselineRequest(BaseModel):
    """What a slot needs to fit one.

    Attributes:
        plan: The study's plan.
        name: Which, of `baseline_names`.
        data: The stored columns, see `datasets.stored`.
    """

    model_config = ConfigDict(extra="forbid")

    plan: Plan
    name: str
    data: Path


def baseline_names(task: Task) -> tuple[str, ...]:
    """Returns the names of the simple models of a task, in the order in which they are worth fitting."""
    return tuple(kind.name for kind in _KINDS[task])


def import_scikit_learn() -> None:
    """Imports what the models need."""
    import sklearn.dummy
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.multiclass
    import sklearn.multioutput
    import sklearn.neural_network  # noqa: F401


def fit_baseline(payload: dict[str, Any], report: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Fits what a `BaselineRequest` names; returns a `Baseline`, and reports its `rows` before it begins."""
    request = BaselineRequest.model_validate(payload)
    plan = request.plan
    kind = next(each for each in _KINDS[plan.task] if each.name == request.name)
    folds = plan.evaluation.folds if plan.evaluation else None
    numbers = plan.trainings[:folds] if folds else (None,)  # other seeds of the same rows would change next to nothing
    first = trial_parts(plan, numbers[0], request.data)
    train = first.parts[0]
    all_rows = Size(len(train[1]), int(train[0][:1].size), first.signature.outputs)
    size = replace(all_rows, rows=min(all_rows.rows, max(1, kind.most_rows(all_rows) // len(numbers))))
    report({"rows": size.rows})
    started = time.perf_counter()
    metrics = means([_fit_one(kind, plan, size, trial_parts(plan, number, request.data).parts) for number in numbers])
    if not has_plain_loss(plan):
        metrics = {name: value for name, value in metrics.items() if not name.endswith("loss")}
    score = metrics.get(plan.objective.metric)
    result = Baseline(
        name=kind.name,
        score=score,
        metrics=metrics,
        duration_s=time.perf_counter() - started,
        rows=size.rows,
        train_rows=all_rows.rows,
        note=kind.note(size),
        cause="" if score is not None else f"has no {plan.objective.metric} to compare",
    )
    return result.model_dump(mode="json")


def _fit_one(kind: Kind, plan: Plan, size: Size, parts: Sequence[Arrays]) -> dict[str, float]:
    """Fits the model on the first part, and returns its metrics on all of them."""
    rows = _spread(len(parts[0][1]), size.rows)
    model = kind.make(derive_seed(plan.seed, "baseline", kind.name), size)
    target = _flat(parts[0][1][rows])
    is_classes = plan.task is not Task.REGRESSION
    with warnings.catch_warnings():  # of not having converged, or having diverged: the score says what came of it
        warnings.simplefilter("ignore")
        model.fit(_inputs(parts[0], rows, kind), target.astype(int if is_classes else kind.precision))
        return {
            f"{prefix}{name}": value
            for prefix, part in zip(("", VALIDATION, FOLD), parts, strict=False)
            for name, value in _scores(model, kind, part, plan).items()
        }


def _flat(targets: NDArray[Any]) -> NDArray[Any]:
    """Returns one target as scikit-learn takes it, `(rows,)`; several as they are."""
    return targets.ravel() if targets.size == len(targets) else targets


def _scores(model: Any, kind: Kind, part: Arrays, plan: Plan) -> dict[str, float]:
    """Returns the metrics on all rows of a part; none if it has no rows."""
    import numpy as np

    if not len(part[0]):
        return {}
    if plan.task is Task.REGRESSION:
        predicted = np.concatenate([model.predict(each) for each in _blocks(part, kind)])
        return regression_metrics(_flat(part[1]).astype(np.float64), predicted, loss=_loss(plan))
    probabilities = np.concatenate([model.predict_proba(each) for each in _blocks(part, kind)])
    if plan.task is Task.MULTILABEL:
        return label_metrics(part[1], probabilities)
    codes = part[1].ravel().astype(np.int64)
    # a class of which the rows that it was fitted on have none is impossible to it
    classes = model.classes_.astype(np.int64)
    of_all = np.zeros((len(codes), 1 + max(codes.max(), classes.max())))
    of_all[:, classes] = probabilities
    return class_metrics(codes, of_all)


def _loss(plan: Plan) -> Callable[[NDArray[np.float64]], float] | None:
    """Returns the loss of the trials, without what regularisation adds to it; None if it differs between them."""
    if any(parameter.name in ("loss", "huber_delta") for parameter in plan.space):
        return None
    return _losses(plan.fixed).get(str(plan.fixed.get("loss", LOSSES[Task.REGRESSION][0])))


def _losses(values: Mapping[str, Any]) -> dict[str, Callable[[NDArray[np.float64]], float]]:
    import numpy as np

    delta = float(values.get("huber_delta", 1.0))

    def huber(errors: NDArray[np.float64]) -> float:
        sizes = np.abs(errors)
        return float(np.mean(np.where(sizes <= delta, errors**2 / 2, delta * sizes - delta**2 / 2)))

    return {
        "mse": lambda errors: float(np.mean(errors**2)),
        "mae": lambda errors: float(np.mean(np.abs(errors))),
        "huber": huber,
    }


def _spread(rows: int, count: int) -> NDArray[np.int64]:
    """Returns the numbers of so many of the rows, evenly spread, so that a sorted file still shows all its classes."""
    import numpy as np

    return np.linspace(0, rows - 1, count).astype(np.int64)


def _inputs(part: Arrays, rows: NDArray[np.int64] | slice, kind: Kind) -> NDArray[Any]:
    """Returns flattened rows."""
    taken = part[0][rows]
    flat: NDArray[Any] = taken.reshape(len(taken), -1).astype(kind.precision)
    return flat


def _blocks(part: Arrays, kind: Kind) -> Iterator[NDArray[Any]]:
    for start in range(0, len(part[0]), _BLOCK_ROWS):
        yield _inputs(part, slice(start, start + _BLOCK_ROWS), kind)


def _mean(seed: int, size: Size) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="mean")


def _majority_class(seed: int, size: Size) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")  # its probabilities are the frequencies of the classes


def _least_squares(seed: int, size: Size) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def _logistic_regression(seed: int, size: Size) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(random_state=seed)


def _mlp_regressor(seed: int, size: Size) -> Any:
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(hidden_layer_sizes=LAYERS, random_state=seed)


def _mlp_classifier(seed: int, size: Size) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden_layer_sizes=LAYERS, random_state=seed)


def _boosting_regressor(seed: int, size: Size) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.multioutput import MultiOutputRegressor

    model = HistGradientBoostingRegressor(random_state=seed, max_iter=_rounds(size))
    return MultiOutputRegressor(model) if size.outputs > 1 else model


def _boosting_classifier(seed: int, size: Size) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed, max_iter=_rounds(size))


def _for_each_label(make: Callable[[int, Size], Any]) -> Callable[[int, Size], Any]:
    """Returns what makes a classifier of labels: one of a kind for each label."""

    def make_each(seed: int, size: Size) -> Any:
        from sklearn.multiclass import OneVsRestClassifier

        return OneVsRestClassifier(make(seed, size))

    return make_each


# What takes one thread 5 s on a busy server; the perceptron 7 s, so that California housing is fitted whole.


def _logistic_rows(size: Size) -> int:
    return 125_000_000 // (size.features * size.outputs)


def _squares_rows(size: Size) -> int:
    return 20_000_000_000 // size.features**2


def _perceptron_rows(size: Size) -> int:
    """A row costs its features and the hidden layers, in each of about 150 epochs."""
    return 7_000_000 // (size.features + 550)


def _boosting_rows(size: Size) -> int:
    return 3_000_000 // size.features


_ROUNDS = 100
"""What gradient boosting takes where nothing is said."""


def _rounds(size: Size) -> int:
    """A round grows a tree for each output, and a tree costs its bins and its rows for each feature."""
    most = 500_000_000 // (size.outputs * size.features * (size.rows + 5_000))
    return min(_ROUNDS, max(1, most))


def _rounds_note(size: Size) -> str:
    rounds = _rounds(size)
    return "" if rounds == _ROUNDS else f"{rounds} of {_ROUNDS} rounds"


_MLP, _BOOSTING = "MLP 50-50-50", "HistGradientBoosting"

_CLASSIFIERS = (
    Kind("majority class", _majority_class),
    Kind("logistic regression", _logistic_regression, _logistic_rows),
    Kind(_MLP, _mlp_classifier, _perceptron_rows),
    Kind(_BOOSTING, _boosting_classifier, _boosting_rows, _rounds_note),
)

_KINDS: dict[Task, tuple[Kind, ...]] = {
    Task.REGRESSION: (
        Kind("mean", _mean),
        Kind("least squares", _least_squares, _squares_rows, precision="float64"),
        Kind(_MLP, _mlp_regressor, _perceptron_rows),
        Kind(_BOOSTING, _boosting_regressor, _boosting_rows, _rounds_note),
    ),
    Task.BINARY: _CLASSIFIERS,
    Task.MULTICLASS: _CLASSIFIERS,
    Task.MULTILABEL: (
        Kind("label frequencies", _for_each_label(_majority_class)),
        Kind("logistic regression", _for_each_label(_logistic_regression), _logistic_rows),
        Kind(_MLP, _mlp_classifier, _perceptron_rows),
        Kind(_BOOSTING, _for_each_label(_boosting_classifier), _boosting_rows, _rounds_note),
    ),
}
"""The simple models of each task."""
