"""The arrays of a plan: workers that read them from a folder get what a process gets that loads the data itself."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tunecli.datasets.base import DatasetOptions
from tunecli.datasets.stored import store
from tunecli.plan import DatasetPlan
from tunecli.preprocessing import Choices, Prepared
from tunecli.training.data import load, search_parts, stored_parts


def advertising(validation: float = 0.2, max_rows: int | None = None) -> DatasetPlan:
    options = DatasetOptions()
    return DatasetPlan(
        name="advertising", options=options, validation=validation, test=0.2, split_seed=0, max_rows=max_rows
    )


def csv(target: str) -> DatasetPlan:
    """A table with missing values; some texts stand in one row alone, which may be a test row."""
    draw = random.Random(0)
    lines = ["size,weight,colour,town,price,kind"]
    for row in range(120):
        size, weight = (draw.choice([f"{draw.gauss(0, 1)!r}", ""]) for _ in range(2))
        colour, town = draw.choice(["red", "green", ""]), f"town {row // 2 if row % 3 else row}"
        lines.append(f"{size},{weight},{colour},{town},{draw.random()!r},{draw.choice('abc')}")
    path = Path("table.csv").resolve()
    path.write_text("\n".join(lines))
    options = DatasetOptions(path=str(path), target=target)
    return DatasetPlan(name="csv", options=options, validation=0.2, test=0.2, split_seed=3)


def check_that_the_stored_parts_are_the_same(dataset: DatasetPlan, folder: Path) -> None:
    store(folder, *load(dataset))
    ours, theirs = stored_parts(folder), search_parts(dataset)
    assert ours.signature == theirs.signature
    assert ours.preprocessor == theirs.preprocessor
    for one, other in zip(ours.parts, theirs.parts, strict=True):
        for mine, its in zip(one, other, strict=True):
            assert (mine.dtype, mine.shape) == (its.dtype, its.shape)
            assert mine.tobytes() == its.tobytes()


@pytest.mark.parametrize("validation", [0.2, 0])
@pytest.mark.parametrize("max_rows", [None, 30])
def test_stored_numbers_are_prepared_to_the_same_bits(validation: float, max_rows: int | None, tmp_path: Path) -> None:
    check_that_the_stored_parts_are_the_same(advertising(validation, max_rows), tmp_path / "data")


@pytest.mark.parametrize("target", ["price", "kind"])
def test_stored_texts_and_missing_values_are_prepared_to_the_same_bits(target: str, tmp_path: Path) -> None:
    check_that_the_stored_parts_are_the_same(csv(target), tmp_path / "data")


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("validation", [0.2, 0])
def test_stored_images_are_prepared_to_the_same_bits(validation: float, tmp_path: Path) -> None:
    options = DatasetOptions()
    dataset = DatasetPlan(
        name="fashion_mnist", options=options, validation=validation, test=0, split_seed=0, max_rows=500
    )
    check_that_the_stored_parts_are_the_same(dataset, tmp_path / "data")


def test_a_process_prepares_a_folder_once(tmp_path: Path) -> None:
    store(tmp_path / "data", *load(advertising()))
    assert stored_parts(tmp_path / "data") is stored_parts(tmp_path / "data")


def test_ways_to_prepare_are_kept_side_by_side_and_share_inputs(tmp_path: Path) -> None:
    dataset = csv("kind")
    store(tmp_path / "data", *load(dataset))
    plain, ranged = (stored_parts(tmp_path / "data", Choices(normalization=each)) for each in ("standard", "minmax"))
    assert plain is stored_parts(tmp_path / "data")
    assert ranged.parts[0][0].tobytes() != plain.parts[0][0].tobytes()
    balanced = stored_parts(tmp_path / "data", Choices(class_weight="balanced"))
    assert balanced.parts[0][0] is plain.parts[0][0]
    assert (len(balanced.parts[0]), len(plain.parts[0])) == (3, 2)


def test_stored_weights_are_prepared_to_the_same_bits(tmp_path: Path) -> None:
    dataset = csv("kind")
    options = dataset.options.model_copy(update={"sample_weight": "price"})
    check_that_the_stored_parts_are_the_same(dataset.model_copy(update={"options": options}), tmp_path / "data")


def test_another_process_needs_no_more_than_the_folder(tmp_path: Path) -> None:
    dataset = csv("price")
    store(tmp_path / "data", *load(dataset))
    expected = digest(search_parts(dataset))
    os.remove(str(dataset.options.path))
    program = """
import hashlib, pathlib, sys
from tunecli.training.data import stored_parts
arrays = [array for part in stored_parts(pathlib.Path(sys.argv[1])).parts for array in part]
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
print("polars" in sys.modules, "tensorflow" in sys.modules)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [expected, "False False"]


def digest(prepared: Prepared) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for part in prepared.parts for array in part)).hexdigest()
