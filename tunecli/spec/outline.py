"""How the parameters of a spec relate: names that stand in two blocks, and what conditions name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tunecli.registry import did_you_mean
from tunecli.spec.faults import Fault

if TYPE_CHECKING:
    from tunecli.spec.experiment import ExperimentSpec


MODEL_FIELDS = frozenset({"family", "wide", "deep", "path", "build", "init_from", "initial_weights", "initial_bias"})
"""What stands in `model:` beside hyperparameters."""


class Outline:
    """The names of a spec's parameters and of those that their conditions name: enough to check how they relate.

    It can be read from a spec that is not valid elsewhere, so that all faults of a file are found at once.

    Args:
        blocks: For each block (`model`, `search_space`) the names that each of its parameters' conditions name.
        batch_size: Whether `training.batch_size` is given.
    """

    def __init__(self, blocks: Mapping[str, Mapping[str, tuple[str, ...]]], *, batch_size: bool) -> None:
        self._blocks = blocks
        self._has_batch_size = batch_size
        self._parents = {name: parents for block in blocks.values() for name, parents in block.items()}

    @classmethod
    def of(cls, spec: ExperimentSpec) -> Outline:
        """Reads a valid spec."""
        blocks = {"model": spec.model.parameters, "search_space": spec.search_space}
        parents = {
            block: {name: tuple(parameter.when) for name, parameter in parameters.items()}
            for block, parameters in blocks.items()
        }
        return cls(parents, batch_size=spec.training.batch_size is not None)

    @classmethod
    def of_written(cls, data: Mapping[str, Any]) -> Outline:
        """Reads what was written, as far as it can be made out."""
        model = {name: value for name, value in _mapping(data.get("model")).items() if name not in MODEL_FIELDS}
        blocks = {"model": model, "search_space": _mapping(data.get("search_space"))}
        parents = {
            block: {name: tuple(_mapping(_mapping(value).get("when"))) for name, value in parameters.items()}
            for block, parameters in blocks.items()
        }
        return cls(parents, batch_size=_mapping(data.get("training")).get("batch_size") is not None)

    def faults(self) -> list[Fault]:
        """Returns names that stand in two blocks, and conditions on unknown or later parameters or on themselves."""
        return [*self._names_in_two_blocks(), *self._condition_faults()]

    def _names_in_two_blocks(self) -> Iterator[Fault]:
        for name in self._blocks["search_space"]:
            if name in self._blocks["model"]:
                yield ("search_space", name), "stands in model: too", "keep one of the two"
        for block, parameters in self._blocks.items():
            if self._has_batch_size and "batch_size" in parameters:
                yield ("training", "batch_size"), f"stands in {block}: too", "keep one of the two"

    def _condition_faults(self) -> Iterator[Fault]:
        known = [*(["batch_size"] if self._has_batch_size else []), *self._parents]
        for block, parameters in self._blocks.items():
            for name, parents in parameters.items():
                for parent in parents:
                    loc = (block, name, "when", parent)
                    if parent not in known:
                        hint = did_you_mean(parent, [each for each in known if each != name])
                        yield loc, f"no parameter is called '{parent}'", hint
                    elif cycle := self._cycle(name, parent):
                        yield loc, f"the conditions go in a circle: {' → '.join(cycle)}", "drop one of them"
                    elif known.index(parent) > known.index(name):
                        yield loc, f"'{parent}' is declared later", self._way_up(parent, name, block)

    def _way_up(self, parent: str, name: str, block: str) -> str:
        is_beside = parent in self._blocks[block]
        return f"move {parent} above {name}" if is_beside else f"move {name} to search_space:, below {parent}"

    def _cycle(self, name: str, parent: str) -> list[str] | None:
        """Returns the way from `name` over `parent` back to `name`, or None."""
        ways, seen = [[name, parent]], set[str]()
        while ways:
            way = ways.pop()
            if way[-1] == name:
                return way
            if way[-1] not in seen:
                seen.add(way[-1])
                ways += [[*way, each] for each in self._parents.get(way[-1], ())]
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
