from __future__ import annotations

import numpy as np
import pytest

from tunecli.datasets.base import Columns, RawData
from tunecli.preprocessing import prepare, routed
from tunecli.preprocessing.preprocessor import Preprocessor
from tunecli.spec.experiment import Task

NUMBERS = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, 6.0], [5.0, 9.0]])
TEXTS = np.array([[0], [1], [2], [1]], dtype=np.int32)
DATA = RawData(Task.REGRESSION, Columns(NUMBERS, ("a", "b"), TEXTS, ("kind",), (("x", "y", "z"),)), np.arange(4.0), "t")


def test_each_input_has_its_columns_and_shared_ones_are_in_both() -> None:
    parts = prepare(DATA, np.arange(3), np.array([3]))
    (train, _), (validation, _) = routed(parts, {"wide": ("b",), "deep": ("a", "b")}).parts
    matrix = parts.parts[0][0]
    np.testing.assert_array_equal(train["wide"], matrix[:, [1]])
    assert validation["wide"].shape == (1, 1)
    np.testing.assert_array_equal(train["deep"][:, 1], train["wide"][:, 0])


def test_a_column_stands_for_all_features_that_come_from_it() -> None:
    parts = prepare(DATA, np.arange(3))
    names = parts.preprocessor.feature_names
    inputs = routed(parts, {"wide": ("kind",), "deep": ("a",)}).signature.inputs
    found = {name: [names[index] for index in positions] for name, positions in inputs.items()}
    assert found == {"wide": ["kind=x", "kind=y", "kind=z"], "deep": ["a", "a is missing"]}


def test_a_kept_preprocessing_routes_to_the_same_bits() -> None:
    parts, inputs = prepare(DATA, np.arange(3)), {"wide": ("kind", "b"), "deep": ("a",)}
    kept = Preprocessor.from_json(parts.preprocessor.to_json())
    assert kept.signature(Task.REGRESSION, 1) == parts.signature
    assert routed(parts, inputs).parts[0][0]["wide"].dtype == np.float32


@pytest.mark.parametrize("rows", [np.arange(3), np.array([0])])
def test_a_model_of_one_input_keeps_its_matrix(rows: np.ndarray) -> None:
    parts = prepare(DATA, rows)
    assert routed(parts, None) is parts
