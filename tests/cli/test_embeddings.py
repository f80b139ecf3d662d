"""Embeddings and members from the spec to the kept model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_retrain import plan_of, rmse
from tunecli.store.layout import BestLayout
from tunecli.training.data import final_parts

MODEL = {"family": "mlp", "hidden_layers": 1, "units": 6, "embedding_bins": 4, "embedding_width": 3}
SPACE = {"numeric_embedding": ["piecewise_linear"], "ensemble_heads": [2, 3], "learning_rate": [0.01]}


def edges(model: Any) -> Any:
    return np.asarray(model.get_layer("encoding").edges)


def test_a_winner_is_kept_with_the_edges_of_the_rows_it_was_trained_on(
    cli: Callable[..., tuple[int, str, str]],
    cli_json: Callable[..., Any],
    write_spec: Callable[..., Path],
    tmp_path: Path,
) -> None:
    import keras

    from tunecli.families.keras_classes import MemberModel, bin_edges

    spec = write_spec(model=MODEL, search_space=SPACE, training={"epochs": 3, "batch_size": 32})
    runs = tmp_path / "r"
    code, _, err = cli("search", spec, "--runs", runs, "--quiet")
    assert code == 0, err
    best = BestLayout(runs / "linear" / "best")

    document = cli_json("retrain", "--full", "--seeds", 2, "--ensemble", "--runs", runs, "--quiet")
    model = keras.models.load_model(best.model)
    train, _, (inputs, targets) = final_parts(plan_of(runs), full=True).parts
    assert type(model) is MemberModel
    np.testing.assert_array_equal(edges(model), [bin_edges(column, 4) for column in train[0].T])
    predicted = [keras.models.load_model(best.member(number)).predict(inputs, verbose=0) for number in range(2)]
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), predicted[0])
    for each, of_one in zip(document["seeds"], predicted, strict=True):
        assert each["scores"]["test"]["rmse"] == pytest.approx(rmse(of_one, targets), rel=1e-5)
    together = document["ensemble"]["scores"]["test"]["rmse"]
    assert together == pytest.approx(rmse(np.mean(predicted, axis=0), targets), rel=1e-5)

    cli_json("retrain", "--full", "--continue", "--epochs", 1, "--runs", runs, "--quiet")
    alone = final_parts(plan_of(runs), full=False).parts[0][0]
    kept = [bin_edges(column, 4) for column in alone.T]
    np.testing.assert_array_equal(edges(keras.models.load_model(best.model)), kept)
