"""Runs a user's own Python file, and puts what it raises into words that point at its line."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tunecli.errors import UsageError
from tunecli.registry import did_you_mean


def load_module(path: Path, *, copy: Path | None = None) -> ModuleType:
    """Runs a Python file as a module of its own, once in a process for each content.

    Its folder is not searched for other modules: trials run from a copy of the one file.

    Args:
        path: The file; what the module takes for its place.
        copy: Where to read it instead, or None.

    Raises:
        UsageError: It cannot be read, is no Python, or raises.
    """
    try:
        content = (copy or path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(copy or path)) from None
    name = f"tunecli_user_{hashlib.sha256(content).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # where pickle, dataclasses and Keras look for what is defined in it
    try:
        with in_words(path, "cannot be imported"):
            exec(compile(content, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def named(module: ModuleType, name: str) -> Any:
    """Returns what a module defines under a name.

    Raises:
        UsageError: It has nothing of this name.
    """
    if not hasattr(module, name):
        own = [each for each, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        hint = did_you_mean(name, own) if own else "define it at the top level of the file"
        raise UsageError(f"defines no '{name}'", where=str(module.__file__), hint=hint)
    return getattr(module, name)


@contextmanager
def in_words(path: Path, what: str) -> Iterator[None]:
    """Turns what a user's code raises into an error that names its line.

    Args:
        path: The file.
        what: What has failed, such as 'build raises'.

    Raises:
        UsageError: The code has raised, or tried to end the program.
    """
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        cause = f"{what}: {type(error).__name__}" + (f": {text}" if text else "")
        hint = _HINTS.get(type(error).__name__, "")
        raise UsageError(cause, where=_place(path, error), hint=hint) from error


_HINTS = {
    "ModuleNotFoundError": "install it; files beside this one are not found, since trials run from a copy of it alone"
}


def _place(path: Path, error: BaseException) -> str:
    """Returns the last line of the file that an error went through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
