"""An ensemble: several models whose predictions, or probabilities, are averaged.

    ensemble = Ensemble({"test": test})
    ensemble.add(model, scores)        # right after its training: an engine may go on to use the same model object
    ensemble.evaluate("test")          # the same figures as a model has, of the mean

Only sums are held, so that many members take no more memory than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.training.evaluate import Figures, Scores, evaluate_predictions, predict

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays


class Ensemble:
    """Adds up what its members predict.

    Args:
        parts: What it will be evaluated on, by name.
    """

    def __init__(self, parts: Mapping[str, Arrays]) -> None:
        self.members = 0
        self._parts = parts
        self._sums: dict[str, Any] = {}
        self._penalties = dict.fromkeys(parts, 0.0)

    def add(self, model: keras.Model, scores: Scores) -> None:
        """Takes in one more member.

        Args:
            model: Trained, and compiled as the others are.
            scores: Its own, on every part.
        """
        import keras
        import numpy as np

        for name, part in self._parts.items():
            predicted = predict(model, part)
            self._penalties[name] += _penalty(scores[name], evaluate_predictions(model, part, predicted))
            exact = keras.tree.map_structure(lambda array: array.astype(np.float64), predicted)
            before = self._sums.get(name)
            self._sums[name] = exact if before is None else keras.tree.map_structure(np.add, before, exact)
        self.members += 1
        self._model = model

    def predictions(self, name: str) -> Any:
        """Returns the mean of what the members predict for a part: an array for each output, rows first."""
        import keras
        import numpy as np

        return keras.tree.map_structure(lambda total: (total / self.members).astype(np.float32), self._sums[name])

    def evaluate(self, name: str) -> Figures:
        """Returns the loss and all metrics of the mean prediction on a part.

        A penalty on weights counts in the loss with its mean over the members: an ensemble of one equals its model.
        """
        figures = evaluate_predictions(self._model, self._parts[name], self.predictions(name))
        loss = figures["loss"]
        return {**figures, "loss": None if loss is None else loss + self._penalties[name] / self.members}


def _penalty(own: Figures, unpenalised: Figures) -> float:
    """Returns what penalties add to a member's loss; a member that has diverged spoils the ensemble anyway."""
    whole, bare = own["loss"], unpenalised["loss"]
    return 0.0 if whole is None or bare is None else whole - bare
