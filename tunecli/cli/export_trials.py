"""`tunecli export-trials`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import drop_stdout, output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.reports.trial_exports import TrialFormat

STDOUT = "-"


def export_trials(
    run: RunArgument = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="csv, json, parquet, optuna, tensorboard or keras-tuner.")
    ] = "csv",
    output_path: Annotated[
        str | None,
        typer.Option("-o", "--output", help="Where to, - for stdout; default: named by study and format."),
    ] = None,
    by_epoch: Annotated[bool, typer.Option("--epochs", help="csv, parquet: a row an epoch, not a trial.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an older export.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
    as_json: JsonOption = False,
) -> None:
    """Write a study's trials for other programs; for the retrained model, see export."""
    from tunecli.reports.study_data import read_study_data
    from tunecli.reports.trial_exports import TRIAL_FORMATS
    from tunecli.reports.trial_exports.place import check_place, put, text_of
    from tunecli.store.run import find_run

    format_ = TRIAL_FORMATS.canonical(format_)
    member = TRIAL_FORMATS.load(format_)
    _check(member, output_path, by_epoch=by_epoch, as_json=as_json)
    found = find_run(runs, run)
    path = Path(output_path or f"{found.name}{'-epochs' if by_epoch else ''}{member.ending}")
    if output_path != STDOUT:
        check_place(path, member, force=force)
    study = read_study_data(found)
    for problem in study.damage:
        output.problem(problem)
    with output.busy(f"exporting as {format_}"):
        if output_path == STDOUT:
            text, notes = text_of(member, study, found, by_epoch=by_epoch)
        else:
            notes = put(member, study, found, path, by_epoch=by_epoch)
    for note in notes:
        output.say(f"note: {note}")
    if output_path == STDOUT:
        _print(text)
    elif as_json:
        document = {"study": study.name, "format": format_, "path": str(path), "trials": len(study.snapshot.trials)}
        output.json({**document, "notes": notes})
    else:
        output.result(f"{path}: {len(study.snapshot.trials):,} trials of {study.name}")
        output.say(f"open it: {member.usage(study, path)}")


def require_package(name: str, where: str) -> None:
    """Makes sure that a package is there that an extra of the same name brings; takes no time.

    Raises:
        UsageError: It is not.
    """
    if find_spec(name) is None:
        raise UsageError(f"{name} is not installed", where=where, hint=f"pip install 'tunecli[{name}]'")


def _check(member: TrialFormat, output_path: str | None, *, by_epoch: bool, as_json: bool) -> None:
    """Makes sure that the options go together, and that the format can be written here.

    Raises:
        UsageError: They do not, or a package is missing.
    """
    from tunecli.reports.trial_exports import Target

    if by_epoch and not member.has_epochs:
        hint = "drop it: csv and parquet have a row a trial or an epoch, the other formats have both"
        raise UsageError(f"{member.name} has no tables", where="--epochs", hint=hint)
    if output_path == STDOUT and member.target is not Target.TEXT:
        raise UsageError(f"{member.name} cannot be written to stdout", where="-o", hint="name a file with -o")
    if output_path == STDOUT and as_json:
        raise UsageError("--json and the trials would share stdout", hint="write the trials with -o FILE")
    if member.package is not None:
        require_package(member.package, "--format")


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone; Typer would call it a failure
        drop_stdout()
        raise typer.Exit from None
