"""What is recorded is what happens: against NumPy, against plain Keras, and against a training that nobody watches."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunecli
from tunecli.errors import StudyError, UsageError
from tunecli.tools.trace import Traced
from tunecli.tools.trace.parameters import courses, least_squares, rmse_of

Make = Callable[..., Traced]

TV = {
    "dataset": {"name": "advertising", "features": ["TV"]},
    "model": {"family": "linear", "normalization": "none", "optimizer": "rmsprop", "learning_rate": 0.01},
    "training": {"epochs": 10, "batch_size": 10},
}


def advertising() -> tuple[Any, Any]:
    """All 200 rows of the file, as it ships."""
    path = Path(tunecli.__file__).parent / "datasets" / "data" / "advertising.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    columns = {name.casefold(): np.array([float(row[name]) for row in rows]) for name in rows[0] if name}
    return np.stack([columns[name] for name in ("tv", "radio", "newspaper")], axis=1), columns["sales"]


def descend(kind: str, rate: float, *, x: Any, y: Any, batches: list[Any], start: Any) -> list[dict[str, float]]:
    """Gradient descent on the mean of squared errors, written down from the papers, in double precision.

    RMSprop: v ← ρv + (1 - ρ)g², w ← w - rate · g / √(v + ε) (Tieleman and Hinton 2012, lecture 6e; ε as Keras has it).
    """
    design = np.column_stack([x, np.ones(len(x))])
    at, mean_square, found = np.array(start, dtype=float), np.zeros(design.shape[1]), []
    for rows in batches:
        errors = design[rows] @ at - y[rows]
        gradient = 2 * design[rows].T @ errors / len(rows)
        before = at.copy()
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        at = at - rate * (gradient / np.sqrt(mean_square + 1e-7) if kind == "rmsprop" else gradient)
        of_all = [float(np.mean((design @ each - y) ** 2)) for each in (before, at)]
        found.append(
            {
                "batch_loss": float(np.mean(errors**2)),
                "before": of_all[0],
                "after": of_all[1],
                "norm": float(np.linalg.norm(gradient)),
                "bias": float(at[-1]),
                "weight": float(at[0]),
                "errors": errors,
            }
        )
    return found


@pytest.mark.parametrize(("kind", "rate"), [("rmsprop", 0.01), ("sgd", 1e-6)])
def test_every_update_is_that_of_an_independent_computation(kind: str, rate: float, traced: Make) -> None:
    model = {"family": "linear", "normalization": "none", "optimizer": kind, "learning_rate": rate}
    start = {"initial_weights": {"TV": -0.3}, "initial_bias": 1}
    found = traced(**{**TV, "model": {**model, **start}, "training": {"epochs": 3, "batch_size": 32}})
    record, (weight, bias) = found.record, courses(found, None)
    x, y = advertising()
    rows = np.unique(np.concatenate(record.rows))
    assert len(rows) == 120
    position = {int(row): index for index, row in enumerate(rows)}
    batches = [[position[int(row)] for row in each] for each in record.rows]
    assert [len(each) for each in batches] == [32, 32, 32, 24] * 3
    expected = descend(kind, rate, x=x[rows, :1], y=y[rows], batches=batches, start=[-0.3, 1])
    for name, ours in {
        "batch_loss": record.batch_losses,
        "before": record.losses[:-1],
        "after": record.losses[1:],
        "norm": record.gradient_norms,
        "weight": weight.values[1:],
        "bias": bias.values[1:],
    }.items():
        assert ours == pytest.approx([each[name] for each in expected], rel=2e-5), name
    for epoch in range(3):
        of_epoch = [each["errors"] for each in expected[4 * epoch : 4 * epoch + 4]]
        running = [np.sqrt(np.mean(np.concatenate(of_epoch[: n + 1]) ** 2)) for n in range(4)]
        assert record.running["rmse"][4 * epoch : 4 * epoch + 4] == pytest.approx(running, rel=1e-5)


def test_it_is_what_plain_keras_does_with_the_same_seed_and_batches(traced: Make) -> None:
    import keras

    found = traced(**TV)
    record, (weight, bias) = found.record, courses(found, None)
    x, y = advertising()
    keras.utils.set_random_seed(found.subject.seed)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    metric = keras.metrics.RootMeanSquaredError(name="rmse")
    model.compile(keras.optimizers.RMSprop(0.01), loss="mse", metrics=[metric])
    noted: list[float] = []

    class Note(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            noted.append(float(logs["rmse"]))

    for epoch in range(10):
        rows = np.concatenate(record.rows[12 * epoch : 12 * epoch + 12])
        assert sorted(rows) == sorted(set(rows))
        model.fit(x[rows, :1], y[rows], batch_size=10, shuffle=False, verbose=0, callbacks=[Note()])
    slope, intercept = (float(each.ravel()[0]) for each in model.get_weights())
    assert weight.values[-1] == pytest.approx(slope, abs=1e-6)
    assert bias.values[-1] == pytest.approx(intercept, abs=1e-6)
    assert record.running["rmse"] == pytest.approx(noted, abs=1e-5)
    assert bias.values[1] == pytest.approx(0.03162277, abs=1e-7)  # 0.01 / √0.1
    assert record.rows[0].tolist() != record.rows[12].tolist()  # another order in each epoch


def test_weights_are_in_the_datas_units_whatever_is_scaled(traced: Make) -> None:
    scaling = {"normalization": "standard", "target_scaling": "standard"}
    found = traced(
        model={"family": "linear", "optimizer": "sgd", "learning_rate": 0.2, **scaling},
        training={"epochs": 8, "batch_size": 40},
    )
    best = least_squares(found)
    assert best is not None
    every = courses(found, best)
    assert [each.name for each in every] == ["weight[TV]", "weight[radio]", "weight[newspaper]", "bias"]
    x, y = advertising()
    rows = np.unique(np.concatenate(found.record.rows))
    given = y[rows]
    for index in (0, 5, -1):
        predicted = x[rows] @ [each.values[index] for each in every[:-1]] + every[-1].values[index]
        scaled_loss = np.mean((predicted - given) ** 2) / given.var()
        assert found.record.losses[index] == pytest.approx(scaled_loss, rel=1e-4)
        assert rmse_of(found, index) == pytest.approx(np.sqrt(np.mean((predicted - given) ** 2)), rel=1e-4)
    design = np.column_stack([x[rows], np.ones(len(rows))])
    solution = np.linalg.lstsq(design, given, rcond=None)[0]
    assert [each.least_squares for each in every] == pytest.approx(solution, rel=1e-4)
    assert best.rmse == pytest.approx(np.sqrt(np.mean((design @ solution - given) ** 2)), rel=1e-5)


def test_columns_that_depend_on_each_other_have_no_one_solution(tmp_path: Path, traced: Make) -> None:
    (tmp_path / "a.csv").write_text("a,b,y\n" + "".join(f"{n},{2 * n},{3 * n + 1}\n" for n in range(20)))
    found = traced(
        dataset={"name": "csv", "path": "a.csv", "target": "y"}, model="linear", training={"epochs": 1, "batch_size": 8}
    )
    assert least_squares(found) is None
    assert len(courses(found, None)) == 3


@pytest.mark.parametrize(
    "model",
    [
        {"family": "mlp", "units": 8, "dropout": 0.3, "batch_normalization": True, "l2": 0.01},
        {"family": "wide_deep", "units": 4, "aux_weight": 0.3},
    ],
    ids=["mlp", "two outputs"],
)
def test_watching_changes_nothing(model: dict[str, Any], traced: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunecli.training.engines import ENGINES
    from tunecli.training.engines.keras_fit import KerasFit

    seen: list[Any] = []
    fit = KerasFit.fit

    def noting(self: KerasFit, job: Any) -> Any:
        seen.append(job)
        return fit(self, job)

    monkeypatch.setattr(KerasFit, "fit", noting)
    training = {"epochs": 3, "batch_size": 32}
    found = traced(model=model, training=training)
    watched = [np.array(each) for each in seen[0].model.get_weights()]

    from tunecli.training.models import build

    subject, signature = found.subject, seen[0].model.input_shape
    assert signature
    from tunecli.preprocessing import Choices, routed
    from tunecli.training.data import search_parts

    parts = routed(search_parts(subject.plan.dataset, Choices.of(subject.values)), subject.plan.inputs)
    built = build(subject.plan, subject.values, parts.signature, subject.seed)
    built.complete(parts.parts[0], parts.preprocessor)
    import keras

    history = keras.callbacks.History()
    ENGINES.load("keras").fit(replace(seen[0], model=built.model, callbacks=[history]))
    alone = built.model.get_weights()
    assert all(np.allclose(*pair, rtol=1e-5, atol=1e-6) for pair in zip(watched, alone, strict=True))
    for index, logs in enumerate(found.record.epoch_logs):
        for name, value in logs.items():
            assert value == pytest.approx(history.history[name][index], rel=1e-4, abs=1e-5), name
    norms = found.record.layer_norms["output" if model["family"] == "mlp" else next(iter(found.record.layer_norms))]
    assert len(norms) == found.record.updates + 1 == 13
    squares = sum(each**2 for each in found.record.layer_gradient_norms.values())
    assert found.record.gradient_norms == pytest.approx(np.sqrt(squares))


def test_classes_have_a_weight_each(tmp_path: Path, traced: Make) -> None:
    rows = "".join(f"{n},{n % 3},{'abc'[n % 3]}\n" for n in range(60))
    (tmp_path / "a.csv").write_text(f"u,v,kind\n{rows}")
    found = traced(
        dataset={"name": "csv", "path": "a.csv", "target": "kind"},
        model={"family": "linear", "optimizer": "sgd"},
        training={"epochs": 2, "batch_size": 12},
    )
    every = courses(found, least_squares(found))
    assert [each.name for each in every] == [
        *(f"weight[{column}→{kind}]" for kind in "abc" for column in "uv"),
        *(f"bias[{kind}]" for kind in "abc"),
    ]
    assert all(each.least_squares is None for each in every)
    assert set(found.record.running) == {"loss", "accuracy"}


def test_an_update_that_half_precision_skips_has_no_gradient(traced: Make) -> None:
    """Keras begins with a scale of 32,768, and halves it after each overflow."""
    training = {"epochs": 4, "batch_size": 40, "precision": "mixed_float16"}
    record = traced(model={"family": "mlp", "units": 4}, training=training).record
    norms = record.layer_norms["output"]
    is_skipped = np.isnan(record.gradient_norms)
    assert is_skipped[0]
    assert not is_skipped.all()
    assert ((np.diff(norms) == 0) == is_skipped).all()


def test_a_training_that_diverges_ends_where_it_does(traced: Make) -> None:
    found = traced(
        model={"family": "linear", "normalization": "none", "optimizer": "sgd", "learning_rate": 1e6},
        training={"epochs": 50, "batch_size": 20},
    )
    assert found.record.stopped.startswith("the loss is ")
    assert 0 < found.record.updates < 60
    assert len(found.record.losses) == found.record.updates + 1


def test_the_learning_rate_of_a_schedule_is_seen(traced: Make) -> None:
    found = traced(
        model={
            "family": "linear",
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "schedule": "exponential",
            "decay_rate": 0.5,
        },
        training={"epochs": 3, "batch_size": "full"},
    )
    assert found.record.learning_rates == pytest.approx([0.1, 0.05, 0.025], rel=1e-6)


def test_what_takes_no_steps_of_keras_is_refused(tmp_path: Path, traced: Make) -> None:
    with pytest.raises(UsageError, match="engine: scipy takes no steps"):
        traced(model="linear", training={"engine": "scipy"})
    code = (
        "import keras, keras_tuner\n"
        "class Own(keras.Sequential):\n"
        "    def train_step(self, data):\n"
        "        return {'loss': 0.0}\n"
        "def build_model(hp):\n"
        "    model = Own([keras.Input((3,)), keras.layers.Dense(1)])\n"
        "    model.compile('sgd', 'mse')\n"
        "    return model\n"
    )
    (tmp_path / "own.py").write_text(code)
    with pytest.raises(StudyError, match="Own has a train_step of its own"):
        traced(model={"family": "custom", "path": "own.py"}, objective={"metric": "val_loss", "goal": "min"})


def test_a_model_of_ones_own_is_watched_by_its_layers(tmp_path: Path, traced: Make) -> None:
    code = (
        "import keras\n"
        "def build_model(hp):\n"
        "    layers = [keras.Input((3,)), keras.layers.Dense(4, name='first'), keras.layers.Dense(1, name='last')]\n"
        "    model = keras.Sequential(layers)\n"
        "    model.compile('sgd', 'mae', metrics=['mse'])\n"
        "    return model\n"
    )
    (tmp_path / "own.py").write_text(code)
    found = traced(
        model={"family": "custom", "path": "own.py"},
        objective={"metric": "val_loss", "goal": "min"},
        training={"epochs": 1, "batch_size": 60},
    )
    assert list(found.record.layer_norms) == ["first", "last"]
    assert found.record.updates == 2
    assert np.isfinite(found.record.losses).all()
