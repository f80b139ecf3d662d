"""Decodes single image files by Pillow, whatever others have put into them.

    pixels = read_image(content, (28, 28, 1))      # uint8, 0 … 255

A file is taken for what its bytes say, and may be in a few formats only. How large its image is, is read from its
header first: a small file may claim any size, and would fill the memory when it is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""How the names of image files end, in any case."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")

MOST_PIXELS = 100_000_000
"""More than any camera takes."""


class BrokenImage(Exception):  # noqa: N818  # what a file is
    """A file that is no image, or none that may be decoded; says why."""


@contextmanager
def without_bomb_warnings() -> Iterator[None]:
    """Keeps Pillow quiet about images that are large, but not too large; for all threads, so enter it before them."""
    import warnings

    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def image_form(path: Path) -> tuple[int, int, int]:
    """Returns height, width and channels of an image, 1 or 3, from its header.

    Raises:
        BrokenImage: It has none, or is too large.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file, without_bomb_warnings(), _opened(file) as image:
        width, height = image.size
        is_grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")
        return height, width, 1 if is_grey else 3


def read_image(content: bytes, image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Decodes an image, turns it upright, and brings it to a size, bilinearly and without keeping its aspect.

    Args:
        content: The file's. Of several images in it the first is taken; what is transparent loses that.
        image_shape: `(height, width, channels)`, with 1 channel for grey and 3 for red, green and blue.

    Raises:
        BrokenImage: It cannot be decoded, or is too large to be.
    """
    import numpy as np
    from PIL import Image, ImageOps

    height, width, channels = image_shape
    with _opened(io.BytesIO(content)) as image:
        upright = ImageOps.exif_transpose(_in_bytes(image))
        coloured = upright.convert("L" if channels == 1 else "RGB")
        if coloured.size != (width, height):
            coloured = coloured.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(coloured).reshape(image_shape)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Image]:
    """Opens an image of a size that may be decoded, and puts into words what goes wrong meanwhile.

    Raises:
        BrokenImage: Something does.
    """
    from PIL import Image, UnidentifiedImageError

    too_large = f"claims to be of more than {MOST_PIXELS:,} pixels: it is not opened"
    try:
        with Image.open(file, formats=_FORMATS) as image:
            if image.size[0] * image.size[1] > MOST_PIXELS:
                raise BrokenImage(too_large)
            yield image
    except (BrokenImage, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise BrokenImage(too_large) from error
    except UnidentifiedImageError as error:
        raise BrokenImage("is no image") from error
    except Exception as error:  # decoders raise all kinds of errors on bytes that are not what they expect
        raise BrokenImage(f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}") from error


def _in_bytes(image: Image) -> Image:
    """Returns an image of which a pixel has 256 levels.

    Raises:
        BrokenImage: Nothing says what its levels mean.
    """
    import numpy as np
    from PIL import Image

    if image.mode.startswith("I;16"):  # `convert` would cut off all above 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise BrokenImage("has pixels of 32 bits")
    if image.mode in ("P", "PA"):  # its palette may hold transparent colours
        return image.convert("RGBA")
    return image
