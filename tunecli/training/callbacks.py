"""What stands beside every training of a trial: it stops early, and is watched epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tunecli.plan import EarlyStoppingPlan
from tunecli.study.objective import Goal, Objective, find_metric, plain_metric
from tunecli.study.trial import Measurement
from tunecli.training.schedule import Rates
from tunecli.training.state import TrainingState, capture, restore_stopping

if TYPE_CHECKING:
    import keras


def early_stopping(
    plan: EarlyStoppingPlan | None, objective: Objective, state: TrainingState | None
) -> keras.callbacks.EarlyStopping | None:
    """Returns Keras' callback as the plan has it, or None where nothing stops a training early.

    Args:
        plan: When to stop.
        objective: What decides: it may be a metric of the user's own.
        state: What to go on from, or None.
    """
    if plan is None:
        return None
    import keras

    class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]  # Keras is untyped
        """Keras' own, which goes on where a parent's left off."""

        def on_train_begin(self, logs: Any = None) -> None:
            super().on_train_begin(logs)
            if state is not None:
                restore_stopping(state, self)

    goal = objective.goal  # of a metric of the user's own, which may be watched only if it decides
    if plain_metric(plan.monitor) != plain_metric(objective.metric):
        metric = find_metric(plan.monitor)
        assert metric is not None, "the plan was checked"
        goal = metric.goal
    return EarlyStopping(
        monitor=plan.monitor,
        mode="min" if goal is Goal.MINIMIZE else "max",  # told, since Keras guesses it from the name
        patience=plan.patience,
        min_delta=plan.min_delta,
        restore_best_weights=plan.restore_best_weights,
    )


def watch(take: Callable[..., None], stopping: keras.callbacks.EarlyStopping | None, rates: Rates | None) -> Any:
    """Returns a callback that measures each epoch, and offers its state.

    That is taken before the best weights are put back: who goes on from it goes on from the last epoch.
    """
    import keras

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            take(
                Measurement(epoch=epoch + 1, metrics=metrics, duration_s=time.perf_counter() - self.began),
                lambda: capture(self.model, stopping, epoch=epoch + 1, schedule=rates.state() if rates else None),
                is_last=self.model.stop_training,
            )

    return Watch()
