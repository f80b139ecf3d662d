"""Writing the files that a command makes for its user."""

from __future__ import annotations

from pathlib import Path

from tunecli.errors import UsageError


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Writes a file; one that is there already only with `force`.

    Raises:
        UsageError: There is one already, or it cannot be written.
    """
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            "is there already", where=str(path), hint="write to another file with -o, or overwrite it with --force"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot be written: {str(error.strerror).lower()}", where=str(path)) from error
