from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.folds import deal
from tunecli.datasets.split import Split, split
from tunecli.errors import DataError
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.experiment import Task


def data(target: list[float], task: Task = Task.REGRESSION) -> RawData:
    values = np.array(target, dtype=np.float64 if task is Task.REGRESSION else np.int64)
    columns = Columns(np.zeros((len(target), 1)), ("x",), np.zeros((len(target), 0), dtype=np.int32))
    classes = () if task is Task.REGRESSION else tuple("abcdef"[: int(values.max()) + 1])
    return RawData(task, columns, values, "y", classes)


def everything(raw: RawData) -> Split:
    rows = np.arange(len(raw.target), dtype=np.int64)
    return Split(rows, rows[:0], rows[:0])


@pytest.mark.parametrize("scheme", [None, "kfold", "stratified"])
def test_each_training_row_is_held_back_once_and_no_other_row_ever(scheme: str | None) -> None:
    raw = data([0, 1, 2] * 20, Task.MULTICLASS)
    parts = split(raw, 0.2, 0.2, seed=0)
    folds = deal(raw, parts, EvaluationSpec(folds=4, scheme=scheme), seed=7)
    assert len(folds) == 4
    np.testing.assert_array_equal(np.sort(np.concatenate([held_back for _, held_back in folds])), parts.train)
    for train, held_back in folds:
        assert not set(train) & set(held_back)
        np.testing.assert_array_equal(np.sort(np.concatenate([train, held_back])), parts.train)


def test_equal_seeds_deal_alike_and_others_otherwise() -> None:
    raw = data(list(range(50)))
    one, again, other = (deal(raw, everything(raw), EvaluationSpec(folds=3), seed) for seed in (1, 1, 2))
    assert all(np.array_equal(left[1], right[1]) for left, right in zip(one, again, strict=True))
    assert not all(np.array_equal(left[1], right[1]) for left, right in zip(one, other, strict=True))


def test_classes_are_spread_evenly_unless_told_otherwise() -> None:
    raw = data([0] * 30 + [1] * 6, Task.BINARY)
    for _, held_back in deal(raw, everything(raw), EvaluationSpec(folds=3), seed=0):
        assert np.bincount(raw.target[held_back].astype(int)).tolist() == [10, 2]


def test_in_the_order_of_time_a_fold_is_scored_by_what_came_before() -> None:
    raw = data(list(range(40)))
    for train, held_back in deal(raw, everything(raw), EvaluationSpec(folds=3, scheme="time"), seed=0):
        assert train.max() < held_back.min()


@pytest.mark.parametrize(
    ("target", "task", "evaluation", "what"),
    [
        ([1, 2, 3], Task.REGRESSION, {"folds": 4}, "3 rows to train on are too few for 4 folds"),
        ([1, 2, 3], Task.REGRESSION, {"folds": 3, "scheme": "time"}, "3 rows to train on are too few for 3 folds"),
        ([0] * 9 + [1] * 2, Task.BINARY, {"folds": 3}, "class 'b' has 2 rows to train on, too few for 3 folds"),
        ([0] * 9 + [1], Task.BINARY, {"folds": 3, "scheme": "kfold"}, "class 'b' is in one fold only"),
        ([0] * 9 + [1] * 3, Task.BINARY, {"folds": 3, "scheme": "time"}, "class 'b' is in one fold only"),
    ],
)
def test_rows_that_cannot_be_dealt_out_are_refused(
    target: list[float], task: Task, evaluation: dict[str, object], what: str
) -> None:
    raw = data(target, task)
    with pytest.raises(DataError, match=what):
        deal(raw, everything(raw), EvaluationSpec.model_validate(evaluation), seed=0)


def test_no_fold_takes_a_group_apart() -> None:
    groups = np.repeat(np.arange(10), 3)
    raw = replace(data(list(range(30))), groups=groups)
    for evaluation in (EvaluationSpec(folds=4), EvaluationSpec(folds=4, scheme="group")):
        held_back = [held for _, held in deal(raw, everything(raw), evaluation, seed=1)]
        assert sorted(np.concatenate(held_back)) == list(range(30))
        found = [set(groups[each]) for each in held_back]
        assert sum(map(len, found)) == 10, "each group is in one fold"
    with pytest.raises(DataError, match="10 groups to train on are too few for 11 folds"):
        deal(raw, everything(raw), EvaluationSpec(folds=11), seed=1)


def test_folds_in_time_go_by_the_times_that_rows_have() -> None:
    times = np.random.default_rng(1).permutation(np.arange(60) // 3).astype(float)
    raw = replace(data([0.5] * 60), times=times)
    parts = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
    evaluation = EvaluationSpec(folds=4, scheme="time")
    for train, held_back in deal(raw, parts, evaluation, 0):
        assert times[train].max() < times[held_back].min(), "no moment is on both sides"
        assert set(train) | set(held_back) <= set(range(40))
        assert (np.diff(train) > 0).all()
    with pytest.raises(DataError, match="2 moments to train on are too few for 4 folds"):
        deal(replace(raw, times=times % 2), parts, evaluation, 0)
