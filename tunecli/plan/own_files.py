"""Finds the user's own files that a spec names: for the plan by their content, for a study to copy them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.datasets.base import OptionError
from tunecli.datasets.python_function import DEFAULT_FUNCTION
from tunecli.errors import UsageError
from tunecli.families import FAMILIES
from tunecli.plan.bind import Report
from tunecli.plan.sources import CallbackPlan, CustomPlan, InitFromPlan, SourcePlan
from tunecli.spec.experiment import CUSTOM_FAMILY, CallbackSpec, ExperimentSpec
from tunecli.spec.faults import Loc
from tunecli.store.layout import StudyLayout

_PYTHON = "python"
"""The data set that a function returns."""


def custom_plan(spec: ExperimentSpec, folder: Path, report: Report) -> CustomPlan | None:
    """Returns what a spec says of a custom model; None for another family, or where a problem was reported."""
    model = spec.model
    if FAMILIES.canonical(model.family) != CUSTOM_FAMILY:
        for name in ("path", "build"):
            if getattr(model, name) is not None:
                report(("model", name), f"is read by family: {CUSTOM_FAMILY} alone", "drop it", at_key=True)
        return None
    if model.path is None:
        report(("model",), "family: custom needs the file that builds the model", "write path: my_model.py beside it")
        return None
    source = _source(_resolved(folder, model.path), ("model", "path"), "name a Python file", report)
    return None if source is None else CustomPlan(source=source, build=model.build)


def data_function(spec: ExperimentSpec, folder: Path) -> dict[str, str | None]:
    """Returns the options that name a function for data, by its file's content; none for other data.

    Raises:
        OptionError: The file is none, or cannot be read.
    """
    data = spec.dataset
    if DATASETS.canonical(data.name) != _PYTHON or data.path is None:
        return {}
    file, _, function = data.path.partition(".py:")
    path = _resolved(folder, f"{file}.py" if function else file)
    hint = "name a Python file and a function in it: path: my_data.py:load"
    if path.suffix != ".py" or not (function or DEFAULT_FUNCTION).isidentifier():
        raise OptionError("path", f"'{data.path}' is no function in a Python file", hint=hint)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OptionError("path", f"{path} cannot be read: {error.strerror}", hint=hint) from None
    return {
        "path": str(path),
        "function": function or DEFAULT_FUNCTION,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def callback_plans(callbacks: list[CallbackSpec], folder: Path, report: Report) -> tuple[CallbackPlan, ...]:
    """Returns the callbacks of a spec."""
    found = []
    for index, each in enumerate(callbacks):
        loc: Loc = ("training", "callbacks", index)
        source = _source(_resolved(folder, each.path), (*loc, "path"), "name a Python file", report)
        try:
            json.dumps(each.args)
        except (TypeError, ValueError):
            report((*loc, "args"), "hold something that is no plain value", "write numbers, texts, lists and blocks")
        if source is not None:
            found.append(CallbackPlan(source=source, name=each.class_, args=each.args))
    return tuple(found)


def init_from_plan(spec: ExperimentSpec, folder: Path, runs: Path, report: Report) -> InitFromPlan | None:
    """Returns the model that trials begin with; None without one, or where a problem was reported."""
    written = spec.model.init_from
    if written is None:
        return None
    path = _init_path(written, folder, runs)
    hint = "name a .keras file" if _is_file(written) else f"write its best model: tunecli retrain {written}"
    source = _source(path, ("model", "init_from"), hint, report)
    return None if source is None else InitFromPlan(source=source)


def originals(spec: ExperimentSpec, folder: Path, runs: Path) -> Iterator[Path]:
    """Yields where the user's files lie that a spec names."""
    if path := data_function(spec, folder).get("path"):
        yield Path(path)
    if spec.model.path is not None:
        yield _resolved(folder, spec.model.path)
    for each in spec.training.callbacks:
        yield _resolved(folder, each.path)
    if spec.model.init_from is not None:
        yield _init_path(spec.model.init_from, folder, runs)


def read_sources(spec: ExperimentSpec, folder: Path, runs: Path) -> dict[SourcePlan, bytes]:
    """Reads the user's files that a spec names.

    Raises:
        UsageError: One cannot be read.
    """
    found = {}
    for path in originals(spec, folder, runs):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from None
        found[SourcePlan(file=path.name, sha256=hashlib.sha256(content).hexdigest())] = content
    return found


def _resolved(folder: Path, written: str) -> Path:
    return (folder / Path(written).expanduser()).resolve()


def _is_file(written: str) -> bool:
    return written.endswith(".keras")


def _init_path(written: str, folder: Path, runs: Path) -> Path:
    """Returns the file that `init_from` names: by its path beside the spec, or as the best model of a study."""
    return _resolved(folder, written) if _is_file(written) else StudyLayout(runs / written).best.model


def _source(path: Path, loc: Loc, hint: str, report: Report) -> SourcePlan | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        report(loc, f"{path} does not exist", hint)
    except IsADirectoryError:
        report(loc, f"{path} is a folder", hint)
    except OSError as error:
        report(loc, f"{path} cannot be read: {error.strerror}", hint)
    else:
        return SourcePlan(file=path.name, sha256=hashlib.sha256(content).hexdigest())
    return None
