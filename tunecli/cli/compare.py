"""`tunecli compare`: studies beside each other, from their records alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.reports.comparison.compare import StudyComparison
    from tunecli.store.run import Run


def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Studies, by name or folder; at least two.")],
    metric: Annotated[
        str | None, typer.Option("--metric", help="Compare by this metric; default: the studies' objective.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR|FILE.png", help="Draw the curves; CSV goes beside.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Put studies beside each other: what differs, which is better, and whether that may be chance."""
    from tunecli.plan import Plan
    from tunecli.reports.comparison.compare import compare_studies, comparison_document
    from tunecli.reports.comparison.study import gather
    from tunecli.store.run import find_run

    found = [find_run(runs, name) for name in names]
    _require_several(found)
    picture = None if out is None else _free_files(out, force=force)
    studies = []
    for run, label in zip(found, _labels(found), strict=True):
        Plan.of(run)  # one that is damaged is named here; the report takes it as it stands
        study, problems = gather(run, label)
        studies.append(study)
        for problem in problems:
            output.problem(problem)
    comparison = compare_studies(studies, metric)
    if picture is not None and comparison.objective is None:
        hint = "compare by one that all have with --metric, or leave -o out"
        raise UsageError("the studies have other objectives, and no axis in common", where="-o", hint=hint)
    for note in comparison.notes:
        output.say(f"note: {note}")
    if as_json:
        output.json(comparison_document(comparison))
    else:
        from tunecli.reports.comparison.tables import comparison_view

        output.print(comparison_view(comparison))
    if picture is not None:
        _draw(comparison, picture)


def _require_several(runs: Sequence[Run]) -> None:
    folders = [run.path.resolve() for run in runs]
    if len(folders) < 2:
        raise UsageError("there is nothing to compare it with", where=str(runs[0].path), hint="name another study")
    twice = next((run for run, folder in zip(runs, folders, strict=True) if folders.count(folder) > 1), None)
    if twice is not None:
        raise UsageError("is named twice", where=str(twice.path), hint="name each study once")


def _labels(runs: Sequence[Run]) -> list[str]:
    """Returns the names of studies; the paths of those that share one."""
    names = [run.name for run in runs]
    return [str(run.path) if names.count(run.name) > 1 else run.name for run in runs]


def _free_files(out: Path, *, force: bool) -> Path:
    """Returns the picture to draw.

    Raises:
        UsageError: It, or the table beside it, is there already.
    """
    from tunecli.reports.comparison.picture import table_paths

    picture = out if out.suffix.lower() == ".png" else out / "compare.png"
    taken = next((path for path in (picture, *table_paths(picture)) if path.exists()), None)
    if taken is not None and not force:
        hint = "write elsewhere with -o, or overwrite it with --force"
        raise UsageError("is there already", where=str(taken), hint=hint)
    return picture


def _draw(comparison: StudyComparison, picture: Path) -> None:
    from tunecli.reports.comparison.picture import draw_curves, write_tables

    draw_curves(comparison, picture)
    written = [picture, *write_tables(comparison, picture)]
    output.say(f"wrote {', '.join(map(str, written))}")
