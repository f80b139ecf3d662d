"""A model of two outputs, `main` and `aux`, which are trained towards the same target.

    model = TwoOutputs(inputs, {"main": …, "aux": …})
    model.compile(optimizer, loss={"main": "mse", "aux": "mse"}, …)      # see `families.compiling`
    model.fit(x, y)                       # one y for both; logs: loss, main_loss, aux_loss, rmse, aux_rmse, …

Import this module before a kept model of its kind is loaded: Keras looks its class up among those that are registered.
"""

from __future__ import annotations

from typing import Any

import keras

MAIN, AUX = OUTPUTS = ("main", "aux")
"""The names of the outputs, the one that predicts first."""

OWN_LOSS = "own_loss"
"""A metric of each output that it must be compiled with: its loss."""


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


def _is_loss(name: str) -> bool:
    return any(name in (f"{output}_loss", f"{output}_{OWN_LOSS}") for output in OUTPUTS)
