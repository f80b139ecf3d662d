"""A model of two outputs, `main` and `aux`, which are trained towards the same target.

    model = TwoOutputs(inputs, {"main": …, "aux": …})
    model.compile(optimizer, loss={"main": "mse", "aux": "mse"}, …)      # see `families.compiling`
    model.fit(x, y)                       # one y for both; logs: loss, main_loss, aux_loss, rmse, aux_rmse, …

Import this module before a kept model of its kind is loaded: Keras looks its class up among those that are registered.
"""

from __future__ import annotations

from typing import Any

import keras

from tunecli.families.keras_classes import MemberModel

MAIN, AUX = OUTPUTS = ("main", "aux")
"""The names of the outputs, the one that predicts first."""

OWN_LOSS = "own_loss"


@keras.saving.register_keras_serializable("tunecli")
class OwnLoss(keras.metrics.Mean):  # type: ignore[misc]  # Keras is untyped
    """The loss of an output as a metric, which the output must be compiled with: its mean over rows.

    Args:
        loss: Of Keras, by name or as an object.
        settings: Those of every metric.
    """

    def __init__(self, loss: Any, **settings: Any) -> None:
        super().__init__(**{"name": OWN_LOSS, **settings})
        self._loss = keras.losses.get(loss)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in the losses of some rows."""
        of_rows = self._loss.call if isinstance(self._loss, keras.losses.Loss) else self._loss
        super().update_state(of_rows(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns how to make it."""
        return {**super().get_config(), "loss": keras.losses.serialize(self._loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> OwnLoss:
        """Makes one like it."""
        return cls(**{**config, "loss": keras.losses.deserialize(config["loss"])})


@keras.saving.register_keras_serializable("tunecli")
class TwoOutputs(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """Compares both outputs with one target, and reports the metrics of the main one under their plain names."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the weighted sum of both losses, and penalties on weights."""
        return super().compute_loss(x, dict.fromkeys(OUTPUTS, y), y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics of both outputs, and returns all results."""
        return super().compute_metrics(x, dict.fromkeys(OUTPUTS, y), y_pred, sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns all results by name: those of the main output without its name, but for its loss.

        Keras' own losses of each output count a shorter last batch as much as a whole one, unless its size is known
        when it is traced: they are replaced by means over rows.
        """
        found = super().get_metrics_result()
        named = {name.removeprefix(f"{MAIN}_"): value for name, value in found.items() if not _is_loss(name)}
        return named | {f"{name}_loss": found[f"{name}_{OWN_LOSS}"] for name in OUTPUTS}


@keras.saving.register_keras_serializable("tunecli")
class MemberTwoOutputs(MemberModel, TwoOutputs):
    """The same for an ensemble within one network, whose members each learn from both outputs of their own."""


def _is_loss(name: str) -> bool:
    return any(name in (f"{output}_loss", f"{output}_{OWN_LOSS}") for output in OUTPUTS)
