from __future__ import annotations

from pathlib import Path

import pytest

import tunecli
from tunecli.reports.why.causes import Kind, own_line, read_cause


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("loss is nan in epoch 3", Kind.DIVERGED, "training diverged: the loss was nan in epoch 3"),
        ("val_rmse was not finite in any epoch", Kind.NEVER_FINITE, "val_rmse was never a finite number"),
        ("fold_rmse was not finite", Kind.NEVER_FINITE, "fold_rmse was never"),
        ("took longer than 600 s", Kind.TOOK_TOO_LONG, "after limits.trial_time, 600 s"),
        ("took more than 2,048 MiB of memory", Kind.OUT_OF_MEMORY, "limits.trial_memory, 2,048 MiB"),
        ("ResourceExhaustedError: {{function_node}} OOM", Kind.OUT_OF_MEMORY, "it ran out of memory"),
        ("MemoryError: ", Kind.OUT_OF_MEMORY, "it ran out of memory (MemoryError)"),
        ("its worker died: killed by SIGKILL", Kind.DIED, "run out of memory"),
        ("its worker died: exit code 1", Kind.DIED, "its process died (exit code 1)"),
        ("its worker died", Kind.DIED, "nobody saw how"),
        ("its parent, trial 4, failed", Kind.PARENT_FAILED, "trial 4, which had failed"),
        ("ValueError: no such layer", Kind.RAISED, "its code raised ValueError: no such layer"),
        ("my.module.OwnError:", Kind.RAISED, "its code raised OwnError"),
        ("the model reports no val_f1", Kind.OTHER, "the model reports no val_f1"),
    ],
)
def test_causes_are_told_in_plain_words(text: str, kind: Kind, words: str) -> None:
    cause = read_cause(text)
    assert cause.kind is kind
    assert words in cause.words


def test_limits_and_parents_are_numbers() -> None:
    assert read_cause("took more than 2,048 MiB of memory").limit == 2048
    assert read_cause("took longer than 1.5 s").limit == 1.5
    assert read_cause("its parent, trial 4, failed").parent == 4


def test_tensorflow_s_names_of_nodes_are_left_out() -> None:
    text = "InvalidArgumentError: {{function_node __wrapped__MatMul}} Matrix size-incompatible [Op:MatMul] name: "
    assert read_cause(text).text == "InvalidArgumentError: Matrix size-incompatible [Op:MatMul]"


def test_the_training_that_failed_is_told_apart() -> None:
    cause = read_cause("fold 2 of 5, repeat 1 of 2: loss is inf in epoch 1")
    assert (cause.kind, cause.training) == (Kind.DIVERGED, "fold 2 of 5, repeat 1 of 2")


def test_numbers_tell_no_causes_apart() -> None:
    assert read_cause("loss is nan in epoch 3").group == read_cause("fold 1 of 2: loss is inf in epoch 9").group
    shape = "ValueError: shapes (32, {}) and (8,) do not fit"
    assert read_cause(shape.format(3)).group == read_cause(shape.format(4)).group
    assert read_cause("ValueError: a").group != read_cause("ValueError: b").group


LOG = """W0000 something of TensorFlow
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/tunecli/training/run_trial.py", line 170, in run_trial
    attempt.run()
  File "/home/me/model.py", line 12, in build_model
    return keras.layers.Dense(hp.units)
           ^^^^^^^^^^^^
  File "/venv/lib/python3.11/site-packages/keras/src/layers/core/dense.py", line 80, in __init__
    raise ValueError(units)
ValueError: no
"""


def test_the_line_of_a_traceback_that_is_the_user_s_own() -> None:
    line = own_line(LOG)
    assert line is not None
    assert line.place == "/home/me/model.py:12 in build_model"
    assert line.code == "return keras.layers.Dense(hp.units)"


def test_this_package_is_no_user_s_own_though_a_folder_may_be_called_alike() -> None:
    inner = Path(tunecli.__file__).parent / "training" / "models.py"
    log = LOG.replace("/home/me/", "/home/me/tunecli/").replace(
        "/venv/lib/python3.11/site-packages/keras/src/layers/core/dense.py", str(inner)
    )
    line = own_line(log)
    assert line is not None
    assert line.place == "/home/me/tunecli/model.py:12 in build_model"


def test_a_traceback_of_libraries_alone_shows_its_innermost_line() -> None:
    line = own_line(LOG.replace("/home/me/", "/venv/lib/python3.11/site-packages/other/"))
    assert line is not None
    assert line.code == "raise ValueError(units)"


@pytest.mark.parametrize("log", ["", "loss is nan in epoch 1\n", "Traceback (most recent call last):\nno frame"])
def test_a_log_without_a_traceback_has_no_line(log: str) -> None:
    assert own_line(log) is None
