"""The preprocessing as a graph gives what the preprocessing itself does, to single precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tunecli.datasets.base import Columns
from tunecli.preprocessing import Preprocessor
from tunecli.training.exports.graph import CODES, IMAGES, NUMBERS, REST, TEXTS, RawInputs, codes, needs_rest, split
from tunecli.training.exports.preprocess import preprocess, preprocess_images
from tunecli.training.exports.sample import Sample

ROWS, FITTED = 200, 120
TEXTS_OF = (["a\nb", "[UNK]", '"', "é,;", ""], ["</script>", "__proto__", ""])
"""With "" for a missing one; not missing among the rows that are fitted to in the second column."""


def table() -> Sample:
    random = np.random.default_rng(0)
    numbers = random.lognormal(2, 1, (ROWS, 5))
    numbers[:, 1] = 7.0  # constant
    numbers[:, 2] = np.round(numbers[:, 2])  # with ties
    numbers[:, 3] = 1_600_000_000.5 + numbers[:, 3]  # far from 0
    numbers[random.random((ROWS, 5)) < 0.2] = np.nan
    numbers[:FITTED, 0] = np.abs(np.nan_to_num(numbers[:FITTED, 0]))  # missing only where it is not fitted to
    texts = np.empty((ROWS, 2), dtype=object)
    for index, known in enumerate(TEXTS_OF):
        texts[:, index] = [known[place] for place in random.integers(0, len(known), ROWS)]
    texts[:FITTED, 1] = [text or "</script>" for text in texts[:FITTED, 1]]
    texts[FITTED : FITTED + 10] = "never seen"
    return Sample(numbers, texts)


def names(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(count))


def columns(sample: Sample) -> Columns:
    naming = Preprocessor.model_validate(
        {
            "numeric": [
                {"name": name, "median": 0, "offset": 0, "scale": 1, "has_indicator": False}
                for name in names("n", sample.numbers.shape[1])
            ],
            "categorical": [{"name": name, "categories": []} for name in names("t", sample.texts.shape[1])],
        }
    )
    return sample.columns(naming)


def fitted(sample: Sample, normalization: str = "standard") -> tuple[Preprocessor, Any]:
    """A preprocessing, and what it makes of all rows."""
    preprocessor = Preprocessor.fit(columns(sample), np.arange(FITTED), normalization)
    return preprocessor, preprocessor.transform(columns(sample), np.arange(sample.rows))


def features(raw: RawInputs, **inputs: Any) -> Any:
    model = keras.Model(raw.tensors, raw.features())
    return np.asarray(model({name: tf.constant(array) for name, array in inputs.items()}))


def coded(preprocessor: Preprocessor, sample: Sample) -> Any:
    return np.stack([codes(each, sample.texts[:, i]) for i, each in enumerate(preprocessor.categorical)], axis=1)


@pytest.mark.parametrize("normalization", ["none", "standard", "minmax", "robust", "quantile"])
def test_numbers_texts_and_missing_values(normalization: str) -> None:
    sample = table()
    preprocessor, expected = fitted(sample, normalization)
    assert any(each.has_indicator for each in preprocessor.numeric)
    assert {None in each.categories for each in preprocessor.categorical} == {True, False}

    given = {NUMBERS: sample.numbers, TEXTS: sample.texts.tolist()}
    np.testing.assert_allclose(features(RawInputs.of(preprocessor, texts=True), **given), expected, rtol=1e-6)
    given = {NUMBERS: sample.numbers, CODES: coded(preprocessor, sample)}
    np.testing.assert_allclose(features(RawInputs.of(preprocessor, texts=False), **given), expected, rtol=1e-6)


@pytest.mark.parametrize("normalization", ["standard", "robust", "quantile"])
def test_single_precision_in_two_parts_is_as_good_as_double(normalization: str) -> None:
    sample = table()
    sample.numbers[:, 4] = 1 + np.arange(ROWS) * 1e-11  # quantiles that single precision takes for one
    preprocessor, expected = fitted(sample, normalization)
    assert needs_rest(preprocessor, {"n3": 1.6e9})
    high, rest = split(sample.numbers)
    raw = RawInputs.of(preprocessor, texts=False, float_type="float32", has_rest=True)
    found = features(raw, **{NUMBERS: high, REST: rest, CODES: coded(preprocessor, sample)})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)
    in_one_part = RawInputs.of(preprocessor, texts=False, float_type="float32")
    found = features(in_one_part, **{NUMBERS: high, CODES: coded(preprocessor, sample)})
    assert np.nanmax(np.abs(found - expected)) > 0.01


def test_one_part_is_enough_for_numbers_of_a_usual_size() -> None:
    sample = table()
    sample.numbers[:, 3] -= 1_600_000_000.5
    preprocessor, expected = fitted(sample)
    assert not needs_rest(preprocessor, {"n3": 300.0})
    raw = RawInputs.of(preprocessor, texts=False, float_type="float32")
    found = features(raw, **{NUMBERS: sample.numbers.astype("float32"), CODES: coded(preprocessor, sample)})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_beyond_the_outermost_quantiles_nothing_changes_any_more() -> None:
    sample = Sample(np.linspace(0, 1, ROWS)[:, np.newaxis], np.empty((ROWS, 0), dtype=object))
    preprocessor, _ = fitted(sample, "quantile")
    edges = np.array([[-np.inf], [-1e30], [0.0], preprocessor.numeric[0].quantiles[-1:], [1e30], [np.inf]])
    first, *_, last = preprocessor.numeric[0].scores
    expected = np.array([first, first, first, last, last, last], dtype=np.float32)
    found = features(RawInputs.of(preprocessor, texts=True), **{NUMBERS: edges})
    np.testing.assert_array_equal(found[:, 0], expected)
    in_two = RawInputs.of(preprocessor, texts=True, float_type="float32", has_rest=True)
    found = features(in_two, **dict(zip((NUMBERS, REST), split(edges), strict=True)))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


def test_texts_alone() -> None:
    sample = Sample(np.empty((ROWS, 0)), table().texts)
    preprocessor, expected = fitted(sample)
    found = features(RawInputs.of(preprocessor, texts=True), **{TEXTS: sample.texts.tolist()})
    np.testing.assert_array_equal(found, expected)


def test_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 1), dtype=np.uint8)
    found = features(RawInputs.of(Preprocessor(image_shape=(4, 3, 1)), texts=True), **{IMAGES: images})
    np.testing.assert_allclose(found, images.astype("float32") / 255, rtol=1e-6)
    np.testing.assert_array_equal(preprocess_images(images), images.astype("float32") / 255)


@pytest.mark.parametrize("normalization", ["standard", "quantile"])
def test_the_code_that_lies_beside_a_model_does_the_same(normalization: str, tmp_path: Path) -> None:
    sample = table()
    preprocessor, expected = fitted(sample, normalization)
    path = tmp_path / "preprocessing.json"
    path.write_text(preprocessor.model_dump_json())
    np.testing.assert_array_equal(preprocess(sample.numbers, sample.texts, path), expected)
