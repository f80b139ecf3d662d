from pathlib import Path

import numpy as np
import pytest

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
