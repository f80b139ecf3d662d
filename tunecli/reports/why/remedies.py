"""What to do next about a trial: lines of YAML to write, and commands to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunecli.reports.curves.learning_curves import LearningCurve
from tunecli.reports.curves.shape import Form
from tunecli.reports.why.causes import Cause, Kind
from tunecli.reports.why.neighbours import Part
from tunecli.spec.space import Kind as ParameterKind
from tunecli.spec.space import Parameter, SearchSpace, same, spell_value
from tunecli.study.trial import Trial, TrialStatus

_FOR_STEPS = (Kind.DIVERGED, Kind.NEVER_FINITE)
"""What steps that are too large come to."""


def remedies(
    trial: Trial,
    cause: Cause | None,
    *,
    curve: LearningCurve,
    part: Part | None,
    space: SearchSpace,
    plan: Mapping[str, Any],
    study: str,
    is_held: bool,
) -> tuple[str, ...]:
    """Returns what may help, the most promising first.

    Args:
        trial: Whichever.
        cause: Why it failed; None if it did not.
        curve: Of the objective.
        part: A part of the space in which trials mostly failed.
        space: What is searched.
        plan: As kept in `plan.json`.
        study: Its name, for commands.
        is_held: Whether a process works on the study.
    """
    if trial.status is TrialStatus.RUNNING:
        return (f"follow it: tunecli watch {study}",) if is_held else ("run the same tunecli search command again",)
    if cause is None:
        return tuple(_for_completed(trial, curve, plan, study))
    changes = [*_narrowed(part, space), *_for_cause(trial, cause, part, plan, study)]
    return (*changes, f"see its files: tunecli show {study} {trial.id}")


def range_line(parameter: Parameter) -> str:
    """Returns the line of a search space that declares a parameter."""
    if parameter.kind is ParameterKind.CHOICE:
        return f"{parameter.name}: [{', '.join(spell_value(each) for each in parameter.values)}]"
    low, high = parameter.bounds
    parts = [f"min: {low:g}", f"max: {high:g}"] if isinstance(low, float) else [f"min: {low}", f"max: {high}"]
    parts += ["log: true"] if parameter.log else []
    parts += [f"step: {parameter.step:g}"] if parameter.step is not None else []
    return f"{parameter.name}: {{{', '.join(parts)}}}"


def _narrowed(part: Part | None, space: SearchSpace) -> list[str]:
    """Returns the search space's line that leaves out a part in which trials failed."""
    parameter = next((each for each in space if part is not None and each.name == part.parameter), None)
    if part is None or parameter is None:
        return []
    if part.bound is None:
        kept = tuple(each for each in parameter.values if f"{part.parameter}={spell_value(each)}" != part.words)
        changed = parameter.model_copy(update={"values": kept})
        return [_in_space(changed)] if kept else []
    end = "max" if part.bound.is_above else "min"
    changed = parameter.model_copy(update={end: part.bound.value})
    return [_in_space(changed)]


def _in_space(parameter: Parameter) -> str:
    return f"leave that part out (another study: --fresh), under search_space: {range_line(parameter)}"


def _for_cause(trial: Trial, cause: Cause, part: Part | None, plan: Mapping[str, Any], study: str) -> list[str]:
    if cause.kind in _FOR_STEPS:
        values = {**plan.get("fixed", {}), **trial.suggestion.values}
        scaled = ["scale the inputs, under model: normalization: standard"] if _is_unscaled(values) else []
        is_known = part is not None and part.parameter == "learning_rate"
        rates = [] if is_known else ["find the rates that train: tunecli lr-find CONFIG"]
        return [*scaled, *rates]
    more = "" if cause.limit is None else f"{2 * cause.limit:.0f}"
    return {
        Kind.TOOK_TOO_LONG: [f"allow it more time: limits: {{trial_time: {more}s}}"],
        Kind.OUT_OF_MEMORY: [
            f"allow it more memory: limits: {{trial_memory: {more}MiB}}"
            if more
            else "train fewer trials at a time: limits: {workers: 1}; or smaller batches and layers"
        ],
        Kind.DIED: ["if it was memory, train fewer trials at a time: limits: {workers: 1}"],
        Kind.PARENT_FAILED: [f"see why its parent failed: tunecli why {study} {cause.parent}"],
    }.get(cause.kind, [])


def _is_unscaled(values: Mapping[str, Any]) -> bool:
    return same(values.get("normalization"), "none")


def _for_completed(trial: Trial, curve: LearningCurve, plan: Mapping[str, Any], study: str) -> list[str]:
    outcome = trial.outcome
    assert outcome is not None, "it has completed"
    epochs = int((plan.get("training") or {}).get("epochs", 0))
    steps = []
    is_through = 0 < epochs <= outcome.epochs_run
    if curve.shape.form is Form.IMPROVES and is_through and not outcome.stopped:
        steps.append(f"it was still getting better: training: {{epochs: {2 * epochs}}}")
    if curve.shape.form is Form.OVERFITS and not (plan.get("training") or {}).get("early_stopping"):
        steps.append("stop before it overfits: training: {early_stopping: {patience: 5}}")
    return [*steps, f"see its curves: tunecli curves {study} --trial {trial.id}"]
