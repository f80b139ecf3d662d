"""Translates a search space and its values into KerasTuner's terms and back.

Whatever has a list of values (choices, booleans, lists of widths, stepped ranges, whole numbers) reaches KerasTuner as
a position in that list: types and order survive, a stepped float reaches its maximum (#1001), and `True` stays a
boolean. Continuous ranges and whole numbers searched by magnitude keep KerasTuner's own kinds. Fixed values are never
handed over.

    encoding = Encoding(plan.space)
    encoding.hyperparameters()                    # for an oracle
    encoding.decode({"optimizer": 1, "rate": 0.01})   # {"optimizer": "sgd", "rate": 0.01}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values, same

Encoded = dict[str, int | float]
"""Values in KerasTuner's terms."""


class Encoding:
    """A search space in KerasTuner's terms."""

    def __init__(self, space: SearchSpace) -> None:
        self._parameters = {parameter.name: parameter for parameter in space}
        self._lists = {parameter.name: _listed(parameter) for parameter in space}

    def hyperparameters(self) -> Any:
        """Returns the space as a `keras_tuner.HyperParameters`."""
        import keras_tuner

        found = keras_tuner.HyperParameters()
        for parameter in self._parameters.values():
            found.merge([self._hyperparameter(parameter)])
        return found

    def encode(self, values: Mapping[str, Value]) -> Encoded:
        """Returns valid `values` in KerasTuner's terms."""
        return {name: self._encode(self._parameters[name], value) for name, value in values.items()}

    def decode(self, encoded: Mapping[str, Any]) -> Values:
        """Returns KerasTuner's values in ours, in the order of the space; names that are not ours are left out.

        What rounding has carried over a bound is set back to it: KerasTuner's whole numbers by magnitude reach
        max + 1 where its models propose the upper bound, and powers of floats miss a bound by one bit.
        """
        return {name: self._decode(each, encoded[name]) for name, each in self._parameters.items() if name in encoded}

    def _hyperparameter(self, parameter: Parameter) -> Any:
        from keras_tuner.engine import hyperparameters as kinds

        name, listed = parameter.name, self._lists[parameter.name]
        default = None if parameter.default is None else self._encode(parameter, parameter.default)
        # conditions are handed over as objects, not as nested scopes, which fail on a parent that is named twice (#738)
        common = {"default": default, "conditions": self._conditions(parameter)}
        if listed is not None:
            return kinds.Int(name, 0, len(listed) - 1, **common)
        kind = kinds.Float if parameter.kind is Kind.FLOAT else kinds.Int
        return kind(name, *parameter.bounds, sampling="log" if parameter.log else "linear", **common)

    def _conditions(self, parameter: Parameter) -> list[Any]:
        from keras_tuner.src.engine.conditions import Parent

        return [
            Parent(each.parameter, [self._encode(self._parameters[each.parameter], value) for value in each.values])
            for each in parameter.when
        ]

    def _encode(self, parameter: Parameter, value: Value) -> int | float:
        listed = self._lists[parameter.name]
        if listed is None:
            number = cast(float, value)
            return float(number) if parameter.kind is Kind.FLOAT else int(number)
        if isinstance(listed, range):
            return listed.index(cast(int, value))
        return next(index for index, each in enumerate(listed) if same(each, value))

    def _decode(self, parameter: Parameter, encoded: Any) -> Value:
        listed = self._lists[parameter.name]
        if listed is not None:
            return listed[min(max(int(encoded), 0), len(listed) - 1)]
        low, high = parameter.bounds
        if parameter.kind is Kind.INT:
            return min(max(int(encoded), int(low)), int(high))
        return min(max(float(encoded), float(low)), float(high))  # float() also frees it from numpy


def _listed(parameter: Parameter) -> Sequence[Value] | None:
    """Returns the values that stand for positions, or None for a kind that KerasTuner handles itself."""
    return None if parameter.kind is Kind.INT and parameter.log else parameter.finite_values()
