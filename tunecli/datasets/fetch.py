"""Where a published file is on this machine, and downloading it if it is nowhere.

Looked for in this order: `$TUNECLI_DATA`, the user's cache, Debian's packages; only then it is downloaded, into the
cache. `TUNECLI_OFFLINE=1` forbids that. Whatever is read is checked by its hash, each time.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tunecli.errors import DataError

DEBIAN = Path("/usr/share/datasets")
"""Where Debian's data set packages put their files."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes:
        url: Where it is downloaded from.
        fname: Its name; ends in `.gz` or `.tgz`, all else is taken as it is.
        sha256: Of the file as published.
        content_sha256: Of what it holds; the only hash of a copy found on this machine, since others compress anew.
        folder: The folder of its own that it lies in below a data folder, or "".
        member: What is wanted of a `.tgz`.
    """

    url: str
    fname: str
    sha256: str
    content_sha256: str
    folder: str = ""
    member: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a copy may have: as published, or unpacked."""
        unpacked = PurePosixPath(self.member).name if self.member else self.fname.removesuffix(".gz")
        return tuple(dict.fromkeys((self.fname, unpacked)))


def find(file: RemoteFile) -> Path | None:
    """Returns where a copy is on this machine, unchecked, or None."""
    candidates = (folder / name for folder in _folders(file) for name in file.names)
    return next((path for path in candidates if path.is_file()), None)


def fetch(file: RemoteFile) -> Path:
    """Returns where a copy is on this machine, after downloading it if there is none.

    Raises:
        DataError: It could not be downloaded, or may not be.
    """
    found = find(file)
    if found is not None:
        return found
    if os.environ.get("TUNECLI_OFFLINE", "0") not in ("", "0"):
        raise DataError("is not on this machine, and this command is offline", where=file.fname, hint=_by_hand(file))
    return _download(file)


def read(file: RemoteFile) -> bytes:
    """Returns what a file holds, downloaded if need be, unpacked and checked.

    Raises:
        DataError: It could not be fetched, or is damaged.
    """
    path = fetch(file)
    try:
        content = _unpack(path.read_bytes(), path.name, file.member)
    except OSError as error:
        if error.errno is not None:
            raise DataError(str(error.strerror).lower(), where=str(path)) from error
        raise _damaged(path, file, f"cannot be unpacked ({error})") from error
    except (EOFError, KeyError, zlib.error, tarfile.TarError) as error:
        raise _damaged(path, file, f"cannot be unpacked ({error})") from error
    received = hashlib.sha256(content).hexdigest()
    if received != file.content_sha256:
        raise _damaged(path, file, f"holds other bytes, or not all: sha256 {received}")
    return content


def cache_folder() -> Path:
    """Returns where downloads are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("tunecli")


def _folders(file: RemoteFile) -> Iterator[Path]:
    given = os.environ.get("TUNECLI_DATA")
    for base in (*([Path(given).expanduser()] if given else []), cache_folder()):
        yield base / file.folder
        yield base
    yield DEBIAN / file.folder


def _unpack(content: bytes, name: str, member: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.decompress(content)
    if not name.endswith(".tgz"):
        return content
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        unpacked = archive.extractfile(member)
        assert unpacked is not None, f"{member} is no file"
        return unpacked.read()


def _damaged(path: Path, file: RemoteFile, what: str) -> DataError:
    return DataError(
        f"{what}; its content must have sha256 {file.content_sha256}",
        where=str(path),
        hint="delete it, and run `tunecli datasets fetch` to get it anew",
    )


def _download(file: RemoteFile) -> Path:
    import pooch
    import requests

    # pooch would announce what the command line announces already
    pooch.get_logger().setLevel("WARNING")
    folder = cache_folder() / file.folder
    try:
        # pooch writes beside the target and moves, and removes what it wrote whatever happens
        path = pooch.retrieve(file.url, None, fname=file.fname, path=folder, downloader=_checked(file))
    except (requests.RequestException, OSError) as error:
        raise DataError(f"cannot be downloaded: {_reason(error)}", where=file.url, hint=_by_hand(file)) from error
    return Path(path)


def _checked(file: RemoteFile) -> Callable[[str, str, Any], None]:
    """Returns a downloader for pooch that refuses a file of another hash."""
    import pooch

    is_watched = sys.stderr.isatty() and "CI" not in os.environ
    download = pooch.HTTPDownloader(progressbar=is_watched, chunk_size=2**16)

    def checked(url: str, output_file: str, pooch_: Any) -> None:
        download(url, output_file, pooch_)
        received = hashlib.sha256(Path(output_file).read_bytes()).hexdigest()
        if received != file.sha256:
            raise DataError(
                f"the download of {file.fname} has sha256 {received}, not {file.sha256}",
                where=url,
                hint=f"try again; else {_by_hand(file)}",
            )

    return checked


def _by_hand(file: RemoteFile) -> str:
    given = os.environ.get("TUNECLI_DATA")
    folder = (Path(given).expanduser() if given else cache_folder()) / file.folder
    return f"download {file.url} (sha256 {file.sha256}) and put it at {folder / file.fname}"


def _reason(error: Exception) -> str:
    """Returns the innermost cause, in a line."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # an Exception, by what is caught
    return str(error).splitlines()[0] if str(error) else type(error).__name__
