"""The ways to scale numbers, held against scikit-learn's."""

import json

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler

from tests.preprocessing.test_preprocessor import columns
from tunecli.families.surroundings import NORMALIZATION
from tunecli.preprocessing import Preprocessor

TRAIN, OTHER = np.arange(0, 300), np.arange(300, 400)
TABLE = columns(np.random.default_rng(5).lognormal(3, 2, size=(400, 2)))


def transformed(normalization: str, rows: np.ndarray) -> np.ndarray:
    return Preprocessor.fit(TABLE, TRAIN, normalization).transform(TABLE, rows)


@pytest.mark.parametrize(("normalization", "reference"), [("minmax", MinMaxScaler()), ("robust", RobustScaler())])
def test_ranges_and_quartiles_equal_those_of_scikit_learn(normalization: str, reference: object) -> None:
    reference.fit(TABLE.numeric[TRAIN])
    for rows in (TRAIN, OTHER):
        np.testing.assert_allclose(
            transformed(normalization, rows), reference.transform(TABLE.numeric[rows]), rtol=1e-5
        )


def test_quantiles_make_a_normal_distribution_close_to_that_of_scikit_learn() -> None:
    reference = QuantileTransformer(n_quantiles=300, output_distribution="normal").fit(TABLE.numeric[TRAIN])
    inner = (np.abs(expected := reference.transform(TABLE.numeric[OTHER])) < 2).all(axis=1)
    assert inner.sum() > 80
    np.testing.assert_allclose(transformed("quantile", OTHER)[inner], expected[inner], atol=0.06)
    training = transformed("quantile", TRAIN)
    assert abs(training.mean()) < 1e-6
    assert training.std() == pytest.approx(1, abs=0.02)


def test_beyond_the_training_rows_quantiles_stay_at_the_last_score() -> None:
    table = columns([[1.0], [2.0], [3.0], [-1e9], [1e9], [2.5]])
    fitted = Preprocessor.fit(table, np.arange(3), "quantile").transform(table, np.arange(6)).ravel()
    assert (fitted[3], fitted[4]) == (fitted[0], fitted[2])
    assert fitted[5] == pytest.approx((fitted[1] + fitted[2]) / 2)
    assert fitted[1] == 0


def test_equal_values_have_one_score_and_a_short_column_keeps_all_its_values() -> None:
    table = columns([[0.0], [0.0], [0.0], [7.0]])
    column = Preprocessor.fit(table, np.arange(4), "quantile").numeric[0]
    assert column.quantiles == (0.0, 7.0)
    assert column.scores[0] < 0 < column.scores[1]


def test_of_a_long_column_a_thousand_quantiles_are_kept() -> None:
    table = columns(np.random.default_rng(0).normal(size=(5000, 1)))
    assert len(Preprocessor.fit(table, np.arange(5000), "quantile").numeric[0].quantiles) == 1000


def test_none_leaves_numbers_as_they_are_and_still_fills_in_missing_ones() -> None:
    table = columns([[65535.0], [float("nan")], [3.0], [3.0]])
    fitted = Preprocessor.fit(table, np.arange(4), "none")
    assert fitted.transform(table, np.arange(4)).tolist() == [[65535, 0], [3, 1], [3, 0], [3, 0]]


def test_robust_falls_back_on_the_deviation_where_the_quartiles_are_equal() -> None:
    table = columns([[0.0]] * 9 + [[10.0]])
    assert Preprocessor.fit(table, np.arange(10), "robust").numeric[0].scale == pytest.approx(3)


@pytest.mark.parametrize("normalization", [each for each in NORMALIZATION.values if each != "none"])
def test_a_column_of_one_value_becomes_zero_in_every_way(normalization: str) -> None:
    table = columns([[0.1], [0.1], [0.1], [7.0]])
    assert not Preprocessor.fit(table, np.arange(3), normalization).transform(table, np.arange(4)).any()


@pytest.mark.parametrize("normalization", NORMALIZATION.values)
def test_every_way_survives_json_to_the_bit(normalization: str) -> None:
    fitted = Preprocessor.fit(TABLE, TRAIN, normalization)
    restored = Preprocessor.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert restored.transform(TABLE, OTHER).tobytes() == fitted.transform(TABLE, OTHER).tobytes()


def test_files_of_older_versions_are_read() -> None:
    old = {"name": "n0", "median": 2.0, "mean": 1.0, "scale": 2.0, "has_indicator": False}
    document = {"numeric": [old], "categorical": [], "image_shape": None}
    table = columns([[5.0]])
    assert Preprocessor.from_json(document).transform(table, np.arange(1)).tolist() == [[2.0]]
