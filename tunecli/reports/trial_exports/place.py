"""Where an export goes: written beside its place, and put there when it is whole.

check_place(path, format_, force=False)          # before anything is read
notes = put(format_, study, run, path, …)        # what fails leaves nothing behind, and an old export as it was
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from tunecli.errors import StudyError, UsageError
from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target, TrialFormat
from tunecli.store import files
from tunecli.store.files import not_written, read_json, sync_folder, write_new
from tunecli.store.run import Run

MANIFEST = "export.json"
"""Says what a folder holds; without it, a folder is none of ours and is never replaced."""

_OTHER = "write to another place with -o"


def check_place(path: Path, format_: TrialFormat, *, force: bool) -> None:
    """Makes sure that an export may be put somewhere.

    Raises:
        UsageError: Something is there that may not be replaced, or it is no place to write to.
    """
    if format_.target is Target.FOLDER:
        _check_folder(path, format_, force=force)
    else:
        _check_file(path, force=force)


def put(format_: TrialFormat, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
    """Writes an export, whole or not at all; `check_place` has let the place pass.

    Returns:
        What a user should know about it.

    Raises:
        StudyError: It cannot be written, or the study cannot be written so.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        notes = format_.write(study, run, new, by_epoch=by_epoch)
        if format_.target is Target.FOLDER:
            manifest = {"study": study.name, "format": format_.name}
            write_new(new / MANIFEST, json.dumps(manifest).encode())
            sync_folder(new)
            _replace_folder(new, path)
        else:
            with new.open("rb") as file:
                files.disk.sync(file.fileno())
            files.disk.replace(new, path)
        sync_folder(path.absolute().parent)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return notes


def text_of(format_: TrialFormat, study: StudyData, run: Run, *, by_epoch: bool) -> tuple[str, list[str]]:
    """Returns what a format of text would write, and what a user should know about it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export"
        notes = format_.write(study, run, path, by_epoch=by_epoch)
        return path.read_bytes().decode(), notes  # line ends within a text stay as they are


def _check_file(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), hint="write to a file in it with -o")
    if path.exists() and not force:
        hint = f"{_OTHER}, or replace it with --force"
        raise UsageError("is there already", where=str(path), hint=hint)
    if path.exists() and not path.is_file():
        raise UsageError("is no file", where=str(path), hint="write to stdout with -o -")
    _check_parent(path)


def _check_folder(path: Path, format_: TrialFormat, *, force: bool) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError("is there already, and no folder", where=str(path), hint=_OTHER)
    if path.exists() and any(path.iterdir()):
        if _format_of(path) != format_.name:
            raise UsageError(f"is there already, and holds no {format_.name} export", where=str(path), hint=_OTHER)
        if not force:
            raise UsageError("is there already", where=str(path), hint=f"{_OTHER}, or replace it with --force")
    _check_parent(path)


def _check_parent(path: Path) -> None:
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UsageError("its folder does not exist", where=str(path), hint=f"make it: mkdir -p {path.parent}")
    if not os.access(parent, os.W_OK):
        raise UsageError("its folder cannot be written", where=str(path), hint=_OTHER)


def _format_of(folder: Path) -> str | None:
    """Returns the format of an older export; None if a folder is none."""
    try:
        format_ = read_json(folder / MANIFEST).get("format")
    except (OSError, StudyError):
        return None
    return format_ if isinstance(format_, str) else None


def _replace_folder(new: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        path.rename(old)
    try:
        files.disk.replace(new, path)
    except BaseException:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
