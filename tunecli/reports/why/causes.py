"""Why trials fail, in plain words: from the line that the journal keeps to what it means and what to change.

cause = read_cause("loss is nan in epoch 3")
cause.kind, cause.words        # Kind.DIVERGED, 'training diverged: the loss was nan in epoch 3'
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import tunecli


class Kind(StrEnum):
    """What kind of failure it was."""

    DIVERGED = "diverged"
    NEVER_FINITE = "never_finite"
    TOOK_TOO_LONG = "took_too_long"
    OUT_OF_MEMORY = "out_of_memory"
    DIED = "died"
    PARENT_FAILED = "parent_failed"
    RAISED = "raised"
    OTHER = "other"


@dataclass(frozen=True)
class Cause:
    """Why a trial failed.

    Attributes:
        kind: What kind of failure it was.
        text: As the journal has it, without the training it was seen in, and without TensorFlow's names of nodes.
        words: The same in plain words.
        training: Which fold or repeat failed, in words; "" for a trial that is trained once.
        limit: Seconds or MiB that the trial was allowed, where it took more.
        parent: The trial that it was to go on from, where that had failed.
    """

    kind: Kind
    text: str
    words: str
    training: str = ""
    limit: float | None = None
    parent: int | None = None

    @property
    def group(self) -> str:
        """What trials that failed alike have in common: the text without its numbers."""
        if self.kind in (Kind.RAISED, Kind.OTHER):
            return re.sub(r"\d+(?:\.\d+)?", "#", self.text)
        return self.kind.value


_TRAINING = re.compile(r"((?:fold|repeat) \d+ of \d+(?:, repeat \d+ of \d+)?): ")
_RAISED = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)): ?(.*)")
_NODE = re.compile(r"\{\{[^}]*\}\} ?| ?name: $")
_OUT_OF_MEMORY = ("ResourceExhaustedError", "MemoryError")

_PATTERNS: tuple[tuple[Kind, re.Pattern[str], str], ...] = (
    (
        Kind.DIVERGED,
        re.compile(r"loss is (?P<value>\S+) in epoch (?P<epoch>\d+)"),
        "training diverged: the loss was {value} in epoch {epoch}",
    ),
    (
        Kind.NEVER_FINITE,
        re.compile(r"(?P<metric>.+?) was not finite(?P<when> in any epoch)?"),
        "{metric} was never a finite number, so there is no score",
    ),
    (
        Kind.TOOK_TOO_LONG,
        re.compile(r"took longer than (?P<limit>[\d.e+]+) s"),
        "it was ended after limits.trial_time, {limit} s",
    ),
    (
        Kind.OUT_OF_MEMORY,
        re.compile(r"took more than (?P<limit>[\d.,]+) MiB of memory"),
        "it was ended when its process held more than limits.trial_memory, {limit} MiB",
    ),
    (
        Kind.PARENT_FAILED,
        re.compile(r"its parent, trial (?P<parent>\d+), failed"),
        "it never began: it was to go on from trial {parent}, which had failed",
    ),
)

_DEATHS = {
    "killed by SIGKILL": "most often that is the operating system, which had run out of memory; its log may say so",
    "killed by SIGSEGV": "native code (TensorFlow, a driver, an extension) accessed memory that was not its own",
    "killed by SIGABRT": "native code gave up, mostly with a message in the log",
    "killed by SIGTERM": "something asked it to end: a batch system, a container's limit or a person",
}


def read_cause(text: str) -> Cause:
    """Reads the cause of a failed trial."""
    named = _TRAINING.match(text)
    training, rest = (named[1], text[named.end() :]) if named else ("", text)
    rest = _NODE.sub("", rest).strip()
    for kind, pattern, words in _PATTERNS:
        if match := pattern.fullmatch(rest):
            found = match.groupdict()
            limit, parent = found.get("limit"), found.get("parent")
            return Cause(
                kind,
                rest,
                words.format(**found),
                training,
                None if limit is None else float(limit.replace(",", "")),
                None if parent is None else int(parent),
            )
    if rest.startswith("its worker died"):
        return Cause(Kind.DIED, rest, _death(rest), training)
    if match := _RAISED.fullmatch(rest):
        name, message = match[1].rpartition(".")[2], match[2]
        if name in _OUT_OF_MEMORY:
            return Cause(Kind.OUT_OF_MEMORY, rest, f"it ran out of memory ({name})", training)
        return Cause(Kind.RAISED, rest, f"its code raised {name}: {message}".removesuffix(": "), training)
    return Cause(Kind.OTHER, rest, rest, training)


def _death(text: str) -> str:
    """Returns how a process died and what that mostly means."""
    how = text.partition(": ")[2] or "nobody saw how"
    meaning = _DEATHS.get(how)
    return f"its process died ({how})" + (f": {meaning}" if meaning else "")


@dataclass(frozen=True)
class OwnLine:
    """A line of a traceback that is the user's own, or the last there is."""

    place: str
    code: str


_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?')
_LIBRARY = re.compile(r"[/\\](?:site-packages|dist-packages|lib[/\\]python[\d.]*)[/\\]|^<")
_PACKAGE = str(Path(tunecli.__file__).parent) + os.sep


def own_line(log: str) -> OwnLine | None:
    """Returns the innermost line of a log's last traceback that is no library's; else the innermost one; else None."""
    lines = log.splitlines()
    begin = max((index for index, line in enumerate(lines) if line.startswith("Traceback (")), default=None)
    if begin is None:
        return None
    frames = [(index, match) for index, line in enumerate(lines) if index > begin and (match := _FRAME.match(line))]
    if not frames:
        return None
    own = [frame for frame in frames if not _is_foreign(frame[1]["file"])]
    index, match = (own or frames)[-1]
    code = lines[index + 1].strip() if index + 1 < len(lines) and not _FRAME.match(lines[index + 1]) else ""
    where = f"{match['file']}:{match['line']}" + (f" in {match['name']}" if match["name"] else "")
    return OwnLine(where, code)


def _is_foreign(file: str) -> bool:
    """Says whether a file is a library's, or this package's own."""
    return _LIBRARY.search(file) is not None or file.startswith(_PACKAGE)
