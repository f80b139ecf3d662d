import numpy as np
import pytest

from tunecli.datasets.base import Columns, RawData
from tunecli.preprocessing import prepare, targets
from tunecli.spec.experiment import Task


def data(task: Task) -> RawData:
    columns = Columns(np.arange(6.0)[:, np.newaxis], ("x",), np.empty((6, 0), dtype=np.int32))
    if task is Task.REGRESSION:
        return RawData(task, columns, np.arange(6.0) / 2, "y")
    classes = ("a", "b", "c") if task is Task.MULTICLASS else ("a", "b")
    return RawData(task, columns, np.arange(6) % len(classes), "y", classes)


@pytest.mark.parametrize(
    ("task", "outputs", "kind", "values"),
    [
        (Task.REGRESSION, 1, np.float32, [[2.5], [0.5]]),
        (Task.BINARY, 1, np.float32, [[1], [1]]),
        (Task.MULTICLASS, 3, np.int32, [2, 1]),
    ],
)
def test_targets_have_the_shape_that_their_loss_wants(
    task: Task, outputs: int, kind: type, values: list[object]
) -> None:
    y = targets(data(task), np.array([5, 1]))
    assert y.dtype == kind
    assert y.tolist() == values
    assert prepare(data(task), np.arange(4)).signature.outputs == outputs


def test_all_parts_are_scaled_as_the_training_rows_are() -> None:
    prepared = prepare(data(Task.REGRESSION), np.array([0, 2]), np.array([1, 4]), np.array([], dtype=np.int64))
    assert [x.ravel().tolist() for x, _ in prepared.parts] == [[-1, 1], [0, 3], []]
    assert [y.ravel().tolist() for _, y in prepared.parts] == [[0, 1], [0.5, 2], []]
    assert prepared.signature.shape == (1,)
