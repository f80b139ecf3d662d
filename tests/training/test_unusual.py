"""What rows hold that those of training did not."""

from __future__ import annotations

import numpy as np

from tunecli.datasets.base import Columns
from tunecli.datasets.schema import ColumnKind, ColumnSchema
from tunecli.tools.predict import unusual_lines
from tunecli.training.unusual import Unusual

SCHEMA = (
    ColumnSchema(name="age", kind=ColumnKind.NUMERIC, min=0, max=9, has_missing=True),
    ColumnSchema(name="void", kind=ColumnKind.NUMERIC, has_missing=True),
    ColumnSchema(name="city", kind=ColumnKind.CATEGORICAL, categories=("Oslo",)),
)


def block(ages: list[float], void: list[float], codes: list[int], cities: tuple[str, ...]) -> Columns:
    return Columns(
        numeric=np.stack([np.array(ages), np.array(void)], axis=1),
        numeric_names=("age", "void"),
        categorical=np.array(codes, dtype=np.int32)[:, None],
        categorical_names=("city",),
        categories=(cities,),
    )


def test_blocks_add_up() -> None:
    unusual = Unusual(SCHEMA)
    nan = float("nan")
    unusual.add(block([0, 9, 10], [nan] * 3, [0, 0, 0], ("Oslo",)))
    unusual.add(block([-1, nan], [nan, 5], [-1, 1], ("Oslo", "Paris")))
    age, void, city = unusual.columns
    assert (age.outside, age.missing, age.unseen) == (2, 1, 0)
    assert (void.outside, void.missing) == (1, 4), "a number where training had none is outside of all it had"
    assert (city.unseen, city.missing, city.example) == (1, 1, "Paris")
    assert (unusual.rows, unusual.unusual_rows) == (5, 5)
    assert unusual_lines(unusual) == [
        "5 of 5 rows have missing, unseen or out-of-range values:",
        "  age: 2 outside 0 … 9; 1 missing",
        "  void: 1 where training had none; 4 missing",
        "  city: 1 unseen, such as 'Paris'; 1 missing, as none was in training",
    ]


def test_usual_rows_are_not_spoken_of() -> None:
    unusual = Unusual(SCHEMA[:1])
    unusual.add(Columns(np.array([[1.0], [9.0]]), ("age",), np.empty((2, 0), dtype=np.int32)))
    assert unusual_lines(unusual) == []
