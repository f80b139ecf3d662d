"""The spec that was searched: that of a study, with what the command line overrode, and paths that hold elsewhere.

A study keeps `spec.yaml` as the file was, and in `plan.json` what came of it and of `--set`; so what differs is written
into a copy of the spec, until both come to one plan.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunecli.errors import UsageError
from tunecli.plan import Plan, resolve
from tunecli.plan.sources import Discovered, SourcePlan
from tunecli.plan.space_limits import space_limits
from tunecli.reports.space.advice import spec_name
from tunecli.reports.space.ranges import entry
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.load import SpecFile, parse
from tunecli.spec.overrides import SHORTHANDS
from tunecli.spec.rewrite import KeyPath, parameter_path, remove, set_value
from tunecli.spec.space import Kind, Parameter
from tunecli.spec.yaml12 import compose, plain
from tunecli.store.run import Run

_GONE = object()
"""In place of a value: the key is to be removed."""

Assignment = tuple[KeyPath, Any]


@dataclass(frozen=True)
class SearchedSpec:
    """A study's spec in another place.

    Attributes:
        text: The spec.
        restored: What the command line had overridden, as `path: spec.yaml → plan`.
    """

    text: str
    restored: tuple[str, ...]


def searched_spec(run: Run, plan: Plan, path: Path, runs: Path) -> SearchedSpec:
    """Returns the spec that comes to a study's plan, for another file.

    Args:
        run: The study.
        plan: Its plan.
        path: The file; relative paths are written so that they hold from there.
        runs: The folder of the studies.

    Raises:
        UsageError: The plan says what no edit of the spec can.
        DataError: The data are missing or damaged.
    """
    text = run.layout.spec.read_text(encoding="utf-8")
    spec = parse(text, run.layout.spec).spec
    for place, value in _moved_paths(spec, plan, run, path.parent):
        text = _assigned(text, place, value, path)
    written = resolve_as(plan, parse(text, path), runs)
    overridden = _overridden(written, plan)
    if not overridden:
        return SearchedSpec(text, ())
    for place, value in _assignments(text, written, plan, path):
        text = _assigned(text, place, value, path)
    if remaining := _overridden(resolve_as(plan, parse(text, path), runs), plan):
        raise UsageError(
            f"was searched with overrides that cannot be written into its spec: {'; '.join(remaining)}",
            where=str(run.path),
            hint=f"change a copy of {run.layout.spec} by hand: tunecli show {run.name} has the advice",
        )
    return SearchedSpec(text, tuple(overridden))


def resolve_as(plan: Plan, file: SpecFile, runs: Path) -> Plan:
    """Resolves a spec like that of a plan; what the user's own code declares is taken from there.

    Raises:
        SpecError: Something in it has no meaning.
        DataError: A file that must be looked into is missing or cannot be read.
    """
    if plan.custom is None:
        return resolve(file, runs=runs)
    shared = {each.name for each in plan.hyperparameters()}
    own = [
        Parameter(name=name, kind=Kind.CHOICE, values=(value,))
        for name, value in plan.fixed.items()
        if name not in shared
    ]
    searched = [each for each in plan.space if each.name not in shared]
    return resolve(file, runs=runs, discovered=Discovered(parameters=(*own, *searched)))


def _moved_paths(spec: ExperimentSpec, plan: Plan, run: Run, folder: Path) -> Iterator[Assignment]:
    """Yields the paths that do not lead to the same file from another folder."""
    for name in ("path", "validation_path", "test_path"):
        written, known = getattr(spec.dataset, name), getattr(plan.dataset.options, name)
        if known is None:
            continue
        file, colon, function = (written or "").partition(".py:")  # of the data set `python`
        file = f"{file}.py" if colon else file
        if written is None or (folder / Path(file).expanduser()).resolve() != Path(known):
            yield ("dataset", name), _from(folder, Path(known), file) + (f":{function}" if colon else "")
    if plan.custom is not None and spec.model.path is not None:
        yield from _moved_source(("model", "path"), spec.model.path, plan.custom.source, run, folder)
    if plan.init_from is not None and (spec.model.init_from or "").endswith(".keras"):
        assert spec.model.init_from is not None, "it ends with .keras"
        yield from _moved_source(("model", "init_from"), spec.model.init_from, plan.init_from.source, run, folder)
    moved = [
        next((str(path) for _, path in _moved_source((), each.path, known.source, run, folder)), each.path)
        for each, known in zip(spec.training.callbacks, plan.callbacks, strict=False)
    ]
    # of callbacks that were overridden, no path is known
    if len(spec.training.callbacks) == len(plan.callbacks) and moved != [each.path for each in spec.training.callbacks]:
        kept = [each.model_dump(by_alias=True, exclude_unset=True) for each in spec.training.callbacks]
        callbacks = [{**each, "path": path} for each, path in zip(kept, moved, strict=True)]
        yield ("training", "callbacks"), callbacks


def _moved_source(place: KeyPath, written: str, source: SourcePlan, run: Run, folder: Path) -> Iterator[Assignment]:
    """Yields the study's copy of a file of the user's, where the file is not to be found as it was."""
    here = (folder / Path(written).expanduser()).resolve()
    if here.is_file() and hashlib.sha256(here.read_bytes()).hexdigest() == source.sha256:
        return
    yield place, _from(folder, source.within(run.layout.sources).resolve(), written)


def _from(folder: Path, target: Path, written: str) -> str:
    """Returns a path to a file: relative to a folder, unless it was written as an absolute one or not at all."""
    is_relative = bool(written) and not Path(written).expanduser().is_absolute()
    return Path(os.path.relpath(target, folder.resolve())).as_posix() if is_relative else str(target)


def _overridden(written: Plan, plan: Plan) -> list[str]:
    """Returns what a plan says otherwise than a spec, but for its name and what its machine may use."""
    found = written.differences(plan)
    if written.limit != plan.limit:
        found.append(f"tuner: {written.limit or 'all'} trials → {plan.limit or 'all'}")
    if written.stop_when != plan.stop_when:
        found.append("stop_when and objective.target: as searched")
    return found


def _assignments(text: str, written: Plan, plan: Plan, path: Path) -> Iterator[Assignment]:
    """Yields what brings a spec to a plan."""
    if written.seed != plan.seed:
        yield ("seed",), plan.seed
    for name in ("validation", "test", "split_seed", "max_rows"):
        if (value := getattr(plan.dataset, name)) != getattr(written.dataset, name):
            yield ("dataset", name), _GONE if value is None else value
    if written.objective != plan.objective or written.stop_when.target != plan.stop_when.target:
        target = {} if plan.stop_when.target is None else {"target": plan.stop_when.target}
        yield ("objective",), {**plan.objective.model_dump(mode="json"), **target}
    if written.stop_when.no_gain != plan.stop_when.no_gain:
        yield ("stop_when", "no_gain"), _GONE if plan.stop_when.no_gain is None else plan.stop_when.no_gain
    yield from _space_assignments(text, written, plan, path)
    yield from _training_assignments(written, plan)
    if written.tuner != plan.tuner:
        options = plan.tuner.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude={*plan.derived})
        yield ("tuner",), {"name": plan.tuner.name, **options}
    if written.evaluation != plan.evaluation:
        kept = plan.evaluation
        yield ("evaluation",), _GONE if kept is None else kept.model_dump(mode="json", exclude_defaults=True)


def _training_assignments(written: Plan, plan: Plan) -> Iterator[Assignment]:
    ours, theirs = written.training, plan.training
    is_scipy = theirs.method is not None
    for name in ("epochs", "shuffle", "engine", "method", "precision", "early_stopping"):
        value = getattr(theirs, name)
        if value == getattr(ours, name) or (is_scipy and name in ("shuffle", "precision")):
            continue
        if name == "early_stopping" and value is not None:
            value = value.model_dump(mode="json")
        key = "max_iterations" if is_scipy and name == "epochs" else name
        yield ("training", key), _GONE if value is None else value


def _space_assignments(text: str, written: Plan, plan: Plan, path: Path) -> Iterator[Assignment]:
    """Yields the parameters that are searched or fixed otherwise."""
    limits = space_limits(plan)
    theirs = {**plan.fixed, **{each.name: each for each in plan.space}}
    ours = {**written.fixed, **{each.name: each for each in written.space}}
    done = set()
    for name in dict.fromkeys([*theirs, *ours]):
        value = theirs.get(name, _GONE)
        if name in ours and value == ours[name]:
            continue
        stated = theirs.get(name, ours.get(name))
        called = spec_name(stated, limits) if isinstance(stated, Parameter) else name
        if called in done:
            continue
        done.add(called)
        if isinstance(value, Parameter):
            value = entry(value, counter=limits[called].counter if called != name else "")
        elif isinstance(value, list):
            value = {"layers": value}
        is_other_layers = called != name and any(spec_name(each, limits) == called for each in plan.space)
        if value is _GONE and is_other_layers:
            continue  # fewer layers than in the spec
        block = "search_space" if isinstance(theirs.get(name), Parameter) else "model"
        yield parameter_path(text, called, source=str(path)) or (block, called), value


def _assigned(text: str, place: KeyPath, value: Any, path: Path) -> str:
    """Returns the text with a value put in place, also below what is written as one word."""
    word = written_at(text, place[:1])
    if value is _GONE:
        return text if written_at(text, place) is None else remove(text, place, source=str(path))
    if len(place) > 1 and isinstance(word, str):
        return set_value(text, place[:1], {SHORTHANDS[place[0]]: word, place[1]: value}, source=str(path))
    return set_value(text, place, value, source=str(path))


def written_at(text: str, place: KeyPath) -> Any:
    """Returns what a text that can be read says at some keys; None where it says nothing."""
    root, _ = compose(text, source="")
    data = None if root is None else plain(root)
    for key in place:
        data = data.get(key) if isinstance(data, dict) else None
    return data
