"""Calls a user's function for its data, in a process of its own: runs nowhere else.

    python -c '… main()' < request       # {"path": …, "copy": …, "sha256": …, "function": …, "args": …, "folder": …}
    folder/x.npy  folder/y.npy …         # what it returned; or folder/problem.json: why not

Whatever the function imports, prints or breaks, breaks nothing of the search. What it prints goes to stderr.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import DataError, TunecliError, UsageError
from tunecli.registry import did_you_mean
from tunecli.store.files import write_json
from tunecli.user_code import in_words, load_module, named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROBLEM = "problem.json"

_OWN_PARTS = ("x_validation", "y_validation", "x_test", "y_test")

ROLES = ("x", "y", *_OWN_PARTS, "feature_names", "class_names", "sample_weight", "groups")
"""The arrays that a function may return."""

_FORMS = "return (x, y), ((x, y), (x_test, y_test)), or a dict of x, y and more"


def main() -> None:
    """Calls the function that a request on stdin names, and writes what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this process
    request = json.load(sys.stdin)
    os.dup2(2, 1)
    folder = Path(request["folder"])
    try:
        write_arrays(folder, _arrays(request))
    except TunecliError as error:
        write_json(folder / PROBLEM, {**asdict(error.problems[0]), "is_of_data": isinstance(error, DataError)})


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays that hold no Python objects, each to a file of its name."""
    import numpy as np

    for role, array in arrays.items():
        np.save(folder / f"{role}.npy", array, allow_pickle=False)


def _arrays(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Calls the function.

    Raises:
        UsageError: The file has no such function, or it raises, or returns something else.
        DataError: The file has changed, or the function finds no data.
    """
    path, function = Path(request["path"]), request["function"]
    copy = Path(request["copy"]) if request["copy"] else None
    try:
        if hashlib.sha256((copy or path).read_bytes()).hexdigest() != request["sha256"]:
            what = "is not the file that the study was begun with"
            raise DataError(what, where=str(copy or path), hint="put the old one back, or start anew with --fresh")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(copy or path)) from error
    found = named(load_module(path, copy=copy), function)
    if not callable(found):
        raise UsageError(f"{function} is no function", where=str(path), hint="name one: path: file.py:load")
    try:
        with in_words(path, f"{function} raises"):
            returned = found(**request["args"])
    except UsageError as error:
        if isinstance(error.__cause__, OSError):
            problem = error.problems[0]
            raise DataError(problem.what, where=problem.where, hint=problem.hint) from error
        raise
    return {role: _plain(role, each, path) for role, each in _by_role(returned, function, path).items()}


def _by_role(returned: Any, function: str, path: Path) -> dict[str, Any]:
    """Returns what a function has returned, by what each part is.

    Raises:
        UsageError: It is something else.
    """
    if isinstance(returned, Mapping):
        given = {role: each for role, each in returned.items() if each is not None}
        if unknown := [role for role in given if role not in ROLES]:
            what = f"{function} returns a dict with '{unknown[0]}'"
            raise UsageError(what, where=str(path), hint=did_you_mean(str(unknown[0]), ROLES))
    elif isinstance(returned, tuple | list) and len(returned) == 2:
        first, second = returned
        if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second) == 2:
            given = dict(zip(("x", "y", "x_test", "y_test"), (*first, *second), strict=True))
        else:
            given = {"x": first, "y": second}
    else:
        kind = "None" if returned is None else f"a value of type {type(returned).__name__}"
        raise UsageError(f"{function} returns {kind}", where=str(path), hint=_FORMS)
    if missing := [role for role in ("x", "y") if role not in given]:
        raise UsageError(f"{function} returns no {missing[0]}", where=str(path), hint=_FORMS)
    x = given["x"]
    if "feature_names" not in given and hasattr(x, "columns") and hasattr(x, "to_numpy"):
        given["feature_names"] = [str(name) for name in x.columns]  # a data frame's
    return given


def _plain(role: str, value: Any, path: Path) -> NDArray[Any]:
    """Returns an array that can be written without pickling.

    Raises:
        DataError: It holds Python objects.
    """
    import numpy as np

    array: np.ndarray[Any, Any]
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(f"{role} is no array: {error}", where=str(path), hint="give all rows one length") from error
    if array.dtype.kind == "T" or (array.dtype.hasobject and all(isinstance(each, str) for each in array.flat)):
        array = array.astype("U")
    if array.dtype.hasobject:
        kinds = sorted({type(each).__name__ for each in array.flat})[:4]
        hint = "give numbers, or texts alone; rows of one length; NaN where a number is missing"
        raise DataError(f"{role} holds Python objects: {', '.join(kinds)}", where=str(path), hint=hint)
    return array
