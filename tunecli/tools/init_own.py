"""Drafts of specs for data of the user's own that are no table: which kind a path is of, and how a spec names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.datasets.arrays import Form
from tunecli.datasets.base import DatasetOptions, Description, OptionError
from tunecli.datasets.image_files import BrokenImage, image_form
from tunecli.datasets.image_folder import TRAIN, list_images
from tunecli.datasets.npz_file import read_forms
from tunecli.errors import DataError, UsageError
from tunecli.spec.experiment import Task
from tunecli.spec.own_data import ArraysSpec
from tunecli.tools.init import Draft, compose, path_line, scalar, spec_name

_LOOKED_AT = 50
"""About so many images are looked at for their size."""

_LONGEST_SIDE = 96
"""Of the images that are proposed, in pixels: larger ones are worth a try once these have been searched."""

_NAMED = 8
"""So many classes are named in the comment."""


def kind_of(path: Path) -> str | None:
    """Returns the name of the data set that reads a path; None if it is none that is drafted here."""
    if path.suffix.lower() == ".npz":
        return "npz"
    return "image_folder" if path.is_dir() else None


def draft_own(kind: str, path: Path, folder: Path) -> Draft:
    """Drafts a spec.

    Args:
        kind: The name of the data set.
        path: The user's data.
        folder: Where the spec will lie; the data are named relative to it.

    Raises:
        UsageError: There is nothing to learn from, or this kind of data is not drafted.
        DataError: The data are missing or damaged.
    """
    if kind == "npz":
        return _draft_npz(path, folder)
    if kind == "image_folder":
        return _draft_images(path, folder)
    hint = f"write dataset: {{name: {kind}, path: …}} into the spec of another data set"
    raise UsageError(f"there is no draft for {kind}", hint=hint)


def _draft_npz(path: Path, folder: Path) -> Draft:
    lines, arrays = ["  name: npz", path_line(path, folder)], None
    forms = read_forms(path)
    if not ({"x", "x_train"} & set(forms) and {"y", "y_train"} & set(forms)):
        arrays = _guess(path, forms)
        lines.append(f"  arrays: {{x: {scalar(str(arrays.x))}, y: {scalar(str(arrays.y))}}}  # a guess")
    try:
        description = _describe(DatasetOptions(path=str(path), arrays=arrays))
    except OptionError as error:
        problem = error.problems[0]
        raise UsageError(problem.what, hint=problem.hint) from error
    lines.append(f"  task: {description.task}")
    return Draft(spec_name(path), compose(f"{path.name}: {description.rows:,} rows", lines, description))


def _describe(options: DatasetOptions) -> Description:
    """Describes arrays; of marks that are not one class for each row it is guessed that they are labels."""
    arrays = DATASETS.load("npz")
    try:
        return arrays.describe(options)
    except DataError:
        try:
            return arrays.describe(options.model_copy(update={"task": Task.MULTILABEL}))
        except DataError:
            pass
        raise


def _draft_images(path: Path, folder: Path) -> Draft:
    listing = list_images(path)
    images = [file.path for file, _ in listing.images[TRAIN]]
    forms = sorted(_forms(images[:: max(1, len(images) // _LOOKED_AT)]))
    if not forms:
        raise UsageError("none of the images that were looked at can be read", where=str(path))
    height, width, _ = forms[len(forms) // 2]
    channels = max(channels for *_, channels in forms)
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    options = DatasetOptions(path=str(path), image_size=size, channels=channels)
    description = DATASETS.load("image_folder").describe(options)
    named = ", ".join(description.classes[:_NAMED]) + (", …" if len(description.classes) > _NAMED else "")
    lines = [
        "  name: image_folder",
        path_line(path, folder),
        f"  image_size: [{size[0]}, {size[1]}]  # height and width; those looked at are about {height} × {width}",
        f"  channels: {channels}  # 1 for grey, 3 for colours",
    ]
    title = f"{path.name}: {description.rows:,} images of {len(description.classes)} classes: {named}"
    return Draft(spec_name(path if path.name else path.resolve()), compose(title, lines, description))


def _forms(paths: Iterable[Path]) -> Iterator[tuple[int, int, int]]:
    """Yields the forms of the images that can be read; a search names the others."""
    for path in paths:
        with suppress(BrokenImage, OSError):
            yield image_form(path)


def _guess(path: Path, forms: Mapping[str, Form]) -> ArraysSpec:
    """Returns the names of the array with most axes, and of one with a value for each of its rows.

    Raises:
        UsageError: There are no two such arrays.
    """
    x = max(forms, key=lambda name: len(forms[name].shape), default="")
    rows = forms[x].shape[:1] if x else ()
    y = next((name for name, form in forms.items() if name != x and rows and form.shape in (rows, (*rows, 1))), None)
    if y is None:
        names = ", ".join(forms) or "none"
        raise UsageError(f"has no array of inputs and one of a value for each row; arrays: {names}", where=str(path))
    return ArraysSpec(x=x, y=y)
