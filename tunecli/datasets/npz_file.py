"""Arrays of the user's own, from a `.npz` file of NumPy's: `x` and `y`, or what keras.datasets calls its arrays.

Nothing in it is ever unpickled. To describe it the inputs stay packed: their headers say enough.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tunecli.datasets.arrays import Form, Given
from tunecli.datasets.base import PLACE_HINT, DatasetOptions, Description, OptionError, RawData
from tunecli.datasets.columns import accept
from tunecli.datasets.memory import check_memory
from tunecli.datasets.own import OwnData
from tunecli.errors import DataError
from tunecli.registry import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OWN_PARTS = ("x_validation", "y_validation", "x_test", "y_test")

_USUAL = {"x": ("x", "x_train"), "y": ("y", "y_train"), **{role: (role,) for role in _OWN_PARTS}}
"""The names that arrays have where the spec names none."""

_INPUTS = ("x", "x_validation", "x_test")
"""Those that stay packed while the data are described."""

_MEMBER = ".npy"


class NpzFile(OwnData):
    """The data set that `path` names."""

    title = "Arrays of yours in a .npz file: dataset.path"
    shape = "as the arrays x and y"

    def describe(self, options: DatasetOptions) -> Description:
        """Reads the headers of the arrays, and the target.

        Raises:
            OptionError: No path is given, or an array or a feature does not exist.
            DataError: The file is missing or damaged, or an array is not what it must be.
        """
        archive = _open(options)
        roles = archive.roles(options)
        read = {role: archive.read(name) for role, name in roles.items() if role not in _INPUTS}
        return _given(archive, roles, {**read, **_forms(archive, roles)}).describe(options)

    def load(self, options: DatasetOptions) -> RawData:
        """Reads the arrays.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or a value is none that can be learnt from.
        """
        archive = _open(options)
        roles = archive.roles(options)
        return _given(archive, roles, {role: archive.read(name) for role, name in roles.items()}).load(options)


DATASET = NpzFile()


@dataclass(frozen=True)
class _Archive:
    """A `.npz` file.

    Attributes:
        path: The file.
        forms: What its arrays are, by their names.
    """

    path: Path
    forms: Mapping[str, Form]

    def roles(self, options: DatasetOptions) -> dict[str, str]:
        """Returns the name of the array in each role that there is one for.

        Raises:
            OptionError: An array that is needed or asked for is not there.
        """
        asked = {} if options.arrays is None else options.arrays.model_dump(exclude_none=True)
        asked |= {"sample_weight": options.sample_weight, "groups": options.group}
        roles = {}
        for role, name in asked.items():
            if name is not None:
                field = {"sample_weight": "sample_weight", "groups": "group"}.get(role, "arrays")
                roles[role] = self._found(name, field)
        for role, usual in _USUAL.items():
            name = next((name for name in usual if name in self.forms), None)
            if role not in roles and name is not None:
                roles[role] = name
        for role in ("x", "y"):
            if role not in roles:
                what = f"{self.path} has no array '{role}'"
                hint = f"write arrays: {{x: …, y: …}}; {self._in_words()}"
                raise OptionError("path" if options.arrays is None else "arrays", what, hint=hint)
        names = ("feature_names", "class_names")
        return {**roles, **{role: role for role in names if role in self.forms and role not in roles.values()}}

    def read(self, name: str) -> NDArray[Any]:
        """Reads an array.

        Raises:
            DataError: It is damaged, larger than this machine's memory, or would have to be unpickled.
        """
        import numpy as np

        form = self.forms[name]
        if form.dtype.hasobject:
            what = f"'{name}' holds Python objects, which only a pickle can: it is not opened"
            raise DataError(what, where=str(self.path), hint="save numbers, or texts as np.array([…], dtype='U')")
        check_memory(math.prod(form.shape) * form.dtype.itemsize, f"'{name}'", where=str(self.path))
        with _damage_named(self.path), np.load(self.path, allow_pickle=False) as arrays:
            return cast("NDArray[Any]", arrays[name])

    def _found(self, wanted: str, field: str) -> str:
        if wanted in self.forms:
            return wanted
        match = nearest(wanted, self.forms)
        guess = f"did you mean '{match}'? " if match else ""
        raise OptionError(field, f"{self.path} has no array '{wanted}'", hint=f"{guess}{self._in_words()}")

    def _in_words(self) -> str:
        return f"it has {', '.join(self.forms)}" if self.forms else "it is empty"


def _open(options: DatasetOptions) -> _Archive:
    """Reads the headers of all arrays.

    Raises:
        OptionError: No path is given, or an option that only a table has.
        DataError: The file is missing or damaged.
    """
    accept(options, "npz", "path", "task", "features", "sample_weight", "group", "arrays")
    if options.path is None:
        raise OptionError("path", "npz needs the path of a file", hint="write dataset.path")
    return _Archive(Path(options.path), read_forms(Path(options.path)))


def read_forms(path: Path) -> dict[str, Form]:
    """Returns what the arrays of a file are, by their names.

    Raises:
        DataError: The file is missing or damaged.
    """
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(_MEMBER)]
        return {name.removesuffix(_MEMBER): _form(archive, name) for name in names}


def _form(archive: zipfile.ZipFile, name: str) -> Form:
    """Reads the header of an array.

    Raises:
        ValueError: It is none, or says another size than the file has.
    """
    from numpy.lib import format as npy

    with archive.open(name) as member:
        file = cast(BinaryIO, member)
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        version = npy.read_magic(file)
        if version not in readers:
            raise ValueError(f"{name} has fields, or is of a version that is not known")
        shape, _, dtype = readers[version](file)
        size_bytes = math.prod(shape) * dtype.itemsize
        if not dtype.hasobject and file.tell() + size_bytes != archive.getinfo(name).file_size:
            raise ValueError(f"{name} is not as long as its header says")
    return Form(shape, dtype)


def _forms(archive: _Archive, roles: Mapping[str, str]) -> dict[str, Form]:
    return {role: archive.forms[roles[role]] for role in _INPUTS if role in roles}


def _given(archive: _Archive, roles: Mapping[str, str], arrays: Mapping[str, Any]) -> Given:
    return Given(where=str(archive.path), names=roles, **arrays)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Names the file where it cannot be read.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        yield
    except OSError as error:
        what = str(error.strerror or error).lower()
        raise DataError(what, where=str(path), hint=PLACE_HINT) from error
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        text = " ".join(str(error).split())
        hint = "write it anew: np.savez_compressed(path, x=…, y=…)"
        raise DataError(f"cannot be read as a .npz file: {text}", where=str(path), hint=hint) from error
