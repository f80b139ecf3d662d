"""Images of the user's own, in a folder with a folder for each class, as they are usually kept.

    photos/cat/1.jpg  photos/cat/2.jpg  photos/dog/1.jpg …
    photos/train/cat/1.jpg …  photos/test/cat/7.jpg …          # and validation/ or test/, if there is one

Classes are called as their folders. Files that are no images by their names are ignored and counted, and nothing
outside of the folder is read, whatever its links say.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import PLACE_HINT, DatasetOptions, Description, OptionError, RawData
from tunecli.datasets.columns import accept
from tunecli.datasets.image_cache import ImageFile, decoded
from tunecli.datasets.image_files import SUFFIXES, BrokenImage, image_form
from tunecli.datasets.memory import check_memory
from tunecli.datasets.own import OwnData
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")

_PART_NAMES = {"train": TRAIN, "validation": VALIDATION, "val": VALIDATION, "valid": VALIDATION, "test": TEST}
"""The part that `train/` or a folder beside it holds, by its name."""

_TARGET = "class"
_DEFAULT_CHANNELS = 3


@dataclass(frozen=True)
class Listing:
    """What is in a folder of images.

    Attributes:
        root: The folder, without links in its own path.
        classes: The names of the classes, in the order of their codes.
        images: The images of each part, with the codes of their classes; by class, then by name.
        ignored: How many files are no images, by how their names end.
    """

    root: Path
    classes: tuple[str, ...]
    images: dict[str, list[tuple[ImageFile, int]]]
    ignored: Counter[str] = field(default_factory=Counter)


class ImageFolder(OwnData):
    """The data set that `path` names."""

    title = "Images of yours in a folder for each class: dataset.path and dataset.image_size"
    shape = "as the files, resized"
    source = "your files"

    def describe(self, options: DatasetOptions) -> Description:
        """Lists the folder; opens no image.

        Raises:
            OptionError: No path or size is given, or another task than classes.
            DataError: The folder is missing, holds no classes, or links lead out of it.
        """
        listing = list_images(_root(options))
        return Description(
            task=_task(options, listing),
            target=_TARGET,
            image_shape=_image_shape(options, listing),
            classes=listing.classes,
            rows=len(listing.images[TRAIN]),
            has_own_test=bool(listing.images[TEST]),
            own_validation_rows=len(listing.images[VALIDATION]),
            notes=_notes(listing),
        )

    def load(self, options: DatasetOptions) -> RawData:
        """Decodes and resizes the images, or opens what was kept of them.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or an image is broken.
        """
        import numpy as np

        listing = list_images(_root(options))
        height, width, channels = image_shape = _image_shape(options, listing)
        images = [each for part in PARTS for each in listing.images[part]]
        check_memory(len(images) * height * width * channels, "these images", where=str(listing.root))
        return RawData(
            task=_task(options, listing),
            columns=columns_of_images(decoded([file for file, _ in images], image_shape)),
            target=np.array([code for _, code in images], dtype=np.int64),
            target_name=_TARGET,
            classes=listing.classes,
            own_test_rows=len(listing.images[TEST]),
            own_validation_rows=len(listing.images[VALIDATION]),
        )


DATASET = ImageFolder()


def list_images(root: Path) -> Listing:
    """Lists a folder of images.

    Args:
        root: Holds a folder for each class; or `train/` and other parts, which do.

    Raises:
        DataError: It is missing, holds no classes, or links lead out of it.
    """
    root = root.resolve()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "no such folder"
        raise DataError(what, where=str(root), hint=PLACE_HINT)
    listing = Listing(root, (), {part: [] for part in PARTS})
    parts = _parts(root, listing)
    if not parts[TRAIN]:
        hint = "put the images of each class into a folder of its own, named for the class"
        raise DataError("has no folders of images, one for each class", where=str(root), hint=hint)
    classes = tuple(sorted(parts[TRAIN], key=_order(parts[TRAIN])))
    for part, by_class in parts.items():
        if strangers := [name for name in by_class if name not in classes]:
            what = f"the class '{strangers[0]}' is in {part}/ alone"
            raise DataError(what, where=str(root), hint="bring images of it to train on, or delete it")
        for code, name in enumerate(classes):
            found = list(_files(by_class[name], listing)) if name in by_class else []
            if not found and part == TRAIN:
                hint = f"bring some that end in {', '.join(SUFFIXES)}, or delete the folder"
                raise DataError("holds no images", where=str(by_class[name]), hint=hint)
            listing.images[part] += [(file, code) for file in found]
    if len(classes) == 1:
        what = f"has one class alone, '{classes[0]}'"
        raise DataError(what, where=str(root), hint="bring images of at least two classes")
    return Listing(root, classes, listing.images, listing.ignored)


def _parts(root: Path, listing: Listing) -> dict[str, dict[str, Path]]:
    """Returns the folders of the classes of each part.

    Raises:
        DataError: A folder beside `train/` is no part.
    """
    folders = _folders(root, listing)
    if TRAIN not in folders or not _folders(folders[TRAIN], Listing(root, (), {})):
        return {TRAIN: folders}  # `train` may be a class, beside `bus`
    found: dict[str, dict[str, Path]] = {}
    for name, folder in folders.items():
        part = _PART_NAMES.get(name)
        if part is None or part in found:
            what = f"beside {TRAIN}/, '{name}' is neither a part nor a class"
            hint = f"parts are called {', '.join(_PART_NAMES)}; move classes into {TRAIN}/"
            raise DataError(what, where=str(root), hint=hint)
        found[part] = _folders(folder, listing)
    return found


def _order(names: Iterable[str]) -> Callable[[str], Any]:
    """Returns what to sort classes by: numbers by size, else by letter."""
    return int if all(name.isdecimal() for name in names) else str


def _folders(folder: Path, listing: Listing) -> dict[str, Path]:
    """Returns the folders in a folder by their names; counts files beside them as ignored."""
    found = {}
    for entry in _entries(folder, listing):
        if entry.is_dir(follow_symlinks=False):
            found[_readable(entry)] = Path(entry.path)
        else:
            listing.ignored[Path(entry.name).suffix.lower()] += 1
    return found


def _files(folder: Path, listing: Listing) -> Iterator[ImageFile]:
    """Yields the images in a folder and in those below it, by name; counts all else as ignored."""
    for entry in _entries(folder, listing):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), listing)
        elif entry.is_file() and entry.name.lower().endswith(SUFFIXES):
            path = Path(entry.path)
            yield ImageFile(path, path.relative_to(listing.root).as_posix())
        else:
            listing.ignored[Path(entry.name).suffix.lower()] += 1


def _entries(folder: Path, listing: Listing) -> list[os.DirEntry[str]]:
    """Returns what is in a folder, by name; what is hidden is not there.

    Raises:
        DataError: It cannot be read, or a link leads out of the whole folder or to a folder in it.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted((each for each in found if not _is_hidden(each.name)), key=lambda each: each.name)
    except OSError as error:
        raise DataError(str(error.strerror).lower(), where=str(folder), hint=PLACE_HINT) from error
    for entry in entries:
        if entry.is_symlink():
            _check_link(Path(entry.path), listing.root)
    return entries


def _check_link(path: Path, root: Path) -> None:
    """Refuses a link to anything but a file in the folder.

    Raises:
        DataError: It is one.
    """
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # to nothing, or in a circle
        raise DataError("is a link to nothing", where=str(path), hint="delete it") from error
    if not target.is_relative_to(root):
        hint = "copy there what it leads to: nothing outside of the folder is read"
        raise DataError(f"is a link out of the folder, to {target}", where=str(path), hint=hint)
    if target.is_dir():
        raise DataError("is a link to a folder", where=str(path), hint="copy the folder, or delete the link")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"  # what archives of a Mac leave behind


def _readable(entry: os.DirEntry[str]) -> str:
    """Returns the name of a class.

    Raises:
        DataError: It is no text.
    """
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        where = os.fsencode(entry.path).decode(errors="replace")
        raise DataError("the name of this folder is no UTF-8 text", where=where, hint="rename it") from error
    return entry.name


def _root(options: DatasetOptions) -> Path:
    accept(options, "image_folder", "path", "task", "image_size", "channels")
    if options.path is None:
        raise OptionError("path", "image_folder needs the path of a folder", hint="write dataset.path")
    return Path(options.path)


def _task(options: DatasetOptions, listing: Listing) -> Task:
    if options.task is not None and not options.task.has_classes:
        what = "folders are classes, and no " + ("numbers" if options.task is Task.REGRESSION else "labels")
        raise OptionError("task", what, hint="drop task")
    if options.task is Task.BINARY and len(listing.classes) != 2:
        what = f"there are {len(listing.classes)} classes; a binary task has two"
        raise OptionError("task", what, hint="drop task")
    return options.task or (Task.BINARY if len(listing.classes) == 2 else Task.MULTICLASS)


def _image_shape(options: DatasetOptions, listing: Listing) -> tuple[int, int, int]:
    if options.image_size is None:
        first, _ = listing.images[TRAIN][0]
        try:
            height, width, _ = image_form(first.path)
            hint = f"write image_size: [height, width]; {first.name} has [{height}, {width}]"
        except (BrokenImage, OSError):
            hint = "write image_size: [height, width]"
        raise OptionError("image_size", "images are brought to one size, which is not given", hint=hint)
    return (*options.image_size, options.channels or _DEFAULT_CHANNELS)


def _notes(listing: Listing) -> tuple[str, ...]:
    count = listing.ignored.total()
    if not count:
        return ()
    kinds = ", ".join(f"{number} {suffix or 'without an ending'}" for suffix, number in listing.ignored.most_common(5))
    return (f"{count} file{'s' * (count != 1)} in {listing.root} {'are' if count != 1 else 'is'} ignored: {kinds}",)
