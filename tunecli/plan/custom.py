"""The search space of a custom model: what its code declares, narrowed by what the spec says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunecli.families.base import Hyperparameter
from tunecli.families.transfer import TRANSFER_HYPERPARAMETERS
from tunecli.plan.bind import Binding, Report, bind
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import Loc
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, Values, spell_value


def bind_custom(
    spec: ExperimentSpec, declared: Sequence[Parameter], others: Sequence[Hyperparameter], report: Report
) -> Binding:
    """Binds a spec to the hyperparameters that a model's code declares.

    Args:
        spec: What narrows them; what it does not name is searched as declared.
        declared: The code's, each behind those that its conditions name.
        others: What is read beside them, such as the batch size; those that the code declares are its own.
        report: Takes down what is wrong.
    """
    by_name = {parameter.name: parameter for parameter in declared}
    known = [_hyperparameter(each) for each in declared]
    known += [each for each in others if each.name not in by_name]
    found: list[bool] = []

    def noting(loc: Loc, what: str, hint: str = "", *, at_key: bool = False) -> None:
        found.append(True)
        report(loc, what, hint, at_key=at_key)

    for each in TRANSFER_HYPERPARAMETERS if spec.model.init_from is not None else ():
        if each.name in by_name:
            what = f"needs the name '{each.name}', which the model's code has for a hyperparameter of its own"
            noting(("model", "init_from"), what, "give that another name in the code")
    written = bind(spec, known, noting)
    if found:
        return written
    narrowed = {parameter.name: parameter for parameter in written.space}
    candidates: list[Parameter] = []
    for parameter in declared:
        if parameter.name in written.fixed:
            candidates.append(_fixed(parameter, written.fixed[parameter.name]))
        elif parameter.name in narrowed:
            candidates.append(_narrowed(parameter, narrowed[parameter.name], spec))
        else:
            candidates.append(parameter)
    for parameter in candidates:
        _check_within(by_name[parameter.name], parameter, spec, report)
    fixed, searched = _settled(candidates)
    rest = [parameter for parameter in written.space if parameter.name not in by_name]
    own = {name: value for name, value in written.fixed.items() if name not in by_name}
    return Binding(SearchSpace(parameters=(*searched, *rest)), {**fixed, **own})


def _hyperparameter(parameter: Parameter) -> Hyperparameter:
    """Returns a declared parameter as something that a spec may name."""
    doc = f"declared by the model's code, {parameter.describe()}"
    if parameter.kind is Kind.CHOICE:
        return Hyperparameter(parameter.name, Kind.CHOICE, parameter.values[0], doc, values=parameter.values)
    low, high = parameter.bounds
    return Hyperparameter(parameter.name, parameter.kind, low, doc, min=low, max=high)


def _fixed(parameter: Parameter, value: Value) -> Parameter:
    return Parameter(name=parameter.name, kind=Kind.CHOICE, values=(value,), when=parameter.when)


def _narrowed(declared: Parameter, written: Parameter, spec: ExperimentSpec) -> Parameter:
    """Returns what the spec has written, with what it left open as declared."""
    changes: dict[str, Any] = {"when": (*declared.when, *written.when)}
    if written.kind is not Kind.CHOICE:
        given = spec.parameters[declared.name].model_fields_set
        changes |= {name: getattr(declared, name) for name in ("log", "step") if name not in given}
        if changes.get("log", written.log):
            changes["step"] = None
    return written.model_copy(update=changes)


def _check_within(declared: Parameter, parameter: Parameter, spec: ExperimentSpec, report: Report) -> None:
    """Reports the first value of a narrowed parameter that the declared one does not have."""
    values = parameter.values if parameter.kind is Kind.CHOICE else parameter.finite_values() or parameter.bounds
    wrong = next((value for value in values if not declared.contains(value)), None)
    if wrong is not None:
        block = "search_space" if declared.name in spec.search_space else "model"
        what = f"{spell_value(wrong)} is not among what the model's code declares, {declared.describe()}"
        report((block, declared.name), what, "narrow the declared range, or change the code")


def _settled(candidates: Sequence[Parameter]) -> tuple[Values, list[Parameter]]:
    """Returns what is fixed, and what is searched, once conditions on what is fixed are decided."""
    fixed: Values = {}
    searched: dict[str, Parameter] = {}
    for parameter in candidates:
        conditions: list[Condition] = []
        is_possible = True
        for each in parameter.when:
            if each.parameter in fixed:
                is_possible = is_possible and each.holds(fixed)
            elif each.parameter in searched:
                possible = tuple(value for value in each.values if searched[each.parameter].contains(value))
                is_possible = is_possible and bool(possible)
                conditions.append(Condition(parameter=each.parameter, values=possible))
            else:  # its parent is never active
                is_possible = False
        if not is_possible:
            continue
        if len(parameter.values) == 1 and not conditions:
            fixed[parameter.name] = parameter.values[0]
        else:
            searched[parameter.name] = parameter.model_copy(update={"when": tuple(conditions)})
    return fixed, list(searched.values())
