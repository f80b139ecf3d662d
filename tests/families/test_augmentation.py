"""Augmented images: in training alone, drawn from the model's own random state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tunecli.families.base import DataSignature
from tunecli.families.cnn import FAMILY as CNN
from tunecli.families.compiling import compile_model, shared_hyperparameters
from tunecli.spec.experiment import Task
from tunecli.training.engines import ENGINES, Job
from tunecli.training.runtime import seed_everything
from tunecli.training.state import capture, restore

BOTH = {"augment_flip": True, "augment_shift": 0.2}
RANDOM = np.random.default_rng(2)
IMAGES, CLASSES = RANDOM.random((24, 8, 8, 1), dtype="float32"), RANDOM.integers(0, 3, 24).astype("int32")


def build(**values: Any) -> Any:
    everything: dict[str, Any] = {"blocks": 1, "filters": 2, "dense_units": 0, **values}
    for each in (*CNN.hyperparameters, *shared_hyperparameters(Task.MULTICLASS)):
        if each.name not in everything and each.applies_to(everything):
            everything[each.name] = each.default
    seed_everything(3)
    model = CNN.build(DataSignature(Task.MULTICLASS, (8, 8, 1), 3), everything)
    compile_model(model, Task.MULTICLASS, everything)
    return model


def fit(model: Any, start: int, end: int, engine: str = "keras") -> Any:
    return ENGINES.load(engine).fit(Job(model, (IMAGES, CLASSES), None, 8, start, end, seed=1)).model


def test_without_it_a_model_is_what_it_was() -> None:
    names = [layer.name for layer in build().layers]
    assert names == ["inputs", "convolution_1", "pooling_1", "flatten", "output"]


def test_a_flip_mirrors_some_images_left_to_right() -> None:
    layer = build(augment_flip=True).get_layer("augment_flip")
    seen = np.array(layer(IMAGES, training=True))
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(seen, IMAGES, strict=True)]
    kept = [np.array_equal(new, old) for new, old in zip(seen, IMAGES, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert any(mirrored)
    assert any(kept)


def test_a_shift_moves_images_and_repeats_their_edges() -> None:
    layer = build(augment_shift=0.25).get_layer("augment_shift")
    seen = np.array(layer(np.ones((5, 8, 8, 1), dtype="float32"), training=True))
    np.testing.assert_allclose(seen, 1, rtol=1e-5)
    assert np.abs(np.array(layer(IMAGES, training=True)) - IMAGES).max() > 0.1


def test_predictions_and_saved_models_do_without(tmp_path: Path) -> None:
    import keras

    model = fit(build(**BOTH), 0, 1)
    plain = build()
    plain.set_weights(model.get_weights())
    expected = plain.predict(IMAGES, verbose=0)
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        np.testing.assert_allclose(each.predict(IMAGES, verbose=0), expected, rtol=1e-6)


@pytest.mark.parametrize("engine", ["keras", "graph"])
def test_a_training_cut_in_two_goes_on_as_if_it_had_not_been(engine: str) -> None:
    whole = fit(build(**BOTH), 0, 4, engine)
    expected = [np.array(weight) for weight in whole.get_weights()]
    first = fit(build(**BOTH), 0, 2, engine)
    state = capture(first, None, epoch=2)
    second = build(**BOTH)
    restore(state, second)
    second = fit(second, 2, 4, engine)
    for mine, other in zip(second.get_weights(), expected, strict=True):
        assert mine.tobytes() == other.tobytes()
    unaugmented = fit(build(), 0, 4, engine).get_weights()
    assert any(not np.array_equal(mine, other) for mine, other in zip(unaugmented, expected, strict=True))
