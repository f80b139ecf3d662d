"""Leak and sanity checks: each finds what was planted, and is silent on data that are fine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunecli.datasets import DATASETS
from tunecli.datasets.base import Columns, DatasetOptions, RawData
from tunecli.datasets.checks import CHECKS, examine
from tunecli.datasets.checks.drift import ks_distance
from tunecli.datasets.checks.hashing import row_hashes, stand_in
from tunecli.datasets.split import Split, split
from tunecli.spec.experiment import Task
from tunecli.study.check import Checks, Finding, Severity

ROWS = 600
NO_CODES = np.empty((ROWS, 0), dtype=np.int32)


def table(target: object = None, task: Task = Task.REGRESSION, **numbers: object) -> RawData:
    """Two independent features and those that are given; the target is a noisy sum unless it is given."""
    draw = np.random.default_rng(5)
    named = {"a": draw.normal(size=ROWS), "b": draw.normal(size=ROWS), **numbers}
    if target is None:
        target = named["a"] + named["b"] + draw.normal(size=ROWS)
    columns = np.stack([np.asarray(column, dtype=float) for column in named.values()], axis=1)
    classes = () if task is Task.REGRESSION else tuple(f"c{code}" for code in range(int(np.max(target)) + 1))
    target = np.asarray(target, dtype=np.float64 if task is Task.REGRESSION else np.int64)
    return RawData(task, Columns(columns, tuple(named), NO_CODES), target, "y", classes)


def with_texts(data: RawData, **texts: list[str]) -> RawData:
    """The same, and columns of texts."""
    categories = tuple(tuple(sorted(set(column))) for column in texts.values())
    codes = [[known.index(text) for text in column] for known, column in zip(categories, texts.values(), strict=True)]
    columns = replace(
        data.columns,
        categorical=np.array(codes, dtype=np.int32).T,
        categorical_names=tuple(texts),
        categories=categories,
    )
    return replace(data, columns=columns)


def check(data: RawData, parts: Split | None = None) -> Checks:
    return examine(data, parts or split(data, 0.2, 0.0 if data.own_test_rows else 0.2, 0))


def only(data: RawData, parts: Split | None = None) -> Finding:
    """The one finding that there is."""
    (finding,) = check(data, parts).findings
    return finding


def target() -> np.ndarray:
    draw = np.random.default_rng(7)
    return draw.normal(size=ROWS)


def test_plain_data_are_passed_over() -> None:
    assert check(table()).findings == ()
    assert check(table(target() > 0, Task.BINARY)).findings == ()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_shipped_table_is_passed_over(seed: int) -> None:
    data = DATASETS.load("advertising").load(DatasetOptions())
    assert examine(data, split(data, 0.2, 0.2, seed)).findings == ()
    alone = DATASETS.load("advertising").load(DatasetOptions(features=("TV",)))  # 190 different values in 200 rows
    assert examine(alone, split(alone, 0.2, 0.2, seed)).findings == ()


@pytest.mark.parametrize("name", ["california_housing", "fashion_mnist"])
def test_published_data_are_passed_over(name: str, real_data: Path) -> None:
    data = DATASETS.load(name).load(DatasetOptions())
    checks = check(data)
    assert checks.findings == ()
    assert sum(checks.rows.values()) == len(data.target)


def test_the_targets_of_the_test_part_are_not_read() -> None:
    data = table(leak=target(), target=target())
    parts = split(data, 0.2, 0.2, 0)
    poisoned = data.target.copy()
    poisoned[parts.test] = np.nan
    assert examine(replace(data, target=poisoned), parts) == examine(data, parts)
    assert examine(data, parts).findings


def test_each_of_several_targets_is_looked_at() -> None:
    two = table(c=np.ones(ROWS), leak=2 * target() + 3)
    two = replace(two, target=np.stack([two.target, target()], axis=1), targets=("y", "z"))
    leak, constant = check(two, split(table(), 0.2, 0.2, 0)).findings
    assert leak.what == "'leak' is the target 'z' in other units, or nearly: correlation 1"
    assert leak.columns == ("leak",)
    assert constant.kind == "constant"


def test_a_label_of_several_that_a_column_copies_is_found() -> None:
    labels = np.stack([target() > 0, target() > 1], axis=1)
    data = table(copy=labels[:, 1])
    data = replace(data, task=Task.MULTILABEL, target=labels.astype(np.int64), targets=("warm", "hot"))
    assert [each.what for each in check(data, split(table(), 0.2, 0.2, 0)).findings] == [
        "'copy' equals the target 'hot'"
    ]


# rows


def test_copies_across_parts_are_counted() -> None:
    data = table()
    parts = split(data, 0.2, 0.2, 0)
    numeric = data.columns.numeric.copy()
    numeric[parts.validation[:7]] = numeric[parts.train[:7]]
    numeric[parts.test[:3]] = numeric[parts.train[10:13]]
    numeric[parts.test[3:5]] = numeric[parts.validation[20:22]]
    changed = replace(data, columns=replace(data.columns, numeric=numeric))
    copies, contradictions = check(changed, parts).findings
    assert (copies.kind, copies.severity) == ("duplicate_rows", Severity.WARNING)
    assert copies.what == (
        "7 of 120 validation rows have the inputs of a training row, "
        "and 5 of 120 test rows those of a row outside the test part"
    )
    assert copies.figures == {"validation": 7, "validation_compared": 120, "test": 5, "test_compared": 120}
    # those of the test part are not counted here: their targets are not known
    assert (contradictions.kind, contradictions.severity) == ("contradictory_rows", Severity.NOTE)
    assert contradictions.figures == {"rows": 14, "compared": 480}


def test_copied_images_are_found_by_their_bytes() -> None:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 255, size=(90, 5, 5, 1)).astype(np.uint8)
    images[80:84] = images[:4]
    columns = Columns(np.empty((90, 0)), (), np.empty((90, 0), dtype=np.int32), images=images)
    codes = np.arange(90) % 3
    codes[80:84] = codes[:4]
    data = RawData(Task.MULTICLASS, columns, codes, "y", ("x", "y", "z"), own_test_rows=10)
    finding = only(data)
    assert finding.figures["test"] == 4
    images[80, 4, 4, 0] ^= 1
    assert only(data).figures["test"] == 3


def test_repeats_of_inputs_that_can_hardly_differ_are_no_copies() -> None:
    draw = np.random.default_rng(0)
    few = with_texts(table(), t=[str(each) for each in draw.integers(0, 5, ROWS)])
    few = replace(few, columns=replace(few.columns, numeric=draw.integers(0, 4, size=(ROWS, 2)).astype(float)))
    assert check(few).findings == ()


@pytest.mark.parametrize(("copies", "severity"), [(2, Severity.NOTE), (3, Severity.WARNING)])
def test_a_few_copies_are_noted(copies: int, severity: Severity) -> None:
    data = table()
    parts = split(data, 0.4, 0.0, 0)
    numeric = data.columns.numeric.copy()
    numeric[parts.validation[:copies]] = numeric[parts.train[:copies]]
    found = check(replace(data, columns=replace(data.columns, numeric=numeric)), parts).findings[0]
    assert (found.kind, found.severity) == ("duplicate_rows", severity)


def test_hashes_tell_rows_apart_and_know_equal_ones() -> None:
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [np.nan, 1.0], [other_nan, 1.0], [1.0, 2.0], [-1.0, -2.0], [2.0, 1.0]])
    columns = Columns(rows, ("a", "b"), np.empty((len(rows), 0), dtype=np.int32))
    hashes = row_hashes(columns, np.arange(len(rows)))
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert len(set(hashes.tolist())) == 5


def test_hashes_of_small_numbers_do_not_meet() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(-30.0, 30.0)] * 3), axis=-1).reshape(-1, 3)
    columns = Columns(grid, ("a", "b", "c"), np.empty((len(grid), 0), dtype=np.int32))
    assert len(np.unique(row_hashes(columns, np.arange(len(grid))))) == 60**3


def test_a_hash_is_found_among_others() -> None:
    draw = np.random.default_rng(0)
    hashes, others = draw.integers(0, 50, 40).astype(np.uint64), draw.integers(0, 50, 30).astype(np.uint64)
    assert stand_in(hashes, others).tolist() == np.isin(hashes, others).tolist()
    assert stand_in(hashes, others[:0]).sum() == 0


# the target


@pytest.mark.parametrize(
    ("leak", "what"),
    [
        (lambda y: y, "'leak' equals the target"),
        (lambda y: 32 - 1.8 * y, "'leak' is the target in other units, or nearly: correlation 1"),
        (np.exp, "'leak' puts rows in the order of the target: rank correlation 1"),
    ],
)
def test_a_feature_made_of_the_target_is_found(leak: object, what: str) -> None:
    y = target()
    finding = only(table(y, leak=leak(y)))  # type: ignore[operator]
    assert (finding.kind, finding.severity, finding.columns) == ("target_leak", Severity.WARNING, ("leak",))
    assert finding.what == what
    assert finding.hint == "write exclude: [leak] below dataset:"


def test_a_feature_that_folds_the_target_is_found() -> None:
    x = np.random.default_rng(3).uniform(-3, 3, ROWS)
    finding = only(table(np.abs(x), x=x))
    assert finding.what.startswith("'x' alone predicts the target: R² 0.99")


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_a_number_that_tells_the_class_is_found(task: Task) -> None:
    draw = np.random.default_rng(2)
    codes = draw.integers(0, 2 if task is Task.BINARY else 4, ROWS)
    leak = codes * 10 + draw.uniform(0, 5, ROWS)
    finding = only(table(codes, task, leak=leak))
    assert finding.what == "'leak' alone predicts the target: right in 180 of 180 held-out rows"


def test_a_value_that_is_missing_by_class_is_found() -> None:
    draw = np.random.default_rng(2)
    codes = draw.integers(0, 2, ROWS)
    refund = np.where(codes == 1, draw.uniform(1, 2, ROWS), np.nan)
    assert only(table(codes, Task.BINARY, refund=refund)).columns == ("refund",)


def test_a_text_that_tells_the_class_is_a_leak_or_a_group() -> None:
    draw = np.random.default_rng(2)
    patient = draw.integers(0, 120, ROWS)  # five rows each
    codes = draw.integers(0, 2, 120)[patient]
    finding = only(with_texts(table(codes, Task.BINARY), patient=[f"p{each}" for each in patient]))
    assert finding.columns == ("patient",)
    assert finding.hint.endswith("; if rows of one belong together, write group: patient instead")


def test_far_values_that_two_columns_share_are_no_leak() -> None:
    draw = np.random.default_rng(4)
    y, x = draw.normal(size=ROWS), draw.normal(size=ROWS)
    y[::50] = x[::50] = 1e9
    assert check(table(y, x=x)).findings == ()


def test_a_good_feature_on_little_data_is_no_leak() -> None:
    # as the length of a petal tells one iris from two others
    draw = np.random.default_rng(4)
    codes = np.arange(ROWS) % 2
    data = table(codes, Task.BINARY, petal=codes * 3 + draw.normal(1, 0.2, ROWS).round(1))
    rows = np.arange(150)
    assert check(data, Split(rows[:90], rows[90:120], rows[120:])).findings == ()


def test_a_rare_class_that_is_never_guessed_is_no_leak() -> None:
    codes = np.zeros(ROWS, dtype=int)
    codes[::200] = 1
    kinds = {each.kind for each in check(table(codes, Task.BINARY)).findings}
    assert "target_leak" not in kinds


# columns


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", np.arange(ROWS)),
        ("n", np.arange(ROWS)[::-1] * 3),
        ("n", np.random.default_rng(1).permutation(ROWS) + 1000),
        ("customer_id", np.random.default_rng(1).choice(10**9, ROWS, replace=False)),
        ("customerId", np.random.default_rng(1).choice(10**9, ROWS, replace=False)),
    ],
)
def test_a_column_that_numbers_rows_is_found(name: str, values: np.ndarray) -> None:
    finding = only(table(**{name: values}))
    assert (finding.kind, finding.columns, finding.figures["rows"]) == ("identifier", (name,), ROWS)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("price", np.random.default_rng(1).choice(10**9, ROWS, replace=False)),
        ("x_id", np.random.default_rng(1).normal(size=ROWS)),
        ("id", np.random.default_rng(1).integers(0, 50, ROWS)),
    ],
)
def test_a_measure_is_no_number_of_rows(name: str, values: np.ndarray) -> None:
    assert check(table(**{name: values})).findings == ()


def test_a_column_of_names_is_found() -> None:
    finding = only(with_texts(table(), name=[f"n{row}" for row in range(ROWS)], t=["u", "v"] * (ROWS // 2)))
    assert (finding.kind, finding.columns) == ("identifier", ("name",))


def test_columns_that_never_change_are_found_by_the_training_part() -> None:
    data = with_texts(
        table(same=np.ones(ROWS), empty=np.full(ROWS, np.nan), some=np.where(np.arange(ROWS) % 2, 1, np.nan)),
        text=["x"] * ROWS,
    )
    finding = only(data)
    assert finding.columns == ("same", "text", "empty")
    assert finding.what == "'same', 'text', 'empty' never change in 360 training rows, 1 of them without any value"
    assert finding.hint == "write exclude: [same, text, empty] below dataset:"


def test_hints_of_several_findings_leave_out_the_columns_of_all() -> None:
    y = target()
    hints = {each.hint for each in check(table(y, leak=y, same=np.ones(ROWS), n=np.arange(ROWS))).findings}
    assert hints == {"write exclude: [leak, n, same] below dataset:"}


# targets and splits


def test_classes_that_a_part_lacks_are_named() -> None:
    codes = np.arange(ROWS) % 2
    codes[:3] = 2
    data = table(codes, Task.MULTICLASS)
    rows = np.arange(ROWS)
    finding = only(data, Split(rows[:300], rows[300:400], rows[400:]))
    assert finding.kind == "missing_classes"
    assert finding.what == "1 class has no validation row: 'c2' (3 training rows)"
    swapped = only(data, Split(rows[300:], rows[:300], rows[:0]))
    assert swapped.what == "1 class has no training row: 'c2' (3 validation rows)"


@pytest.mark.parametrize(("values", "task"), [(2, "binary"), (5, "multiclass")])
def test_a_regression_target_of_few_values_is_found(values: int, task: str) -> None:
    finding = only(table(np.arange(ROWS) % values))
    assert finding.kind == "few_target_values"
    assert finding.what == f"the target 'y' has {values} different values in 480 rows"
    assert finding.hint == f"write task: {task} below dataset: if they are classes"


def test_a_number_that_drifts_is_found() -> None:
    later = np.where(np.arange(ROWS) < 400, 0.0, 1.0) + np.random.default_rng(1).normal(size=ROWS)
    rows = np.arange(ROWS)
    finding = only(table(price=later), Split(rows[:300], rows[300:400], rows[400:]))
    assert (finding.kind, finding.field, finding.columns) == ("drift", "test", ("price",))
    assert finding.what.startswith(
        "1 input of 3 is distributed otherwise in the test part than in training: 'price' (distance 0."
    )


def test_values_that_go_missing_are_a_drift() -> None:
    gone = np.where(np.arange(ROWS) < 400, 1.0, np.nan) * np.random.default_rng(1).normal(size=ROWS)
    rows = np.arange(ROWS)
    assert only(table(price=gone), Split(rows[:300], rows[300:400], rows[400:])).columns == ("price",)


def test_texts_that_training_has_not_seen_are_a_drift() -> None:
    draw = np.random.default_rng(1)
    shops = [f"s{draw.integers(0, 9) + (9 if row >= 400 else 0)}" for row in range(ROWS)]
    rows = np.arange(ROWS)
    finding = only(with_texts(table(), shop=shops), Split(rows[:300], rows[300:400], rows[400:]))
    assert (finding.columns, finding.figures["largest"]) == (("shop",), 1.0)


def test_images_that_get_darker_are_a_drift() -> None:
    draw = np.random.default_rng(0)
    images = draw.integers(100, 255, size=(300, 6, 6, 1)).astype(np.uint8)
    images[250:] //= 3
    columns = Columns(np.empty((300, 0)), (), np.empty((300, 0), dtype=np.int32), images=images)
    data = RawData(Task.BINARY, columns, np.arange(300) % 2, "y", ("x", "z"), own_test_rows=50)
    finding = only(data)
    assert finding.columns == ("brightness", "contrast")


def test_chance_is_no_drift() -> None:
    draw = np.random.default_rng(11)
    for seed in range(20):
        many = {f"x{number}": draw.normal(size=ROWS) for number in range(30)}
        texts = {f"t{number}": [str(each) for each in draw.integers(0, 60, ROWS)] for number in range(5)}
        data = with_texts(table(**many), **texts)
        assert examine(data, split(data, 0.1, 0.1, seed)).findings == ()


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    from scipy.stats import ks_2samp

    draw = np.random.default_rng(1)
    ours, theirs = draw.normal(size=50).round(1), draw.normal(0.3, size=70).round(1)
    assert ks_distance(ours, theirs) == pytest.approx(ks_2samp(ours, theirs).statistic, abs=1e-12)


# names


@pytest.mark.parametrize("name", ["</script>", "__proto__", "::error::x", "two\nlines\x1b[31m", "[red]", "x" * 500])
def test_names_are_text_on_one_line(name: str) -> None:
    finding = only(table(**{name: np.ones(ROWS)}))
    assert finding.columns == (name,)
    assert finding.what.isprintable()
    assert finding.hint.isprintable()
    assert len(finding.what) < 200


def test_columns_are_quoted_for_yaml() -> None:
    import yaml

    names = ["of: two", "no", '"', "plain_1"]
    hint = only(table(**{name: np.ones(ROWS) for name in names})).hint
    line = hint.removeprefix("write ").removesuffix(" below dataset:")
    assert yaml.safe_load(line) == {"exclude": names}


def test_a_check_is_a_line_of_the_table() -> None:
    assert all(callable(CHECKS.load(name)) for name in CHECKS.names)
