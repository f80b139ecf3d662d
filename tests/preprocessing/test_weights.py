"""How much rows count."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from tests.preprocessing.test_prepare import data
from tunecli.errors import DataError
from tunecli.preprocessing import Choices, prepare
from tunecli.spec.experiment import Task

BALANCED = Choices(class_weight="balanced")
TRAIN, OTHER = np.array([0, 1, 2, 4, 5]), np.array([3])


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_balanced_weights_equal_those_of_scikit_learn(task: Task) -> None:
    train, other = prepare(data(task), TRAIN, OTHER, choices=BALANCED).parts
    classes = train[1].ravel()
    found = compute_class_weight("balanced", classes=np.unique(classes), y=classes)
    expected = dict(zip(np.unique(classes), found, strict=True))
    np.testing.assert_allclose(train[2], [expected[each] for each in classes])
    np.testing.assert_allclose(other[2], [expected[each] for each in other[1].ravel()])
    assert train[2].mean() == pytest.approx(1)


def test_weights_of_rows_have_mean_1_over_the_training_rows() -> None:
    weighted = replace(data(Task.REGRESSION), weights=np.array([0.0, 200.0, 400.0, 600.0, 0.0, 0.0]))
    train, other = prepare(weighted, np.array([0, 1, 2]), np.array([3])).parts
    assert (train[2].dtype, train[2].tolist(), other[2].tolist()) == (np.float32, [0, 1, 2], [3])


def test_weights_of_rows_and_classes_are_multiplied() -> None:
    weighted = replace(data(Task.BINARY), weights=np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    alone = prepare(weighted, TRAIN, OTHER).parts
    both = prepare(weighted, TRAIN, OTHER, choices=BALANCED).parts
    classes = prepare(data(Task.BINARY), TRAIN, OTHER, choices=BALANCED).parts
    for one, together, other in zip(alone, both, classes, strict=True):
        np.testing.assert_allclose(together[2], one[2] * other[2])


def test_training_rows_that_all_have_weight_0_are_refused() -> None:
    weighted = replace(data(Task.REGRESSION), weights=np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]))
    with pytest.raises(DataError, match="all training rows have weight 0"):
        prepare(weighted, np.array([0, 1]))
