"""Images decoded and resized once, and kept in the user's cache folder.

    images = decoded(files, (28, 28, 3))      # uint8, (files, 28, 28, 3), memory-mapped

An entry is found by what the files hold: their names, sizes and hashes, in order. It is written beside its place and
renamed, and checked by its own hash whenever it is opened, so that one that is damaged is made anew. As with tables,
the entries that were not used for longest make room for new ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import PLACE_HINT
from tunecli.datasets.fetch import cache_folder
from tunecli.datasets.image_files import BrokenImage, read_image, without_bomb_warnings
from tunecli.datasets.table_cache import make_room
from tunecli.errors import DataError, StudyError
from tunecli.store.files import beside, read_json, sync_file, sync_folder, write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VERSION = 1
"""Of how images are decoded: another number makes all entries anew."""

_SHOWN = 5
"""So many broken images a message names."""


@dataclass(frozen=True)
class ImageFile:
    """An image.

    Attributes:
        path: Where it is.
        name: Where it is in the folder that it belongs to.
    """

    path: Path
    name: str


def decoded(files: Sequence[ImageFile], image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Returns the pixels of images, uint8 and of shape `(files, height, width, channels)`.

    Args:
        files: At least one.
        image_shape: As in `image_files.read_image`.

    Raises:
        DataError: Images are broken or cannot be read, or the cache cannot be written.
    """
    hashes = [_sha256(_read(file)) for file in files]
    entry = _Entry(cache_folder() / "images" / _key(files, hashes, image_shape))
    found = entry.open()
    if found is not None:
        return found
    with _writing(entry.folder):
        _build(entry, files, hashes, image_shape)
    made = entry.open()
    assert made is not None, "what was just written is there"
    return made


@dataclass(frozen=True)
class _Entry:
    """A folder of the cache."""

    folder: Path

    @property
    def images(self) -> Path:
        return self.folder / "images.npy"

    @property
    def about(self) -> Path:
        """The hash of the images."""
        return self.folder / "about.json"

    def open(self) -> NDArray[np.uint8] | None:
        """Returns what it holds, or None if that is missing or damaged."""
        import numpy as np

        try:
            with self.images.open("rb") as file:
                is_whole = hashlib.file_digest(file, "sha256").hexdigest() == read_json(self.about)["sha256"]
            if not is_whole:
                return None
            with suppress(OSError):  # another user's cache may be read-only
                os.utime(self.about)
            images: NDArray[np.uint8] = np.load(self.images, mmap_mode="r", allow_pickle=False)
            return images
        except (OSError, ValueError, KeyError, StudyError):
            return None


def _key(files: Sequence[ImageFile], hashes: Sequence[str], image_shape: tuple[int, int, int]) -> str:
    digest = hashlib.sha256(f"{_VERSION} {image_shape}".encode())
    for file, sha256 in zip(files, hashes, strict=True):
        digest.update(f"\n{sha256} {file.name}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _build(entry: _Entry, files: Sequence[ImageFile], hashes: Sequence[str], image_shape: tuple[int, int, int]) -> None:
    """Decodes all images, one row after the other, so that no more than a few are in memory."""
    import numpy as np

    def decode(index: int) -> bytes | BrokenImage:
        content = _read(files[index])
        if _sha256(content) != hashes[index]:
            raise DataError("has changed while it was read", where=str(files[index].path), hint="start anew")
        try:
            return read_image(content, image_shape).tobytes()
        except BrokenImage as error:
            return error

    new, broken = _Entry(beside(entry.folder)), []
    new.folder.mkdir(parents=True)
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), *image_shape)}
    try:
        with new.images.open("wb") as target, without_bomb_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
            np.lib.format.write_array_header_1_0(target, header)
            for file, pixels in zip(files, pool.map(decode, range(len(files))), strict=True):
                if isinstance(pixels, BrokenImage):
                    broken.append(f"{file.name} {pixels}")
                else:
                    target.write(pixels)
        _refuse(broken, files)
        sync_file(new.images)
        with new.images.open("rb") as written:
            write_json(new.about, {"sha256": hashlib.file_digest(written, "sha256").hexdigest(), "files": len(files)})
        _put(new, entry)
    finally:
        shutil.rmtree(new.folder, ignore_errors=True)
    make_room(entry.folder)


def _put(new: _Entry, entry: _Entry) -> None:
    """Puts an entry in its place, unless another process was faster."""
    shutil.rmtree(entry.folder, ignore_errors=True)
    try:
        os.replace(new.folder, entry.folder)
    except OSError:
        if entry.open() is None:
            raise
    sync_folder(entry.folder.parent)


def _refuse(broken: Sequence[str], files: Sequence[ImageFile]) -> None:
    """Names the images that cannot be decoded.

    Raises:
        DataError: There are any.
    """
    if not broken:
        return
    others = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    what = f"{len(broken)} of {len(files):,} images cannot be used: {'; '.join(broken[:_SHOWN])}{others}"
    root = files[0].path.as_posix().removesuffix(files[0].name)
    raise DataError(what, where=root, hint="replace or delete them")


def _read(file: ImageFile) -> bytes:
    try:
        return file.path.read_bytes()
    except OSError as error:
        raise DataError(str(error.strerror or error).lower(), where=str(file.path), hint=PLACE_HINT) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, StudyError) as error:
        cause: Any = error.strerror if isinstance(error, OSError) else error.problems[0].what
        hint = "make room, or let XDG_CACHE_HOME name another folder for what is decoded"
        raise DataError(f"the cache cannot be written: {str(cause).lower()}", where=str(folder), hint=hint) from error
