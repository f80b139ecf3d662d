from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tools.test_init import plan_of
from tunecli.cli.main import run
from tunecli.spec.experiment import Task


def test_arrays_of_the_usual_names_need_no_more_than_a_path() -> None:
    images = np.zeros((30, 8, 8), dtype="uint8")
    np.savez("pictures.npz", x_train=images, y_train=np.arange(30) % 3, x_test=images, y_test=np.arange(30) % 3)
    assert run(["init", "pictures.npz"]) == 0
    text = Path("pictures.yaml").read_text()
    assert "  test:" not in text
    plan = plan_of(text)
    assert (plan.task, plan.family, plan.dataset.options.arrays) == (Task.MULTICLASS, "cnn", None)


def test_arrays_of_other_names_are_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", **{"no": np.arange(30.0), "the inputs": np.arange(60.0).reshape(30, 2), "few": np.arange(3)})
    assert run(["init", "npz", "data.npz"]) == 0
    text = Path("data.yaml").read_text()
    assert '  arrays: {x: the inputs, y: "no"}  # a guess\n' in text
    assert plan_of(text).task is Task.REGRESSION
    np.savez("data.npz", few=np.arange(3))
    assert run(["init", "npz", "data.npz", "--force"]) == 2
    assert "arrays: few" in capsys.readouterr().err


@pytest.mark.parametrize(("most", "task"), [(2, Task.MULTILABEL), (9, Task.REGRESSION)])
def test_columns_of_y_are_labels_or_numbers(most: int, task: Task) -> None:
    random = np.random.default_rng(0)
    np.savez("data.npz", x=random.random((30, 2)), y=random.integers(most, size=(30, 3)))
    assert run(["init", "data.npz"]) == 0
    text = Path("data.yaml").read_text()
    assert f"# A {task} task: y0, y1, y2 are predicted." in text
    plan = plan_of(text)
    assert (plan.task, plan.targets) == (task, ("y0", "y1", "y2"))


def test_a_folder_of_images_is_looked_into() -> None:
    for number in range(12):
        path = Path("pets", "cat" if number % 2 else "dog", f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L" if number % 3 else "RGB", (400, 200)).save(path)
    Path("specs").mkdir()
    assert run(["init", "pets", "-o", "specs/pets.yaml"]) == 0
    text = Path("specs/pets.yaml").read_text()
    assert text.startswith("# pets: 12 images of 2 classes: cat, dog\n")
    assert "  path: ../pets\n" in text
    plan = plan_of(text, Path("specs/again.yaml"))
    assert plan.dataset.options.image_size == (48, 96)
    assert (plan.dataset.options.channels, plan.task, plan.family) == (3, Task.BINARY, "cnn")


def test_parts_of_its_own_take_no_fractions() -> None:
    for number in range(12):
        path = Path("pets", ("train", "val", "test")[number % 3], "ab"[number % 2], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(path)
    assert run(["init", "pets"]) == 0
    plan = plan_of(Path("pets.yaml").read_text())
    assert (plan.dataset.validation, plan.dataset.test) == (0.5, 0.0)


def test_a_folder_called_like_a_data_set_is_not_meant() -> None:
    Path("advertising").mkdir()
    assert run(["init", "advertising"]) == 0
    assert "name: advertising" in Path("advertising.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["image_folder", "nowhere"], 3, "no such folder"),
        (["image_folder"], 2, "tunecli init image_folder FILE"),
        (["python", "mine.py"], 2, "there is no draft for python"),
        (["advertising", "data.npz"], 2, "tunecli init npz data.npz"),
    ],
)
def test_what_cannot_be_drafted_is_said(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *arguments]) == code
    assert message in capsys.readouterr().err
