"""Binds the declared parameters of a spec to the hyperparameters that someone reads.

A parameter takes its type from the hyperparameter of its name; what the spec leaves open (that momentum is read by
sgd and rmsprop alone) becomes a condition, so that no tuner searches a value that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tunecli.families.base import Hyperparameter
from tunecli.families.compiling import tasks_that_read
from tunecli.plan.layerwise import count_fault, expand
from tunecli.plan.plan import STEP_HYPERPARAMETERS
from tunecli.registry import did_you_mean
from tunecli.spec.experiment import SCIPY_ENGINE, ExperimentSpec, Task
from tunecli.spec.faults import Loc
from tunecli.spec.parameter import ParameterSpec
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, Values, same, spell_value


class Report(Protocol):
    """Takes down one problem: where, what, hint, and whether it is the key that is wrong."""

    def __call__(self, loc: Loc, what: str, hint: str = "", *, at_key: bool = False) -> None:
        """Takes it down."""
        ...


@dataclass(frozen=True)
class Binding:
    """What is searched, and what is fixed."""

    space: SearchSpace
    fixed: Values

    def possible(self, name: str) -> tuple[Value, ...]:
        """Returns the values that a hyperparameter may take; the bounds of a range stand for it, None for a default."""
        searched = [parameter for parameter in self.space if parameter.name == name]
        if not searched:
            return (self.fixed.get(name),)
        return searched[0].values if searched[0].kind is Kind.CHOICE else searched[0].bounds


def bind(spec: ExperimentSpec, hyperparameters: Sequence[Hyperparameter], report: Report) -> Binding:
    """Binds every declared parameter, and reports those that no one reads."""
    return _Binder(spec, hyperparameters, report).bind()


class _Binder:
    def __init__(self, spec: ExperimentSpec, hyperparameters: Sequence[Hyperparameter], report: Report) -> None:
        self._spec = spec
        self._known: dict[str, list[Hyperparameter]] = {}
        for each in hyperparameters:
            self._known.setdefault(each.name, []).append(each)
        self._report = report
        self._fixed: Values = {}
        self._searched: dict[str, Parameter] = {}
        self._declared_as: dict[str, str] = {}  # the hyperparameter that the parameter of a layer belongs to

    def bind(self) -> Binding:
        if self._spec.training.batch_size is not None:
            self._fixed["batch_size"] = self._spec.training.batch_size
        in_turn = sorted(self._spec.parameters.items(), key=lambda each: each[1].per is not None)
        for name, declared in in_turn:  # what counts the layers stands before what is given for each
            self._bind(name, declared)
        for name in [*self._fixed, *self._searched]:
            self._apply_conditions(name)
        return Binding(SearchSpace(parameters=tuple(_parents_first(self._searched))), self._fixed)

    def _loc(self, name: str) -> Loc:
        name = self._declared_as.get(name, name)
        return ("search_space" if name in self._spec.search_space else "model", name)

    def _bind(self, name: str, declared: ParameterSpec) -> None:
        loc = self._loc(name)
        if name not in self._known:
            self._report(loc, *self._unread(name), at_key=True)
            return
        hyper = self._known[name][0]
        bind = self._range if declared.is_range else self._choice
        parameter = bind(hyper, declared, loc)
        if parameter is not None:
            self._settle(parameter, declared, loc)

    def _unread(self, name: str) -> tuple[str, str]:
        """Returns that no one reads a parameter, and a hint."""
        if self._spec.training.engine == SCIPY_ENGINE and name in STEP_HYPERPARAMETERS:
            return f"'{name}' is not read by engine: scipy, which takes no steps", "drop it, or write engine: auto"
        hint = self._other_tasks(name) or did_you_mean(name, self._known)
        return f"'{name}' is read by nothing in {self._spec.model.family}", hint

    def _other_tasks(self, name: str) -> str:
        """Returns a hint for what a family of ours reads for other tasks, else ""."""
        tasks = tasks_that_read(name) if "loss" in self._known else ()
        return f"drop it: it is for {' and '.join(tasks)} tasks alone" if 0 < len(tasks) < len(Task) else ""

    def _settle(self, parameter: Parameter, declared: ParameterSpec, loc: Loc) -> None:
        """Fixes a parameter that has one value and no condition; searches any other."""
        when = self._conditions(declared, loc)
        values = parameter.values
        counts = self._layer_counts(parameter.name, declared.per, (*loc, "per")) if declared.per is not None else []
        if len(values) == 1 and not when:
            self._fixed[parameter.name] = values[0]
            return
        default = _coerce(self._known[parameter.name][0], declared.default)
        if "default" in declared.model_fields_set and not parameter.contains(default):
            what = f"{spell_value(default)} is not in {parameter.describe()}"
            self._report((*loc, "default"), what, "name a value that is searched")
        searched = parameter.model_copy(update={"default": default, "when": when})
        if declared.per is None:
            self._searched[parameter.name] = searched
        elif counts:
            for layer in expand(searched, declared.per, counts):
                self._searched[layer.name] = layer
                self._declared_as[layer.name] = parameter.name

    def _layer_counts(self, name: str, per: str, loc: Loc) -> list[int]:
        """Returns how many layers there may be; none where a problem was reported."""
        count = self._known[name][0].layer_count
        if count != per:
            what = (
                f"{name} is given for each of {count}, not of {per}" if count else f"{name} is the same for all layers"
            )
            self._report(loc, what, f"write per: {count}" if count else "drop per")
            return []
        if per in self._spec.parameters and per not in self._fixed and per not in self._searched:
            return []  # it is wrong itself
        counts = [each for each in self._possible(per) or () if isinstance(each, int)]
        is_conditional = per in self._searched and bool(self._searched[per].when)
        fault = count_fault(name, per, counts, is_conditional=is_conditional, known=self._known)
        if fault:
            self._report(loc, *fault)
        return [] if fault else counts

    def _choice(self, hyper: Hyperparameter, declared: ParameterSpec, loc: Loc) -> Parameter | None:
        """Returns a parameter with the values of a choice or a fixed value; None where a problem was reported."""
        if declared.type in ("int", "float", "bool") and not _is_of_type(hyper, declared.type):
            self._report((*loc, "type"), f"{hyper.name} is {_kind_words(hyper)}, not {declared.type}", "drop type")
            return None
        if declared.layers is not None and not self._takes_layers(hyper, loc):
            return None
        written = [(place, _coerce(hyper, value)) for place, value in _written_values(declared, loc)]
        faulty = [place for place, value in written if not self._is_value(hyper, value, place, declared)]
        if faulty:
            return None
        return Parameter(name=hyper.name, kind=Kind.CHOICE, values=tuple(value for _, value in written))

    def _is_value(self, hyper: Hyperparameter, value: Value, place: Loc, declared: ParameterSpec) -> bool:
        """Says whether a value suits the hyperparameter; reports it if not."""
        is_stray_list = isinstance(value, list) and declared.layers is None
        fault = f"{spell_value(value)} is a list" if is_stray_list else hyper.fault(value)
        if fault:
            self._report(place, fault, _value_hint(hyper, value))
        return fault is None

    def _takes_layers(self, hyper: Hyperparameter, loc: Loc) -> bool:
        if not hyper.layer_count:
            self._report((*loc, "layers"), f"{hyper.name} is not given layer by layer", "write a range or values")
        elif hyper.layer_count in self._spec.parameters:
            what = f"sets {hyper.layer_count} too, which is declared"
            self._report((*loc, "layers"), what, f"drop {hyper.layer_count}, or layers")
        else:
            return True
        return False

    def _range(self, hyper: Hyperparameter, declared: ParameterSpec, loc: Loc) -> Parameter | None:
        """Returns a range, or one value where its bounds meet; None where a problem was reported."""
        if hyper.kind is Kind.CHOICE:
            what = f"{hyper.name} takes a choice, not a range"
            self._report(loc, what, f"write a list of {', '.join(map(spell_value, hyper.values))}")
            return None
        if declared.type not in (None, hyper.kind.value):
            self._report((*loc, "type"), f"{hyper.name} is {_kind_words(hyper)}, not {declared.type}", "drop type")
            return None
        faulty = [name for name in ("min", "max", "step") if not self._is_number(hyper, declared, name, loc)]
        if faulty:
            return None
        low, high, step = (_coerce(hyper, value) for value in (declared.min, declared.max, declared.step))
        if low == high:
            return Parameter(name=hyper.name, kind=Kind.CHOICE, values=(low,))
        bounds = {"min": low, "max": high, "step": step}
        return Parameter.model_validate({"name": hyper.name, "kind": hyper.kind, "log": declared.log, **bounds})

    def _is_number(self, hyper: Hyperparameter, declared: ParameterSpec, name: str, loc: Loc) -> bool:
        """Says whether a bound or step suits the hyperparameter; reports it if not."""
        number = getattr(declared, name)
        fault = None
        if hyper.kind is Kind.INT and isinstance(number, float):
            fault = f"{spell_value(number)} is not a whole number, which {hyper.name} is"
        elif number is not None and name != "step":
            fault = hyper.fault(_coerce(hyper, number))
        if fault:
            self._report((*loc, name), fault, _about(hyper))
        return fault is None

    def _conditions(self, declared: ParameterSpec, loc: Loc) -> tuple[Condition, ...]:
        found = (self._condition(parent, allowed, (*loc, "when", parent)) for parent, allowed in declared.when.items())
        return tuple(condition for condition in found if condition is not None)

    def _condition(self, parent: str, allowed: Value | list[Value], loc: Loc) -> Condition | None:
        """Returns a condition on a searched parent; one on a fixed parent holds always, or is a problem."""
        values = [_coerce(self._known[parent][0], each) for each in _listed(allowed)] if parent in self._known else []
        if parent in self._spec.parameters and self._spec.parameters[parent].per is not None:
            self._report(loc, f"{parent} has a value for each layer", "name a parameter that has one value")
            return None
        if parent in self._searched:
            return self._condition_on(self._searched[parent], values, loc)
        if parent in self._fixed and not _is_among(self._fixed[parent], values):
            what = f"{parent} is always {spell_value(self._fixed[parent])}"
            self._report(loc, what, f"drop this parameter, or search {parent}, too")
        return None

    def _condition_on(self, parent: Parameter, values: Sequence[Value], loc: Loc) -> Condition:
        for index, value in enumerate(values):
            if not parent.contains(value):
                place = (*loc, index) if len(values) > 1 else loc
                what = f"{parent.name} is never {spell_value(value)}"
                self._report(place, what, f"it is searched in {parent.describe()}")
        return Condition(parameter=parent.name, values=tuple(values))

    def _apply_conditions(self, name: str) -> None:
        """Adds the conditions under which `name` is read at all; reports it if it never is."""
        for parent, allowed in _read_beside(self._known.get(self._declared_as.get(name, name), ())).items():
            possible = self._possible(parent)
            if possible is None:
                continue
            read = [value for value in possible if _is_among(value, allowed)]
            if not read:
                what = f"{name} is not read when {parent} is {' or '.join(map(spell_value, possible))}"
                hint = f"it is read when {parent} is {' or '.join(map(spell_value, allowed))}"
                self._report(self._loc(name), what, hint, at_key=True)
            elif len(read) < len(possible) and name in self._searched:
                self._require(name, parent, read)

    def _possible(self, name: str) -> Sequence[Value] | None:
        """Returns the values that a hyperparameter may take, or None for a continuous range."""
        if name in self._searched:
            return self._searched[name].finite_values()
        return (self._fixed.get(name, self._known[name][0].default),)

    def _require(self, name: str, parent: str, read: Sequence[Value]) -> None:
        """Makes `name` depend on `parent` having one of the values beside which it is read."""
        parameter = self._searched[name]
        written = next((each for each in parameter.when if each.parameter == parent), None)
        if written is None:
            self._add_condition(parameter, Condition(parameter=parent, values=tuple(read)))
            return
        for index, value in enumerate(written.values):
            if not _is_among(value, read):
                loc: Loc = (*self._loc(name), "when", parent, *([index] if len(written.values) > 1 else []))
                hint = f"it is read when {parent} is {' or '.join(map(spell_value, read))}"
                self._report(loc, f"{name} is not read when {parent} is {spell_value(value)}", hint)

    def _add_condition(self, parameter: Parameter, condition: Condition) -> None:
        if parameter.name in self._ancestors(condition.parameter):
            what = f"decides over {condition.parameter}, but is read only under some of its values"
            self._report(self._loc(parameter.name), what, f"drop the condition of {condition.parameter}", at_key=True)
            return
        self._searched[parameter.name] = parameter.model_copy(update={"when": (*parameter.when, condition)})

    def _ancestors(self, name: str) -> set[str]:
        """Returns the parameters that decide whether `name` is active, directly or through others."""
        parents = [condition.parameter for condition in self._searched[name].when]
        return {name, *(each for parent in parents for each in self._ancestors(parent))}


def _written_values(declared: ParameterSpec, loc: Loc) -> list[tuple[Loc, Value]]:
    """Returns the values of a parameter that has no range, each with its place."""
    if declared.is_fixed_value:
        return [((*loc, "value"), declared.value)]
    if declared.values is not None:
        return [((*loc, "values", index), value) for index, value in enumerate(declared.values)]
    if declared.layers is None:
        return [(loc, False), (loc, True)]
    lists = [list(each) for each in declared.layers if isinstance(each, list)]
    if not lists:
        return [((*loc, "layers"), [each for each in declared.layers if isinstance(each, int)])]
    return [((*loc, "layers", index), widths) for index, widths in enumerate(lists)]


def _read_beside(entries: Sequence[Hyperparameter]) -> dict[str, list[Value]]:
    """Returns the values of others beside which a hyperparameter is read, those of all its entries together.

    An entry that does not name another hyperparameter is read beside all of its values.
    """
    parents = dict.fromkeys(parent for entry in entries for parent in entry.applies)
    return {
        parent: [value for entry in entries for value in entry.applies[parent]]
        for parent in parents
        if all(parent in entry.applies for entry in entries)
    }


def _coerce(hyper: Hyperparameter, value: Value) -> Value:
    """Lets a whole number stand for a float."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if hyper.kind is Kind.FLOAT and is_whole and isinstance(value, int) else value


def _is_of_type(hyper: Hyperparameter, written: str) -> bool:
    is_bool = hyper.kind is Kind.CHOICE and all(isinstance(each, bool) for each in hyper.values)
    return is_bool if written == "bool" else hyper.kind.value == written


def _kind_words(hyper: Hyperparameter) -> str:
    return "a choice" if hyper.kind is Kind.CHOICE else f"of type {hyper.kind}"


def _about(hyper: Hyperparameter) -> str:
    """Returns what a hyperparameter is, as a hint."""
    return f"{hyper.name}: {hyper.doc[:1].lower()}{hyper.doc[1:].removesuffix('.')}"


def _value_hint(hyper: Hyperparameter, value: Value) -> str:
    if isinstance(value, list):
        return f"write {hyper.name}: {{layers: …}}" if hyper.layer_count else "write a value, or values: one by one"
    if hyper.kind is Kind.CHOICE and isinstance(value, str):
        return did_you_mean(value, map(spell_value, hyper.values))
    return _about(hyper)


def _listed(allowed: Value | list[Value]) -> list[Value]:
    return list(allowed) if isinstance(allowed, list) else [allowed]


def _is_among(value: Value, values: Iterable[Value]) -> bool:
    return any(same(value, each) for each in values)


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
