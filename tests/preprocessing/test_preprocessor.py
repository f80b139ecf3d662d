import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tunecli.datasets.base import Columns
from tunecli.families.base import DataSignature
from tunecli.preprocessing import Preprocessor
from tunecli.spec.experiment import Task

NAN = float("nan")


def columns(numeric: object, categorical: object = None, texts: tuple[tuple[str, ...], ...] = ()) -> Columns:
    values = np.array(numeric, dtype=np.float64)
    codes = np.empty((len(values), 0)) if categorical is None else np.array(categorical)
    return Columns(
        values,
        tuple(f"n{i}" for i in range(values.shape[1])),
        codes.astype(np.int32),
        tuple(f"c{i}" for i in range(len(texts))),
        texts,
    )


@pytest.fixture
def mixed() -> Columns:
    random = np.random.default_rng(3)
    numeric = random.lognormal(3, 2, size=(60, 3))
    numeric[::7, 1] = NAN
    return columns(numeric, random.integers(0, 3, size=(60, 2)), (("a", "b", "c"), ("x", "y", "z")))


TRAIN, OTHER = np.arange(0, 40), np.arange(40, 60)


def test_it_equals_a_pipeline_of_scikit_learn(mixed: Columns) -> None:
    table = np.concatenate([mixed.numeric, mixed.categorical], axis=1)
    reference = ColumnTransformer(
        [
            ("scaled", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0, 1, 2]),
            ("missing", MissingIndicator(features="missing-only"), [0, 1, 2]),
            ("encoded", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [3, 4]),
        ]
    ).fit(table[TRAIN])
    fitted = Preprocessor.fit(mixed, TRAIN)
    for rows in (TRAIN, OTHER):
        transformed = fitted.transform(mixed, rows)
        assert transformed.dtype == np.float32
        np.testing.assert_allclose(transformed, reference.transform(table[rows]), rtol=1e-6, atol=1e-6)


def test_other_rows_never_change_what_is_fitted(mixed: Columns) -> None:
    changed = mixed.numeric.copy()
    changed[OTHER] = 1e6
    assert Preprocessor.fit(replace(mixed, numeric=changed), TRAIN) == Preprocessor.fit(mixed, TRAIN)


def test_what_json_restores_transforms_to_the_same_bits(mixed: Columns) -> None:
    fitted = Preprocessor.fit(mixed, TRAIN)
    restored = Preprocessor.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert restored == fitted
    assert restored.transform(mixed, OTHER).tobytes() == fitted.transform(mixed, OTHER).tobytes()


def test_features_have_names(mixed: Columns) -> None:
    fitted = Preprocessor.fit(mixed, TRAIN)
    encoded = ("c0=a", "c0=b", "c0=c", "c1=x", "c1=y", "c1=z")
    assert fitted.feature_names == ("n0", "n1", "n2", "n1 is missing", *encoded)
    sources = ("n0", "n1", "n2", "n1", "c0", "c0", "c0", "c1", "c1", "c1")
    assert fitted.signature(Task.BINARY, 1) == DataSignature(Task.BINARY, (10,), 1, columns=sources, numeric=3)


def test_a_column_of_one_value_becomes_zero_everywhere() -> None:
    table = columns([[0.1, NAN], [0.1, NAN], [0.1, NAN], [7.0, 3.0]])
    fitted = Preprocessor.fit(table, np.arange(3))
    expected = [[0, 0, 1]] * 3 + [[0, 0, 0]]
    assert fitted.transform(table, np.arange(4)).tolist() == expected


def test_an_unseen_text_is_zero_in_all_features() -> None:
    table = columns(np.empty((3, 0)), [[0], [1], [2]], (("a", "b", "c"),))
    fitted = Preprocessor.fit(table, np.array([0, 2]))
    assert fitted.feature_names == ("c0=a", "c0=c")
    assert fitted.transform(table, np.arange(3)).tolist() == [[1, 0], [0, 0], [0, 1]]


def test_texts_are_found_again_in_data_that_number_them_otherwise() -> None:
    fitted = Preprocessor.fit(columns(np.empty((2, 0)), [[0], [1]], (("a", "b"),)), np.arange(2))
    other = columns(np.empty((2, 0)), [[1], [0]], (("b", "d"),))
    assert fitted.transform(other, np.arange(2)).tolist() == [[0, 0], [0, 1]]


def test_a_missing_text_has_a_feature_where_it_was_seen() -> None:
    table = columns(np.empty((3, 0)), [[0], [-1], [1]], (("a", "b"),))
    assert Preprocessor.fit(table, np.arange(2)).feature_names == ("c0=a", "c0 is missing")
    assert Preprocessor.fit(table, np.arange(2)).transform(table, np.arange(3)).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert Preprocessor.fit(table, np.array([0, 2])).transform(table, np.array([1])).tolist() == [[0, 0]]


def test_images_become_numbers_from_0_to_1() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    table = replace(columns(np.empty((4, 0))), images=images)
    fitted = Preprocessor.fit(table, np.arange(2))
    transformed = fitted.transform(table, np.arange(1, 4))
    assert transformed.dtype == np.float32
    np.testing.assert_array_equal(transformed, images[1:].astype(np.float32) / 255)
    assert fitted.signature(Task.MULTICLASS, 10).shape == (8, 8, 1)
    assert Preprocessor.from_json(fitted.to_json()) == fitted


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(2, 30), st.integers(1, 4)),
        elements=st.floats(-1e12, 1e12) | st.just(NAN),
    )
)
def test_whatever_is_missing_the_result_is_finite(values: np.ndarray) -> None:
    table = columns(values)
    fitted = Preprocessor.fit(table, np.arange(len(values) // 2 + 1))
    training = fitted.transform(table, np.arange(len(values) // 2 + 1))
    assert np.isfinite(training).all()
    assert np.abs(training).max() < 1e3
