"""Arrays that a function of the user's own returns: `path: file.py:load`.

    def load(folder, rows=1000):                 # args: {folder: …}
        return x, y                              # or a dict: {"x": x, "y": y, "x_test": …, "class_names": …}

What it returns is known only by calling it, and so it is called to describe the data too: in a process of its own,
and once for both. It runs from the content that the spec was bound to, or from the study's copy of that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tunecli.datasets.arrays import Given
from tunecli.datasets.base import DatasetOptions, Description, OptionError, RawData
from tunecli.datasets.columns import accept
from tunecli.datasets.own import OwnData
from tunecli.datasets.python_call import PROBLEM
from tunecli.errors import DataError
from tunecli.store.files import read_json

DEFAULT_FUNCTION = "load"

_PROGRAM = """
import sys
path = sys.argv[1:]
sys.path[:] = path
from tunecli.datasets.python_call import main
main()
"""


class PythonFunction(OwnData):
    """The data set that a function returns."""

    title = "What a Python function of yours returns: dataset.path, as file.py:function"
    shape = "as the arrays x and y"

    def describe(self, options: DatasetOptions) -> Description:
        """Calls the function, unless this process has called it before.

        Raises:
            OptionError: The function cannot be called, raises, or returns something else.
            DataError: It finds no data, or an array is not what it must be.
        """
        return _given(options).describe(options)

    def load(self, options: DatasetOptions) -> RawData:
        """Calls the function, unless this process has called it before.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or a value is none that can be learnt from.
        """
        return _given(options).load(options)


DATASET = PythonFunction()


@dataclass(frozen=True)
class _Call:
    """A call of a function; where its file lies makes it no other one.

    Attributes:
        path: The file.
        copy: The study's copy of it, to run in its place; or "".
        sha256: Of its content.
        function: The function in it.
        args: What it is called with, as JSON.
    """

    path: str = field(compare=False)
    copy: str = field(compare=False)
    sha256: str
    function: str
    args: str


def _given(options: DatasetOptions) -> Given:
    import numpy as np

    accept(options, "python", "path", "function", "args", "sha256", "kept", "task", "features")
    if options.path is None:
        raise OptionError("path", "python needs a file and a function", hint="write path: my_data.py:load")
    assert options.sha256 is not None, "a function's file is hashed when the spec is bound"
    function = options.function or DEFAULT_FUNCTION
    folder = _call(_Call(options.path, options.kept or "", options.sha256, function, options.args or "{}"))
    arrays = {each.stem: np.load(each, mmap_mode="r", allow_pickle=False) for each in Path(folder.name).glob("*.npy")}
    return Given(where=f"{options.path}:{function}", **arrays)


@lru_cache(maxsize=1)
def _call(call: _Call) -> tempfile.TemporaryDirectory[str]:
    """Calls a function, once; returns the folder of its arrays, which lasts as long as someone holds it.

    Raises:
        OptionError: It cannot be called, raises, or returns something else.
        DataError: It finds no data, or what it returns is none.
    """
    folder = tempfile.TemporaryDirectory(prefix="tunecli-data-")
    request = {
        "path": call.path,
        "copy": call.copy,
        "sha256": call.sha256,
        "function": call.function,
        "args": json.loads(call.args),
        "folder": folder.name,
    }
    # without the working folder before all others, where any file may be called like a module
    command = [sys.executable, "-P", "-c", _PROGRAM, *sys.path]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    done = subprocess.run(command, input=json.dumps(request), text=True, stdout=2, env=environment, check=False)
    problem = Path(folder.name, PROBLEM)
    if problem.exists():
        found = read_json(problem)
        if found["is_of_data"]:
            raise DataError(found["what"], where=found["where"], hint=found["hint"])
        raise OptionError("path", f"{found['where']}: {found['what']}", hint=found["hint"])
    if done.returncode != 0:
        ended = f"by signal {-done.returncode}" if done.returncode < 0 else f"with exit code {done.returncode}"
        hint = f"run it by itself: python {call.path}"
        raise OptionError("path", f"{call.path}: the process that calls {call.function} ended {ended}", hint=hint)
    return folder
