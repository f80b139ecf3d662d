"""The next search: a copy of a study's spec, with the ranges that its trials ask for.

    refined = refine(run, snapshot, Path("next.yaml"), runs)
    refined.text, refined.edits, refined.left

Every change is tried by itself: what the spec would not be valid with is left out, and said. The spec is the one that
was searched: where the command line overrode `spec.yaml`, the study's plan has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tunecli.errors import StudyError, TunecliError
from tunecli.plan import Plan
from tunecli.plan.space_limits import space_limits
from tunecli.reports.space.advice import changed, merged, space_advice, spec_name
from tunecli.reports.space.findings import Advice, AdviceKind, Change
from tunecli.reports.space.ranges import End, Limits, entry
from tunecli.spec.load import parse
from tunecli.spec.rewrite import KeyPath, as_written, parameter_path, remove, set_value
from tunecli.spec.space import Kind, Parameter, show_value
from tunecli.store.files import DAMAGE_HINT
from tunecli.store.run import Run
from tunecli.study.snapshot import Snapshot
from tunecli.tools.searched_spec import resolve_as, searched_spec, written_at


@dataclass(frozen=True)
class Edit:
    """One parameter that the next search treats otherwise.

    Attributes:
        parameter: Its name in the spec.
        before: What was searched, in words.
        after: What will be.
        why: The findings that ask for it.
    """

    parameter: str
    before: str
    after: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Left:
    """A change that was not made.

    Attributes:
        parameter: The parameter's name in the spec.
        after: What it would have become, in words.
        why: What speaks against it.
    """

    parameter: str
    after: str
    why: str


@dataclass(frozen=True)
class Refinement:
    """What came of a study's advice.

    Attributes:
        name: The next study.
        text: Its spec; as it was, under the new name, where there are no edits.
        edits: What has changed.
        left: What was not changed though it was advised.
        fixable: Parameters that made no difference, and stay searched.
        restored: What the command line of the search had overridden, and is in the text now.
    """

    name: str
    text: str
    edits: tuple[Edit, ...]
    left: tuple[Left, ...]
    fixable: tuple[str, ...]
    restored: tuple[str, ...]


def refine(run: Run, snapshot: Snapshot, path: Path, runs: Path, *, fix: bool = False) -> Refinement:
    """Writes the spec of the search that follows a study.

    Args:
        run: The study.
        snapshot: How it stands.
        path: Where the spec is to stand; paths in it begin there.
        runs: The folder of the studies.
        fix: Whether to fix what made no difference, at the winner's value.

    Raises:
        StudyError: A file of the study is missing or damaged.
        UsageError: What was searched cannot be written as a spec.
    """
    if not run.layout.spec.exists():
        raise StudyError("is missing", where=str(run.layout.spec), hint=DAMAGE_HINT)
    plan = Plan.of(run)
    limits = space_limits(plan)
    as_searched = searched_spec(run, plan, path, runs)
    work = _Work(plan, limits, path, runs, as_searched.text)
    told = space_advice(snapshot, plan.model_dump(mode="json"), limits=limits)
    spaces = [each for each in told if each.kind is not AdviceKind.NO_EFFECT]
    idle = [each for each in told if each.kind is AdviceKind.NO_EFFECT]
    for chosen in (spaces, idle if fix else []):
        for name, change, why in _by_parameter(chosen):
            work.apply(name, change, why)
    name = _next_name(plan.name, runs)
    return Refinement(
        name=name,
        text=set_value(work.text, ("name",), name, source=str(path)),
        edits=tuple(work.edits),
        left=tuple(work.left),
        fixable=() if fix else tuple(each.parameters[0] for each in idle if each.change is not None),
        restored=as_searched.restored,
    )


def _by_parameter(told: Sequence[Advice]) -> Iterator[tuple[str, Change, tuple[str, ...]]]:
    """Yields each parameter with all that is to be changed of it, and why."""
    with_changes = [(each.parameters[0], each.change, each.text) for each in told if each.change is not None]
    for name in dict.fromkeys(name for name, _, _ in with_changes):
        together = Change()
        for other, change, _ in with_changes:
            together = merged(together, change) if other == name else together
        yield name, together, tuple(text for other, _, text in with_changes if other == name)


def _next_name(name: str, runs: Path) -> str:
    """Returns `study-2` for `study`, and `study-3` for that; the first that no study has."""
    stem, dash, number = name.rpartition("-")
    is_numbered = bool(dash) and number.isdecimal() and len(number) < 3  # else a year, or a date
    first = int(number) + 1 if is_numbered else 2
    names = (f"{stem if is_numbered else name}-{each}" for each in count(first))
    return next(each for each in names if not Run(runs / each).exists())


class _Work:
    """A text on the way to the next spec; each change is made wholly, or not at all."""

    def __init__(self, plan: Plan, limits: Mapping[str, Limits], path: Path, runs: Path, text: str) -> None:
        self.text = text
        self.edits: list[Edit] = []
        self.left: list[Left] = []
        self._plan, self._limits, self._path, self._runs = plan, limits, path, runs
        self._dropped: set[str] = set()

    def apply(self, name: str, change: Change, why: tuple[str, ...]) -> None:
        """Changes a parameter, and drops what is read only beside what it no longer is."""
        if name in self._dropped:
            return
        parameter = next(each for each in self._plan.space if spec_name(each, self._limits) == name)
        after = changed(parameter, change)
        draft = _Draft(self.text, str(self._path))
        try:
            draft.change(name, parameter, after)
            gone = list(self._drop_unreachable(draft, name, after))
            self._check(draft.text)
        except TunecliError as error:
            self.left.append(Left(name, _in_words(after), error.problems[0].what))
            return
        self.text = draft.text
        self._dropped |= {each.parameter for each in gone}
        self.edits = [each for each in self.edits if each.parameter not in self._dropped]
        self.edits += [Edit(name, parameter.describe(), _in_words(after), why), *gone]

    def _drop_unreachable(self, draft: _Draft, name: str, after: Parameter) -> Iterator[Edit]:
        """Removes the parameters whose condition on another can no longer hold, and narrows the others' conditions."""
        for other in self._plan.space:
            conditions = [each for each in other.when if each.parameter == name]
            if not conditions or spec_name(other, self._limits) != other.name or other.name in self._dropped:
                continue
            left = [value for value in conditions[0].values if after.contains(value)]
            if len(left) == len(conditions[0].values):
                continue
            if left:
                draft.narrow_condition(other.name, name, left)
                continue
            draft.drop(other.name)
            yield Edit(other.name, other.describe(), "dropped", (f"read only beside another value of {name}",))
            nothing = Parameter(name=other.name, kind=Kind.CHOICE)
            yield from self._drop_unreachable(draft, other.name, nothing)

    def _check(self, text: str) -> None:
        """Makes sure that a text can be searched.

        Raises:
            TunecliError: It cannot; says why.
        """
        plan = resolve_as(self._plan, parse(text, self._path), self._runs)
        if not len(plan.space):
            raise StudyError("nothing would be left to search")


class _Draft:
    """A text in which one parameter is being changed.

    Args:
        text: The spec so far.
        source: Its name in messages.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self._source = source

    def change(self, name: str, before: Parameter, after: Parameter) -> None:
        """Writes what becomes of a parameter, key by key where it stays what it is."""
        place = parameter_path(self.text, name, source=self._source)
        if place is None:  # declared by the user's own code, which keeps its conditions
            self._set(("search_space", name), entry(after.model_copy(update={"when": ()})))
            return
        written = written_at(self.text, place)
        if after.kind is not Kind.CHOICE:
            for end in End:
                if getattr(before, end) != getattr(after, end):
                    self._set(self._spelled(*place, end.value), getattr(after, end))
        elif isinstance(written, Mapping) and len(after.values) > 1:
            key = "layers" if "layers" in written else "values"
            self._set(self._spelled(*place, key), list(after.values))
        else:
            fixed = entry(after.model_copy(update={"when": ()}))
            is_conditional = isinstance(written, Mapping) and "when" in written
            self._set(place, {**_fixed(after), "when": written["when"]} if is_conditional else fixed)
            return
        if isinstance(written, Mapping) and "default" in written and after.default is None:
            self.text = remove(self.text, (*place, "default"), source=self._source)

    def narrow_condition(self, name: str, parent: str, values: list[Any]) -> None:
        """Writes the values of another parameter under which one is searched, where its entry has such a condition."""
        place = parameter_path(self.text, name, source=self._source)
        written = None if place is None else written_at(self.text, place)
        if place is not None and isinstance(written, Mapping) and parent in written.get("when", {}):
            self._set((*place, "when", parent), values[0] if len(values) == 1 else values)

    def drop(self, name: str) -> None:
        """Removes a parameter, where the text has it."""
        place = parameter_path(self.text, name, source=self._source)
        if place is not None:
            self.text = remove(self.text, place, source=self._source)

    def _spelled(self, *path: str) -> KeyPath:
        return as_written(self.text, path, source=self._source)

    def _set(self, path: KeyPath, value: Any) -> None:
        self.text = set_value(self.text, path, value, source=self._source)


def _fixed(parameter: Parameter) -> dict[str, Any]:
    """Returns the keys that say a parameter's one value."""
    (value,) = parameter.values
    return {"layers" if isinstance(value, list) else "value": value}


def _in_words(parameter: Parameter) -> str:
    return show_value(parameter.values[0]) if len(parameter.values) == 1 else parameter.describe()
