"""What is traced: one configuration, of a spec that leaves nothing open or of a trial."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunecli.errors import StudyError, UsageError
from tunecli.plan import Plan, resolve
from tunecli.spec.experiment import SCIPY_ENGINE
from tunecli.spec.load import load
from tunecli.spec.space import Values
from tunecli.store.run import Run
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Trial, TrialStatus
from tunecli.tools.trace.fixed import require_fixed


@dataclass(frozen=True)
class Subject:
    """One configuration, and how it is trained.

    Attributes:
        name: Of the study.
        plan: Its plan.
        values: All values.
        seed: Decides initial weights and the order of rows.
        epochs: How many.
        sources: Where the copies of the user's own files lie, or None.
        run: The study that a trial is of; None for a spec.
        trial: The trial's number, or None.
        notes: What people should know of it.
    """

    name: str
    plan: Plan
    values: Values
    seed: int
    epochs: int
    sources: Path | None
    run: Run | None = None
    trial: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Such as `line` or `california, trial 7`."""
        return self.name if self.trial is None else f"{self.name}, trial {self.trial}"


@contextmanager
def subject_of_spec(path: Path, overrides: Sequence[str], runs: Path, epochs: int | None = None) -> Iterator[Subject]:
    """Gives what a spec comes to; the user's own files are copied for as long as the block runs.

    Args:
        path: The spec.
        overrides: As in `spec.load`.
        runs: The folder of the studies.
        epochs: Train so many at most; None for as many as it says.

    Raises:
        SpecError: It is wrong, or leaves values open.
        UsageError: It is not trained in steps.
        DataError: Data are missing.
    """
    file = load(path, overrides)
    plan = resolve(file, runs=runs)
    if plan.custom is not None or plan.callbacks:
        from tunecli.search.discovery import plan_with_code

        plan, _ = plan_with_code(file, plan, runs)
    _require_steps(plan, str(path))
    require_fixed(file, plan, overrides, runs)
    values = plan.complete({})
    most = plan.full_epochs(values)
    with tempfile.TemporaryDirectory(prefix="tunecli-") as folder:
        sources = Path(folder, "sources")
        if plan.sources:
            from tunecli.search.discovery import copy_sources

            copy_sources(file, plan, runs, sources)
        plan = plan.model_copy(update={"dataset": plan.dataset.kept_in(sources)})
        seed, notes = _seed(plan, 0)
        yield Subject(plan.name, plan, values, seed, min(epochs or most, most), sources, notes=notes)


def subject_of_trial(run: Run, trial: int | None, epochs: int | None = None) -> Subject:
    """Returns what a trial was: its values, its seed and, unless it failed, as many epochs as it had.

    Args:
        run: The study.
        trial: Its number; None for the best.
        epochs: Train so many at most; None for as many as it had.

    Raises:
        UsageError: There is no such trial, or it is not trained in steps.
        StudyError: None has finished, or a file is damaged.
    """
    snapshot = run.snapshot()
    found = _trial(run, snapshot, trial)
    plan = Plan.of(run)
    _require_steps(plan, str(run.path))
    seed, notes = _seed(plan, snapshot.lineage(found.id)[0])
    return Subject(
        name=run.name,
        plan=plan,
        values=plan.complete(found.suggestion.values),
        seed=seed,
        epochs=min(epochs or _epochs(plan, found), _epochs(plan, found)),
        sources=run.layout.sources,
        run=run,
        trial=found.id,
        notes=notes,
    )


def _trial(run: Run, snapshot: Snapshot, number: int | None) -> Trial:
    if number is None:
        if snapshot.best is None:
            hint = f"name one: tunecli trace {run.name} --trial N" if snapshot.trials else "go on with tunecli search"
            raise StudyError("no trial has finished yet", where=str(run.path), hint=hint)
        return snapshot.best
    if number not in snapshot.trials:
        raise UsageError(f"there is no trial {number}", where=str(run.path), hint=f"see them: tunecli show {run.name}")
    return snapshot.trials[number]


def _epochs(plan: Plan, trial: Trial) -> int:
    """Returns the epochs of a trial; of several trainings, of which each may have had others, as many as allowed."""
    outcome = trial.outcome
    is_whole = outcome is not None and outcome.status is TrialStatus.COMPLETED and plan.evaluation is None
    return outcome.epochs_run if outcome is not None and is_whole else trial.suggestion.end_epoch


def _seed(plan: Plan, root: int) -> tuple[int, tuple[str, ...]]:
    """Returns the seed of the lineage that began with trial `root`, and what is to be said about it."""
    if plan.evaluation is None:
        return plan.trial_seed(root), ()
    if plan.evaluation.folds is None:
        return plan.trial_seed(root, plan.trainings[0]), ("the first of its repeats is traced",)
    return plan.trial_seed(root), ("no fold is held back: it is trained on the whole training part, as by retrain",)


def _require_steps(plan: Plan, where: str) -> None:
    if plan.training.engine == SCIPY_ENGINE:
        hint = "of a spec, write engine: auto, and an optimizer with its learning_rate"
        raise UsageError("engine: scipy takes no steps that could be traced", where=where, hint=hint)
