"""Writes the search space as calls of KerasTuner's `hp`, in the order of the spec, and what each trial reads of it.

KerasTuner draws in the order of the calls, from the seed: a random search suggests what `tunecli search` does, as long
as each parameter depends on one other at most.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property

from tunecli.errors import UsageError
from tunecli.families.base import Hyperparameter, Setting
from tunecli.plan import Plan
from tunecli.plan.layerwise import layer_name
from tunecli.scripting import Lines, bracketed, indented, listed, literal
from tunecli.spec.space import Condition, Kind, Parameter, Value, same

_READ_IN_FIT = "batch_size"
"""`HyperModel.fit` reads it, the model does not."""

_FEW = 12
"""So many values of a stepped range are written one by one."""


class Space:
    """The space of a plan, as a script has it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._searched = {parameter.name: parameter for parameter in plan.space}
        self._known: dict[str, list[Hyperparameter]] = {}
        for each in plan.hyperparameters():
            self._known.setdefault(each.name, []).append(each)
        self._layers = {name: layers for name in self._known if (layers := self._layers_of(name))}
        self._of_layers = {layer for layers in self._layers.values() for layer in layers}

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """Every hyperparameter by name, but those that the plan leaves open and whose default depends on others."""
        found = {}
        for name, entries in self._known.items():
            defaults = tuple(dict.fromkeys(each.default for each in entries))
            if name in self._layers:
                found[name] = Setting(name, ([each for each in defaults if isinstance(each, int)],))
            elif name in self._searched:
                found[name] = Setting(name, self._possible(name, defaults))
            elif name in self._plan.fixed:
                value = self._plan.fixed[name]
                found[name] = Setting(literal(value), (value,))
            elif len(defaults) == 1:
                found[name] = Setting(literal(defaults[0]), defaults)
        return found

    def constants(self) -> Lines:
        """Writes the choices that KerasTuner cannot hold, by texts that it can."""
        lines = []
        for name, parameter in self._searched.items():
            if _needs_texts(parameter) and name != _READ_IN_FIT:
                items = [f"{literal(_text(value))}: {literal(value)}" for value in parameter.values]
                lines += bracketed(f"{name.upper()} = {{", items, "}")
        return lines

    def declarations(self) -> Lines:
        """Writes the calls of `hp`, each in the scope of its condition, and what is read where one does not hold."""
        lines: Lines = []
        for stack, group in itertools.groupby(self._searched.values(), key=lambda each: self._stack(each.name)):
            calls = [line for parameter in group for line in self._declaration(parameter)]
            for condition in reversed(stack):
                values = literal(self._spelled(condition))
                calls = [f"with hp.conditional_scope({literal(condition.parameter)}, {values}):", *indented(calls)]
            lines += calls
        # a guard looks at parents as they were drawn, so that children come first
        for name in reversed(self._searched):
            if name != _READ_IN_FIT and (guard := self._guard(name)):
                lines += [f"if {guard}:", f"    {name} = {self._default(name)}"]
        for name, layers in self._layers.items():
            lines += bracketed(f"{name} = [", list(layers), self._end_of_layers(name))
        return lines

    def _layers_of(self, name: str) -> list[str]:
        """Returns the searched parameters of single layers that a hyperparameter has.

        Raises:
            UsageError: They depend on more than the number of layers.
        """
        if not self._known[name][0].layer_count:
            return []
        layers: list[str] = []
        while (layer := layer_name(name, len(layers) + 1)) in self._searched and layer not in self._known:
            layers.append(layer)
        counter = self._known[name][0].layer_count
        if any(each.parameter != counter for layer in layers for each in self._searched[layer].when):
            hint = "drop the condition, or per"
            raise UsageError("a script has no condition on the values of single layers", where=name, hint=hint)
        return layers

    def _end_of_layers(self, name: str) -> str:
        """Writes the end of a list of the values of all layers: those that are not there are cut off."""
        counter = self._known[name][0].layer_count
        return f"][:{counter}]" if counter in self._searched else "]"

    def batch_size(self) -> str:
        """Writes the rows of one step, as `HyperModel.fit` reads them from `hp`; "" where they are fixed."""
        parameter = self._searched.get(_READ_IN_FIT)
        if parameter is None:
            return ""
        default = literal(_spelled(parameter, self._known[_READ_IN_FIT][0].default))
        return f'hp.values.get("batch_size", {default})' if parameter.when else 'hp.get("batch_size")'

    @property
    def may_be_full(self) -> bool:
        """Whether a searched batch may hold all rows."""
        return _READ_IN_FIT in self._searched and "full" in self._searched[_READ_IN_FIT].values

    def _possible(self, name: str, defaults: tuple[Value, ...]) -> tuple[Value, ...]:
        """Returns what a searched parameter may be: its default too, if it is read where a condition does not hold."""
        parameter = self._searched[name]
        values = parameter.values if parameter.kind is Kind.CHOICE else parameter.bounds
        others = defaults if self._guard(name) else ()
        return (*values, *(other for other in others if not any(same(other, value) for value in values)))

    def _declaration(self, parameter: Parameter) -> Lines:
        name = parameter.name
        kind, arguments = _call(parameter)
        if parameter.default is not None:
            arguments.append(f"default={literal(_spelled(parameter, parameter.default))}")
        if name == _READ_IN_FIT:
            *head, last = bracketed(f"hp.{kind}(", [literal(name), *arguments], ")")
            return [*head, f"{last}  # read by TunedModel.fit"]
        before, after = "", ""
        if _needs_texts(parameter):
            # None where a condition does not hold, as KerasTuner has it for its own kinds
            before, after = (f"{name.upper()}.get(", ")") if parameter.when else (f"{name.upper()}[", "]")
        call = bracketed(f"{name} = {before}hp.{kind}(", [literal(name), *arguments], f"){after}")
        return [*_rounding_note(parameter), *call]

    def _stack(self, name: str) -> tuple[Condition, ...]:
        """Returns the conditions of the scopes around a parameter, the outermost first.

        KerasTuner knows a parent only inside the very scopes that it was declared in, so that one condition of a
        parameter can be a scope; the others are guards.
        """
        conditions = self._searched[name].when
        return (*self._stack(conditions[0].parameter), conditions[0]) if conditions else ()

    def _guard(self, name: str) -> str:
        """Writes when a parameter is read although a condition does not hold; "" if never."""
        if name in self._of_layers:
            return ""
        stack = self._stack(name)
        others = [each for each in self._searched[name].when if each not in stack]
        open_ = [each for each in others if not self._is_read_only_under(name, each)]
        is_scoped = any(not self._is_read_only_under(name, each) for each in stack)
        tests = [self._fails(each) for each in open_] + [f"{name} is None"] * is_scoped
        return " or ".join(tests)

    def _is_read_only_under(self, name: str, condition: Condition) -> bool:
        """Says whether nothing reads the parameter where the condition does not hold."""
        entries = self._known[name]
        if self._searched[condition.parameter].when or any(condition.parameter not in each.applies for each in entries):
            return False
        read = [value for each in entries for value in each.applies[condition.parameter]]
        possible = self._searched[condition.parameter].values
        return bool(possible) and all(
            any(same(value, each) for each in condition.values)
            for value in possible
            if any(same(value, each) for each in read)
        )

    def _fails(self, condition: Condition) -> str:
        name, values = condition.parameter, list(condition.values)
        if name == _READ_IN_FIT:
            name, values = f"hp.values.get({literal(name)})", self._spelled(condition)
        if len(values) > 1:
            return f"{name} not in {literal(values)}"
        return f"{name} {'is not' if isinstance(values[0], bool) else '!='} {literal(values[0])}"

    def _default(self, name: str) -> str:
        """Writes the value of a parameter that is not active."""
        first, *others = self._known[name]
        optimizer = self.settings["optimizer"]
        code = literal(first.default)
        for each in others:
            names = first.applies["optimizer"]
            if optimizer.is_fixed:
                code = code if optimizer.values[0] in names else literal(each.default)
            else:
                code = f"{code} if optimizer in {literal(names)} else {literal(each.default)}"
        return code

    def _spelled(self, condition: Condition) -> list[Value]:
        return [_spelled(self._searched[condition.parameter], value) for value in condition.values]


def _call(parameter: Parameter) -> tuple[str, list[str | Lines]]:
    """Returns the method of `hp`, and its arguments behind the name."""
    if parameter.kind is Kind.CHOICE:
        return _choice(parameter)
    if _is_rounded(parameter):
        return "Choice", [_stepped(parameter)]
    step = [f"step={literal(parameter.step)}"] if parameter.step is not None and parameter.step != 1 else []
    sampling = ['sampling="log"'] if parameter.log else []
    kind = "Float" if parameter.kind is Kind.FLOAT else "Int"
    return kind, [*map(literal, parameter.bounds), *step, *sampling]


def _choice(parameter: Parameter) -> tuple[str, list[str | Lines]]:
    values = parameter.values
    if all(isinstance(value, bool) for value in values):
        # KerasTuner turns a choice of booleans into one of 0 and 1
        return ("Boolean", []) if len(values) == 2 else ("Fixed", [literal(values[0])])
    if _needs_texts(parameter) and parameter.name != _READ_IN_FIT:
        return "Choice", [f"list({parameter.name.upper()})"]
    return "Choice", [listed("[", [_spelled(parameter, value) for value in values])]


def _needs_texts(parameter: Parameter) -> bool:
    """Says whether a choice holds lists, or values of several types: KerasTuner takes neither."""
    types = {type(value) for value in parameter.values}
    return list in types or len(types) > 1


def _spelled(parameter: Parameter, value: Value) -> Value:
    """Returns a value as KerasTuner holds it."""
    return _text(value) if _needs_texts(parameter) else value


def _text(value: Value) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _is_rounded(parameter: Parameter) -> bool:
    """Says whether KerasTuner, which adds up floats, misses some values of a stepped range (#1001)."""
    if parameter.kind is not Kind.FLOAT or parameter.step is None:
        return False
    low, high = parameter.bounds
    count = int((high - low) // parameter.step + 1)
    return [low + index * parameter.step for index in range(count)] != list(parameter.finite_values() or ())


def _rounding_note(parameter: Parameter) -> Lines:
    is_rounded = _is_rounded(parameter)
    return [f"# hp.Float with step={literal(parameter.step)} would miss some of these by rounding"] * is_rounded


def _stepped(parameter: Parameter) -> str | Lines:
    """Writes the exact decimals of a stepped range: one by one, or by their rule if there are many."""
    values: Sequence[Value] = parameter.finite_values() or ()
    if len(values) <= _FEW:
        return listed("[", values)
    low, step = literal(parameter.min), literal(parameter.step)
    digits = max(len(str(value).partition(".")[2]) for value in values)
    return f"[round({low} + {step} * index, {digits}) for index in range({len(values)})]"
