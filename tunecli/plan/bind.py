"""Binds the declared parameters of a spec to the hyperparameters that someone reads.

A parameter takes its type from the hyperparameter of its name; what the spec leaves open (that momentum is read by
sgd alone) becomes a condition, so that no tuner searches a value that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tunecli.families.base import Hyperparameter
from tunecli.registry import did_you_mean
from tunecli.spec.experiment import ExperimentSpec, ParameterSpec
from tunecli.spec.load import Loc
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, Values, same, show_value

Report = Callable[[Loc, str, str], None]


@dataclass(frozen=True)
class Binding:
    """What is searched, and what is fixed."""

    space: SearchSpace
    fixed: Values


def bind(spec: ExperimentSpec, hyperparameters: Sequence[Hyperparameter], report: Report) -> Binding:
    """Binds every declared parameter, and reports those that no one reads."""
    return _Binder(spec, hyperparameters, report).bind()


class _Binder:
    def __init__(self, spec: ExperimentSpec, hyperparameters: Sequence[Hyperparameter], report: Report) -> None:
        self.spec = spec
        self.known: dict[str, list[Hyperparameter]] = {}
        for each in hyperparameters:
            self.known.setdefault(each.name, []).append(each)
        self.report = report
        self.fixed: Values = {}
        self.searched: dict[str, Parameter] = {}

    def bind(self) -> Binding:
        if self.spec.training.batch_size is not None:
            self.fixed["batch_size"] = self.spec.training.batch_size
        for name, declared in self.spec.parameters.items():
            block = "search_space" if name in self.spec.search_space else "model"
            self._bind(name, declared, (block, name))
        for name in [*self.fixed, *self.searched]:
            self._apply_conditions(name)
        return Binding(SearchSpace(parameters=tuple(_parents_first(self.searched))), self.fixed)

    def _bind(self, name: str, declared: ParameterSpec, loc: Loc) -> None:
        if name not in self.known:
            self.report(loc, f"'{name}' is read by nothing in {self.spec.model.family}", did_you_mean(name, self.known))
            return
        hyper = self.known[name][0]
        values = self._values(hyper, declared, loc)
        if values is not None and len(values) == 1:
            self.fixed[name] = values[0]
            if declared.when:
                self.report((*loc, "when"), "a fixed value takes no condition", "drop when, or give a range")
        elif values is not None:
            self._search(Parameter(name=name, kind=Kind.CHOICE, values=values), declared, loc)
        elif declared.is_range:
            self._search_range(hyper, declared, loc)

    def _values(self, hyper: Hyperparameter, declared: ParameterSpec, loc: Loc) -> tuple[Value, ...] | None:
        """Returns the values of a choice or a fixed parameter; None for a range, or where a problem was reported."""
        key, given = "values", declared.values
        if declared.is_fixed_value:
            key, given = "value", [declared.value]
        elif declared.layers is not None:
            key, given = "layers", self._layers(hyper, declared, loc)
        elif declared.type == "bool":
            given = [False, True]
        if given is None:
            return None
        if key == "values" and any(isinstance(each, list) for each in given):
            self.report(loc, "a list of lists goes below layers:", f"write {hyper.name}: {{layers: …}}")
            return None
        values = [_coerce(hyper, value) for value in given]
        for index, value in enumerate(values):
            if fault := hyper.fault(value):
                self.report((*loc, key, index) if key != "value" else loc, fault, hyper.doc)
                return None
        return tuple(values)

    def _layers(self, hyper: Hyperparameter, declared: ParameterSpec, loc: Loc) -> list[Value] | None:
        if not hyper.layer_count:
            self.report((*loc, "layers"), f"{hyper.name} is not given layer by layer", "write a range or values")
            return None
        if hyper.layer_count in self.spec.parameters:
            self.report((*loc, "layers"), f"sets {hyper.layer_count} too, which is declared", "drop one of them")
        layers = declared.layers or []
        is_nested = bool(layers) and isinstance(layers[0], list)
        return [list(each) for each in layers if isinstance(each, list)] if is_nested else [list(layers)]  # type: ignore[arg-type]  # flat: a list of ints

    def _search_range(self, hyper: Hyperparameter, declared: ParameterSpec, loc: Loc) -> None:
        if hyper.kind is Kind.CHOICE:
            self.report(loc, f"{hyper.name} takes a choice, not a range", f"it has {', '.join(map(str, hyper.values))}")
            return
        if declared.type not in (None, hyper.kind.value):
            self.report((*loc, "type"), f"{hyper.name} is of type {hyper.kind}, not {declared.type}", "drop type")
            return
        bounds = {
            name: getattr(declared, name) for name in ("min", "max", "step") if getattr(declared, name) is not None
        }
        for name, value in bounds.items():
            fault = None if name == "step" and hyper.kind is Kind.FLOAT else hyper.fault(_coerce(hyper, value))
            if fault:
                self.report((*loc, name), fault, hyper.doc)
                return
        bounds = {name: _coerce(hyper, value) for name, value in bounds.items()}
        if bounds["min"] == bounds["max"]:
            self.fixed[hyper.name] = bounds["min"]
            return
        self._search(Parameter(name=hyper.name, kind=hyper.kind, log=declared.log, **bounds), declared, loc)

    def _search(self, parameter: Parameter, declared: ParameterSpec, loc: Loc) -> None:
        default = _coerce(self.known[parameter.name][0], declared.default)
        if "default" in declared.model_fields_set and not parameter.contains(default):
            self.report(
                (*loc, "default"), f"{show_value(default)} is outside {parameter.describe()}", "choose one inside"
            )
        conditions = [
            condition
            for parent, allowed in declared.when.items()
            if (condition := self._condition(parent, allowed, (*loc, "when", parent))) is not None
        ]
        self.searched[parameter.name] = parameter.model_copy(update={"default": default, "when": tuple(conditions)})

    def _condition(self, parent: str, allowed: Value | list[Value], loc: Loc) -> Condition | None:
        """Returns a condition on a searched parent; one on a fixed parent holds always, or is a problem."""
        listed = allowed if isinstance(allowed, list) else [allowed]
        if parent not in self.known:
            return None  # reported where it is declared
        values = tuple(_coerce(self.known[parent][0], each) for each in listed)
        if parent in self.searched:
            for value in values:
                if not self.searched[parent].contains(value):
                    inside = self.searched[parent].describe()
                    self.report(loc, f"{parent} is never {show_value(value)}", f"it has {inside}")
            return Condition(parameter=parent, values=values)
        if parent in self.fixed and not any(same(self.fixed[parent], value) for value in values):
            self.report(
                loc, f"{parent} is always {show_value(self.fixed[parent])}", "drop the parameter, or search both"
            )
        return None

    def _apply_conditions(self, name: str) -> None:
        """Adds the conditions under which `name` is read at all; reports it if it never is."""
        entries = self.known.get(name, [])
        for parent in dict.fromkeys(parent for entry in entries for parent in entry.applies):
            allowed = [value for entry in entries for value in entry.applies.get(parent, ())]
            default = self.known[parent][0].default
            possible = self._possible(parent, default)
            read = [value for value in possible if any(same(value, each) for each in allowed)]
            if not read:
                block = "search_space" if name in self.spec.search_space else "model"
                self.report(
                    (block, name),
                    f"{name} is not read when {parent} is {show_value(possible[0])}",
                    f"only {', '.join(map(show_value, allowed))} reads it",
                )
            elif len(read) < len(possible) and name in self.searched:
                parameter = self.searched[name]
                if parent not in {condition.parameter for condition in parameter.when}:
                    extra = Condition(parameter=parent, values=tuple(read))
                    self.searched[name] = parameter.model_copy(update={"when": (*parameter.when, extra)})

    def _possible(self, name: str, default: Value) -> Sequence[Value]:
        if name in self.searched:
            return self.searched[name].finite_values() or ()
        return (self.fixed.get(name, default),)


def _coerce(hyper: Hyperparameter, value: Value) -> Value:
    """Lets a whole number stand for a float."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if hyper.kind is Kind.FLOAT and is_whole and isinstance(value, int) else value


def _parents_first(searched: Mapping[str, Parameter]) -> list[Parameter]:
    """Orders parameters so that each stands behind those its conditions name, else as declared."""
    ordered: dict[str, Parameter] = {}

    def place(name: str) -> None:
        if name not in ordered:
            for condition in searched[name].when:
                place(condition.parameter)
            ordered[name] = searched[name]

    for name in searched:
        place(name)
    return list(ordered.values())
