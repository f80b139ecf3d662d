"""Reads a spec file: YAML 1.2, overrides, validation; every problem of the file at once, each at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from yaml import MappingNode, Node

from tunecli.errors import Problem, SpecError
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import Loc
from tunecli.spec.overrides import apply
from tunecli.spec.places import Place, find
from tunecli.spec.problems import problems_of
from tunecli.spec.yaml12 import compose, plain

_EXAMPLE = "see `configs/` for examples, and `tunecli schema`"


@dataclass(frozen=True)
class SpecFile:
    """A valid spec, and where each of its values stands.

    Attributes:
        path: The file, as the user named it.
        text: The file as it is, without overrides.
        spec: What it says, overrides included.
        root: Its tree of nodes, overrides included.
    """

    path: Path
    text: str
    spec: ExperimentSpec
    root: Node

    def problem(self, loc: Loc, what: str, hint: str = "", *, at_key: bool = False) -> Problem:
        """Returns a problem that points at the value of `loc`, or of its nearest parent that is written down.

        Args:
            loc: The keys that lead to the value.
            what: What was received and what is allowed.
            hint: The next thing to do.
            at_key: Point at the value's key, since that is what is wrong.
        """
        return find(self.root, loc, at_key=at_key).problem(what, hint)


def load(path: Path, overrides: Sequence[str] = ()) -> SpecFile:
    """Reads, overrides and validates a spec.

    Args:
        path: The YAML file.
        overrides: `a.b.c=value` texts, applied before validation.

    Raises:
        SpecError: The file is not valid; holds every problem found.
    """
    return parse(_read(path), path, overrides)


def parse(text: str, path: Path, overrides: Sequence[str] = ()) -> SpecFile:
    """Overrides and validates the text of a spec that stands, or is to stand, in a file.

    Args:
        text: What the file holds.
        path: The file, beside which relative paths begin; it is not read.
        overrides: `a.b.c=value` texts, applied before validation.

    Raises:
        SpecError: The text is not valid; holds every problem found.
    """
    root, flaws = compose(text, source=str(path))
    problems = [Place(flaw.mark, "").problem(flaw.what, flaw.hint) for flaw in flaws]
    if root is None:
        raise SpecError(problems or [Problem("is empty", str(path), _EXAMPLE)])
    if not isinstance(root, MappingNode):
        raise SpecError([*problems, find(root, ()).problem("holds no block of keys", _EXAMPLE)])
    root, wrong_overrides = apply(root, overrides)
    data = plain(root)
    problems += wrong_overrides
    try:
        spec = ExperimentSpec.model_validate(data)
    except ValidationError as error:
        problems += problems_of(error, root, data, known={flaw.mark for flaw in flaws})
    if problems:
        raise SpecError(problems)
    return SpecFile(path, text, spec, root)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError([Problem("does not exist", str(path), "name a YAML file")]) from None
    except IsADirectoryError:
        raise SpecError([Problem("is a folder", str(path), "name a YAML file")]) from None
    except UnicodeDecodeError as error:
        what = f"is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}"
        raise SpecError([Problem(what, str(path), "save it as UTF-8")]) from None
    except OSError as error:
        raise SpecError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
