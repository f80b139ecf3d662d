from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.split import split
from tunecli.errors import DataError
from tunecli.spec.experiment import Task


def table(target: list[float], task: Task = Task.REGRESSION, own_test_rows: int = 0) -> RawData:
    rows = len(target)
    columns = Columns(np.zeros((rows, 1)), ("x",), np.empty((rows, 0), dtype=np.int32))
    kind = np.float64 if task is Task.REGRESSION else np.int64
    return RawData(task, columns, np.array(target, dtype=kind), "y", own_test_rows=own_test_rows)


FRACTIONS = st.floats(0, 0.49)
SEEDS = st.integers(0, 2**64)


@settings(max_examples=200, deadline=None)
@given(
    target=st.lists(st.integers(0, 5), min_size=3, max_size=200),
    task=st.sampled_from(Task),
    validation=FRACTIONS,
    test=FRACTIONS,
    seed=SEEDS,
)
def test_the_parts_are_disjoint_and_cover_all_rows(
    target: list[int], task: Task, validation: float, test: float, seed: int
) -> None:
    parts = split(table(target, task), validation, test, seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together) == list(range(len(target)))
    for part in (parts.train, parts.validation, parts.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    assert len(parts.train) > 0
    assert (len(parts.validation) > 0) == (validation > 0)
    assert (len(parts.test) > 0) == (test > 0)


@settings(max_examples=100, deadline=None)
@given(
    target=st.lists(st.integers(0, 5), min_size=3, max_size=100),
    task=st.sampled_from(Task),
    validation=st.tuples(FRACTIONS, FRACTIONS),
    test=FRACTIONS,
    seed=SEEDS,
)
def test_the_test_part_does_not_depend_on_the_validation_fraction(
    target: list[int], task: Task, validation: tuple[float, float], test: float, seed: int
) -> None:
    one, other = (split(table(target, task), each, test, seed) for each in validation)
    np.testing.assert_array_equal(one.test, other.test)


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=6), validation=FRACTIONS, test=FRACTIONS, seed=SEEDS)
def test_every_class_is_in_every_part_by_its_proportion(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    target = np.repeat(np.arange(len(counts)), counts)
    if len(target) < 3:
        return
    parts = split(table(list(target), Task.MULTICLASS), validation, test, seed)
    for part, fraction in ((parts.validation, validation), (parts.test, test)):
        if fraction * len(target) >= 1:
            found = np.bincount(target[part], minlength=len(counts))
            assert (np.abs(found - np.array(counts) * fraction) < 3).all()


def test_a_class_of_one_row_is_trained_on() -> None:
    data = table([0] * 50 + [1] * 49 + [2], Task.MULTICLASS)
    assert all(99 in split(data, 0.3, 0.3, seed).train for seed in range(20))


def test_equal_seeds_give_equal_splits_for_ever() -> None:
    parts = split(table(list(range(10))), 0.2, 0.2, 0)
    assert parts.test.tolist() == split(table(list(range(10))), 0.2, 0.2, 0).test.tolist()
    # frozen: another split would make every old study's test part a training part
    assert (parts.test.tolist(), parts.validation.tolist()) == ([1, 6], [0, 5])
    assert split(table(list(range(10))), 0.2, 0.2, 1).test.tolist() != parts.test.tolist()


def test_fractions_are_of_all_rows() -> None:
    parts = split(table(list(range(200))), 0.2, 0.2, 0)
    assert [len(each) for each in (parts.train, parts.validation, parts.test)] == [120, 40, 40]


def test_a_test_part_of_the_datas_own_becomes_the_test_part() -> None:
    parts = split(table([0, 1] * 50, Task.BINARY, own_test_rows=20), 0.25, 0, 0)
    assert parts.test.tolist() == list(range(80, 100))
    assert len(parts.validation) == 20


@pytest.mark.parametrize(("rows", "validation", "test"), [(2, 0.2, 0.2), (1, 0.1, 0), (10, 0.5, 0.5)])
def test_too_few_rows_are_an_error(rows: int, validation: float, test: float) -> None:
    with pytest.raises(DataError, match="cannot be split"):
        split(table(list(range(rows))), validation, test, 0)


@pytest.mark.parametrize(("validation", "test"), [(0.2, 0.2), (0, 0.3), (0.3, 0)])
def test_no_part_takes_a_group_apart(validation: float, test: float) -> None:
    groups = np.random.default_rng(0).integers(0, 25, 200)
    raw = replace(table(list(range(200))), groups=groups)
    parts = split(raw, validation, test, seed=3)
    found = [set(groups[rows]) for rows in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, found)) == len(set(groups))
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 200
    assert len(parts.validation) == pytest.approx(200 * validation, abs=20)
    assert len(parts.test) == pytest.approx(200 * test, abs=20)
    np.testing.assert_array_equal(parts.test, split(raw, validation / 2, test, seed=3).test)


def test_too_few_groups_for_all_parts_are_refused() -> None:
    with pytest.raises(DataError, match="2 groups of rows are too few for all parts"):
        split(replace(table(list(range(20))), groups=np.arange(20) % 2), 0.3, 0.3, seed=0)


def timed(times: list[float], **more: object) -> RawData:
    return replace(table([0.5 * row for row in range(len(times))]), times=np.array(times, dtype=np.float64), **more)


def test_the_latest_rows_are_tested_on() -> None:
    times = np.random.default_rng(0).permutation(100).astype(float)
    parts = split(timed(list(times)), 0.2, 0.1, seed=5, how="time")
    assert sorted(times[parts.test]) == list(range(90, 100))
    assert sorted(times[parts.validation]) == list(range(70, 90))
    assert (np.diff(parts.train) > 0).all()


def test_rows_of_one_moment_stay_together() -> None:
    times = [row // 7 for row in range(70)]
    parts = split(timed(times), 0.25, 0.25, seed=0, how="time")
    found = [{times[row] for row in rows} for rows in (parts.train, parts.validation, parts.test)]
    assert found == [set(range(4)), {4, 5, 6}, {7, 8, 9}]
    with pytest.raises(DataError, match="2 moments are too few for all parts"):
        split(timed([0, 0, 1, 1, 1, 1]), 0.2, 0.2, seed=0, how="time")


def test_the_last_rows_of_a_file_are_tested_on() -> None:
    parts = split(table(list(range(10))), 0.2, 0.2, seed=9, how="last")
    assert (parts.test.tolist(), parts.validation.tolist()) == ([8, 9], [6, 7])


def test_classes_do_not_matter_where_chance_decides() -> None:
    data = table([0] * 98 + [1] * 2, Task.BINARY)
    by_chance = {tuple(data.target[split(data, 0.3, 0.3, seed, "random").train][-2:]) for seed in range(30)}
    by_class = {tuple(data.target[split(data, 0.3, 0.3, seed, "stratified").train][-1:]) for seed in range(30)}
    assert len(by_chance) > 1, "the rare class is in any part"
    assert by_class == {(1,)}, "one row of each class is trained on"
    numbers = table([0.5] * 50)
    np.testing.assert_array_equal(split(numbers, 0.2, 0.2, 0, "random").test, split(numbers, 0.2, 0.2, 0).test)


@pytest.mark.parametrize("how", [None, "random", "last", "time"])
def test_parts_of_the_datas_own_are_those_parts(how: str | None) -> None:
    data = replace(timed(list(range(50))), own_validation_rows=10, own_test_rows=5)
    parts = split(data, 0.3, 0, 0, how)
    assert [each.tolist() for each in (parts.train, parts.validation, parts.test)] == [
        list(range(35)),
        list(range(35, 45)),
        list(range(45, 50)),
    ]
    only = replace(data, own_test_rows=0)
    parts = split(only, 0.3, 0.25, 0, how)
    assert parts.validation.tolist() == list(range(40, 50))
    assert len(parts.test) == 10
    assert set(parts.test) < set(range(40))
