"""Finding the bundle that a command is to use: a study's `best/`, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.errors import DataError, UsageError

if TYPE_CHECKING:
    from tunecli.store.run import Run
    from tunecli.training.bundle import Bundle

BundleArgument = Annotated[
    str | None, typer.Argument(metavar="RUN|FOLDER", help="A retrained study, or a bundle; default: the newest study.")
]
TrustOption = Annotated[bool, typer.Option("--trust-code", help="Run Python code that comes with a folder's model.")]


def find_bundle(runs: Path, name: str | None, *, trust_code: bool) -> tuple[Bundle, Run | None]:
    """Opens a bundle; returns the study beside it, if it is one's best.

    Code of a study's own was given to the search by the user, and may be run.

    Raises:
        UsageError: There is no such study or folder, or the study was not retrained.
        DataError: A file of the bundle is missing or changed.
    """
    from tunecli.store.layout import BestLayout
    from tunecli.store.run import find_run
    from tunecli.training.bundle import Bundle

    if name is not None and BestLayout(Path(name)).manifest.exists():
        return Bundle.open(Path(name), trust_code=trust_code), None
    run = find_run(runs, name)
    best = run.layout.best
    if not best.folder.exists():
        hint = f"train its winner: tunecli retrain {run.name} --full"
        raise UsageError("has no trained model yet", where=str(run.path), hint=hint)
    try:
        return Bundle.open(best.folder, trust_code=True), run
    except DataError as error:
        problem = error.problems[0]
        hint = problem.hint.replace("tunecli retrain", f"tunecli retrain {run.name}")
        raise DataError(problem.what, where=problem.where, hint=hint) from error
