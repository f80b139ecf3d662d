"""What every data set keeps to. A new one joins by one line in `CASES`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.datasets import DATASETS
from tunecli.datasets.base import Dataset, DatasetOptions, OptionError, RawData
from tunecli.datasets.split import split
from tunecli.errors import DataError
from tunecli.preprocessing import prepare
from tunecli.spec.experiment import Task

TABLE = "age,size,y\n" + "".join(f"{i % 7},{'SML'[i % 3]},{'ny'[i % 2]}\n" for i in range(40))


def csv() -> DatasetOptions:
    path = Path("table.csv").resolve()
    path.write_text(TABLE)
    return DatasetOptions(path=str(path), target="y")


def npz() -> DatasetOptions:
    path, random = Path("arrays.npz").resolve(), np.random.default_rng(0)
    np.savez(path, x=random.normal(size=(40, 3)), y=np.arange(40) % 3, feature_names=np.array(["p", "q", "r"]))
    return DatasetOptions(path=str(path))


def image_folder() -> DatasetOptions:
    from PIL import Image

    root, random = Path("photos").resolve(), np.random.default_rng(0)
    for number in range(30):
        path = root / ("cat", "dog", "emu")[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=np.uint8)).save(path)
    return DatasetOptions(path=str(root), image_size=(4, 6))


def python() -> DatasetOptions:
    content = """
import numpy as np

def load():
    x = np.random.default_rng(0).normal(size=(40, 3))
    return {"x": x, "y": np.where(x[:, 0] > 0, "high", "low"), "x_test": x[:5], "y_test": np.array(["low"] * 5)}
"""
    path = Path("mine.py").resolve()
    path.write_text(content)
    return DatasetOptions(path=str(path), sha256=hashlib.sha256(content.encode()).hexdigest())


@dataclass(frozen=True)
class Case:
    """A data set.

    Attributes:
        name: Its name.
        is_remote: Whether it is not inside the package.
        make: Writes a small one where it is the user's own, and returns the options that name it.
        described_with: What it takes to read its headers, of what describing others imports nothing of.
        is_scripted: Whether `eject` writes it.
    """

    name: str
    is_remote: bool = False
    make: Callable[[], DatasetOptions] | None = None
    described_with: tuple[str, ...] = ()
    is_scripted: bool = True

    def options(self) -> DatasetOptions:
        return DatasetOptions() if self.make is None else self.make()


CASES = [
    Case("advertising"),
    Case("california_housing", is_remote=True),
    Case("fashion_mnist", is_remote=True),
    Case("csv", make=csv, described_with=("numpy", "polars")),
    Case("npz", make=npz, described_with=("numpy",), is_scripted=False),
    Case("image_folder", make=image_folder, is_scripted=False),
    Case("python", make=python, described_with=("numpy",), is_scripted=False),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def dataset(case: Case) -> Dataset:
    return DATASETS.load(case.name)


@pytest.fixture
def data(case: Case, dataset: Dataset, request: pytest.FixtureRequest) -> RawData:
    if case.is_remote:
        request.getfixturevalue("real_data")
    return dataset.load(case.options())


def test_every_data_set_is_in_the_suite() -> None:
    assert tuple(case.name for case in CASES) == DATASETS.names


def test_its_card_is_complete(dataset: Dataset) -> None:
    card = dataset.card
    assert all((card.title, card.shape, card.source, card.licence))


def test_it_is_described_without_its_data(
    case: Case, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    monkeypatch.setenv("TUNECLI_OFFLINE", "1")
    description = dataset.describe(case.options())
    assert bool(description.features) != bool(description.image_shape)
    assert dataset.card.task in (None, description.task)


def test_describing_and_scripting_it_imports_nothing_heavy(case: Case) -> None:
    heavy = [each for each in ("numpy", "polars", "sklearn", "pooch", "keras") if each not in case.described_with]
    program = f"""
import sys
from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions
options = DatasetOptions.model_validate_json({case.options().model_dump_json()!r})
DATASETS.load({case.name!r}).describe(options)
DATASETS.load({case.name!r}).find()
if {case.is_scripted}:
    DATASETS.load({case.name!r}).script(options)
print([name for name in {heavy!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_data_are_as_described(case: Case, dataset: Dataset, data: RawData) -> None:
    description = dataset.describe(case.options())
    columns = data.columns
    rows = len(data.target)
    assert description.rows == rows - data.own_test_rows
    assert description.has_own_test == (data.own_test_rows > 0)
    assert (description.task, description.target, description.classes) == (data.task, data.target_name, data.classes)
    assert sorted(description.features) == sorted((*columns.numeric_names, *columns.categorical_names))
    assert columns.numeric.shape == (rows, len(columns.numeric_names))
    assert columns.categorical.shape == (rows, len(columns.categorical_names))
    assert len(columns.categories) == len(columns.categorical_names)
    if description.image_shape is not None:
        assert columns.images is not None
        assert columns.images.shape == (rows, *description.image_shape)


def test_arrays_have_their_types(data: RawData) -> None:
    assert data.columns.numeric.dtype == np.float64
    assert data.columns.categorical.dtype == np.int32
    assert data.columns.images is None or data.columns.images.dtype == np.uint8
    if data.task is Task.REGRESSION:
        assert data.target.dtype == np.float64
        assert data.classes == ()
    else:
        assert data.target.dtype == np.int64
        assert set(np.unique(data.target)) == set(range(len(data.classes)))


def test_loading_it_again_gives_the_same_data(case: Case, dataset: Dataset, data: RawData) -> None:
    assert dataset.load(case.options()).fingerprint() == data.fingerprint() != {}


def test_it_can_be_split_and_prepared(data: RawData) -> None:
    parts = split(data, 0.2, 0 if data.own_test_rows else 0.2, 0)
    prepared = prepare(data, parts.train[:50], parts.validation[:10], parts.test[:10])
    assert all(x.shape[1:] == prepared.signature.shape for x, _ in prepared.parts)
    assert all(np.isfinite(x).all() for x, _ in prepared.parts)


def test_one_feature_may_be_chosen(case: Case, dataset: Dataset, data: RawData) -> None:
    options = case.options()
    known = dataset.describe(options).features
    if not known:
        pytest.skip("images have no columns")
    chosen = options.model_copy(update={"features": (known[-1].upper(),)})
    assert dataset.describe(chosen).features == known[-1:]
    loaded = dataset.load(chosen).columns
    assert (*loaded.numeric_names, *loaded.categorical_names) == known[-1:]
    np.testing.assert_array_equal(
        loaded.numeric, data.columns.numeric[:, [name in known[-1:] for name in data.columns.numeric_names]]
    )


@pytest.mark.parametrize("features", [("nowhere",), ("target",)])
def test_features_that_do_not_exist_or_are_the_target_are_refused(
    case: Case, dataset: Dataset, features: tuple[str, ...]
) -> None:
    options = case.options()
    asked = (dataset.describe(options).target,) if features == ("target",) else features
    with pytest.raises(OptionError) as caught:
        dataset.describe(options.model_copy(update={"features": asked}))
    assert caught.value.field == "features"
    assert caught.value.problems[0].hint


@pytest.mark.parametrize("option", [{"path": "/a.csv"}, {"target": "y"}, {"task": Task.BINARY}])
def test_options_of_own_data_are_theirs(case: Case, dataset: Dataset, option: dict[str, object]) -> None:
    if case.make is not None:
        pytest.skip("it may have these options")
    with pytest.raises(OptionError) as caught:
        dataset.describe(DatasetOptions(**option))
    assert [caught.value.field] == list(option)


def test_a_data_set_on_this_machine_is_found_and_fetched(
    case: Case, dataset: Dataset, request: pytest.FixtureRequest
) -> None:
    assert dataset.card.is_yours == (case.make is not None)
    if case.make is not None:
        with pytest.raises(DataError, match="yours"):
            dataset.fetch()
        return
    if case.is_remote:
        request.getfixturevalue("real_data")
    found = dataset.find()
    assert found is not None
    assert found.exists()
    assert dataset.fetch() == found


def test_its_script_loads_the_same_data(case: Case, dataset: Dataset, data: RawData) -> None:
    if not case.is_scripted:
        pytest.skip("eject refuses it")
    script = dataset.script(case.options())
    lines = [*(f"import {name}" for name in script.imports), *script.constants, *script.figures, *script.functions]
    names: dict[str, Any] = {"np": np, "Path": Path}
    exec("\n".join(lines), names)
    *inputs, target = names["load"](script.path) if script.path else names["load"]()

    rows = len(data.target) - data.own_test_rows
    np.testing.assert_array_equal(target, data.target[:rows])
    columns = data.columns
    texts = [
        [("", *known)[code + 1] for code in column]
        for column, known in zip(columns.categorical.T, columns.categories, strict=True)
    ]
    expected = [columns.numeric] * script.has_numbers + [np.array(texts).T] * script.has_texts
    expected += [] if columns.images is None else [columns.images[:rows]]
    for ours, theirs in zip(expected, inputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
