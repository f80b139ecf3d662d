"""`bundle.json`: what a bundle holds, with the hash of every file in it. Reading it needs neither NumPy nor Keras.

    write_manifest(new, manifest)          # last of all: adds the files as they lie in the folder
    manifest = read_manifest(best)         # refuses what is damaged
    check_files(best, manifest)            # refuses files that are changed or missing, by their names

The hashes find damage and files of another bundle. They are no signature: who can change a file can change its hash.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from tunecli.datasets.base import DatasetOptions
from tunecli.datasets.schema import ColumnSchema
from tunecli.errors import DataError, StudyError
from tunecli.spec.experiment import Task
from tunecli.store.files import read_json, sync_file, write_json
from tunecli.store.layout import BestLayout

FORMAT = 1

_HINT = "copy the whole folder again, or make it anew: tunecli retrain"
_BLOCK_BYTES = 2**20


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Frozen):
    """What is predicted.

    Attributes:
        name: The column.
        classes: The classes' names in the order of their codes; () for a number or a label.
    """

    name: str
    classes: tuple[str, ...] = ()


class TargetScaling(_Frozen):
    """How targets were scaled in training: `y = scale · z + offset`. The model's own last layer undoes it.

    Attributes:
        method: As the spec has it.
        scale: Of each target, in its units.
        offset: Of each target, in its units.
    """

    method: str
    scale: tuple[float, ...]
    offset: tuple[float, ...]


class FileEntry(_Frozen):
    """A file of the bundle.

    Attributes:
        sha256: Of its content.
        size_bytes: Its length.
    """

    sha256: str
    size_bytes: int


class Manifest(_Frozen):
    """What a bundle holds.

    Attributes:
        format: The version of this file's form.
        tunecli: The version that wrote it.
        study: The study's name.
        trial: The trial that was retrained.
        full: Whether it was trained on the validation rows too.
        family: A member of `families.FAMILIES`.
        task: What kind of thing is predicted.
        targets: What is predicted: one number, one of several classes; or several numbers or labels.
        dataset: The data set's name.
        options: What the spec said about the data, without the place of the file.
        columns: What the model reads, in the order of the preprocessing.
        image_shape: `(height, width, channels)` for images, else None.
        pixel_columns: The columns of a table that are the pixels of an image, a row of pixels at a time; else ().
        inputs: The columns that go into each input of a model of several, by its name; None for a model of one.
        target_scaling: None where the target was not scaled.
        models: The files whose mean is predicted: one, or the members of an ensemble.
        code: The file of a custom model's code; None for a model of ours.
        recipe: What that code was called with.
        own_fit_changes_inputs: A `fit` of the user's own changes the inputs, which the model therefore needs changed.
        files: Every other file of the bundle, by its name.
    """

    format: int = FORMAT
    tunecli: str
    study: str
    trial: int
    full: bool
    family: str
    task: Task
    targets: tuple[Target, ...]
    dataset: str
    options: DatasetOptions
    columns: tuple[ColumnSchema, ...]
    image_shape: tuple[int, int, int] | None = None
    pixel_columns: tuple[str, ...] = ()
    inputs: dict[str, tuple[str, ...]] | None = None
    target_scaling: TargetScaling | None = None
    models: tuple[str, ...]
    code: str | None = None
    recipe: str | None = None
    own_fit_changes_inputs: bool = False
    files: dict[str, FileEntry] = {}

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            if not _is_inside(name):
                raise ValueError(f"'{name}' is no name of a file within the folder")
        return files

    @property
    def has_one_hot(self) -> bool:
        """Whether the class of a row is marked in one of several columns."""
        return self.task.has_classes and isinstance(self.options.target, tuple)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns that hold what is predicted: of classes in several columns, one for each."""
        return self.targets[0].classes if self.has_one_hot else tuple(each.name for each in self.targets)

    @property
    def needed(self) -> tuple[str, ...]:
        """The files that predicting reads, apart from the preprocessing."""
        return (*self.models, *(each for each in (self.code, self.recipe) if each is not None))


def write_manifest(best: BestLayout, manifest: Manifest) -> None:
    """Writes the manifest, with the files that lie in the folder now.

    Raises:
        StudyError: The disk is full or fails.
    """
    paths = sorted(path for path in best.folder.rglob("*") if path.is_file() and path != best.manifest)
    files = {path.relative_to(best.folder).as_posix(): _entry(path) for path in paths}
    write_json(best.manifest, manifest.model_copy(update={"files": files}).model_dump(mode="json"))
    sync_file(best.manifest)


def read_manifest(best: BestLayout) -> Manifest:
    """Reads a manifest; looks at no other file.

    Raises:
        DataError: There is none, it is damaged, of a newer form, or names files outside of its folder.
    """
    path = best.manifest
    try:
        document = read_json(path)
    except FileNotFoundError:
        what = "is missing: this is no bundle, or one of an older version"
        raise DataError(what, where=str(path), hint="make it anew: tunecli retrain") from None
    except StudyError as error:
        raise DataError(error.problems[0].what, where=str(path), hint=_HINT) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path), hint=_HINT) from error
    version = document.get("format")
    if isinstance(version, int) and version > FORMAT:
        what = f"is of format {version}; this tunecli reads up to {FORMAT}"
        raise DataError(what, where=str(path), hint="use the tunecli that wrote it, or a newer one")
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(f"is damaged: {place}: {first['msg']}", where=str(path), hint=_HINT) from error
    unlisted = [name for name in (best.preprocessing.name, *manifest.needed) if name not in manifest.files]
    if unlisted:
        raise DataError(f"is damaged: it has no hash of {unlisted[0]}", where=str(path), hint=_HINT)
    return manifest


def check_files(best: BestLayout, manifest: Manifest) -> None:
    """Makes sure that every file is there as it was written.

    Raises:
        DataError: One is missing or changed, or is a link to somewhere else.
    """
    for name, expected in manifest.files.items():
        path = best.folder / name
        if not path.resolve().is_relative_to(best.folder.resolve()):
            raise DataError("is a link that leaves the bundle", where=str(path), hint=_HINT)
        if not path.is_file():
            raise DataError("is missing from the bundle", where=str(path), hint=_HINT)
        found = _entry(path)
        if found != expected:
            what = (
                f"has {found.size_bytes} bytes; the bundle was made with {expected.size_bytes}"
                if found.size_bytes != expected.size_bytes
                else f"has changed since the bundle was made: its sha256 is {found.sha256[:16]}…"
            )
            raise DataError(what, where=str(path), hint=_HINT)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not (path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name)


def _entry(path: Path) -> FileEntry:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return FileEntry(sha256=digest.hexdigest(), size_bytes=size)
