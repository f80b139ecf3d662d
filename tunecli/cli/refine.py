"""`tunecli refine`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.files import writing_text
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.store.run import Run
    from tunecli.study.snapshot import Snapshot
    from tunecli.tools.refine import Refinement


def refine(
    run: RunArgument = None,
    output_path: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The spec to write, - for stdout; default: named by the next study."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what made no difference, at the winner's value.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the spec if there is one.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
    as_json: JsonOption = False,
) -> None:
    """Write the next search's spec: a study's own, with the ranges that its trials ask for."""
    from tunecli.store.run import find_run
    from tunecli.store.salvage import read_study
    from tunecli.tools.refine import refine as refine_spec

    found = find_run(runs, run)
    snapshot, damage = read_study(found)
    for problem in damage:
        output.problem(problem)
    is_file = str(output_path) != "-"
    folder = output_path.parent if output_path is not None and is_file else Path()
    if is_file and output_path is not None and output_path.exists() and not force:
        hint = "write to another file with -o, or overwrite it with --force"
        raise UsageError("is there already", where=str(output_path), hint=hint)
    with output.busy("reading the study"):
        refined = refine_spec(found, snapshot, output_path if is_file and output_path else folder / "-", runs, fix=fix)
    path = (output_path or Path(f"{refined.name}.yaml")) if is_file else None
    if path is not None and refined.edits:
        with writing_text(path, force=force) as write:
            write(refined.text)
    _say(found, snapshot, refined)
    if as_json:
        output.json(_document(found, refined, path))
    elif refined.edits:
        _show(refined, path)
    if refined.edits:
        next_ = "save it" if path is None else f"wrote {path}"
        output.say(f"{next_}; next: tunecli search {path or 'FILE'}")


def _show(refined: Refinement, path: Path | None) -> None:
    """Prints the spec where it goes to stdout, and else what has changed."""
    if path is None:
        output.result(refined.text.rstrip("\n"))
        return
    from tunecli.reports.space.refinement import refinement_table

    output.print(refinement_table((each.parameter, each.before, each.after, each.why) for each in refined.edits))


def _say(run: Run, snapshot: Snapshot, refined: Refinement) -> None:
    """Says what the table does not."""
    from tunecli.reports.space.advice import too_few

    if run.is_held():
        output.say(f"note: the search still runs; this rests on {len(snapshot.completed)} completed trials")
    if refined.restored:
        words = "; ".join(refined.restored)
        output.say(
            f"note: the search was begun or continued otherwise than its spec.yaml says, and that is kept: {words}"
        )
    for each in refined.left:
        output.say(f"note: {each.parameter} stays as it was, not {each.after}: {each.why}")
    if refined.fixable:
        output.say(f"note: {', '.join(refined.fixable)} made no difference that shows: --fix fixes them")
    if not refined.edits:
        reason = too_few(snapshot) or "the trials ask for no other range"
        output.say(f"nothing to change in {run.name}, and nothing written: {reason}")


def _document(run: Run, refined: Refinement, path: Path | None) -> dict[str, Any]:
    return {
        "study": run.name,
        "name": refined.name if refined.edits else None,
        "path": str(path) if path is not None and refined.edits else None,
        "changes": [
            {"parameter": each.parameter, "before": each.before, "after": each.after, "why": list(each.why)}
            for each in refined.edits
        ],
        "left": [{"parameter": each.parameter, "after": each.after, "why": each.why} for each in refined.left],
        "fixable": list(refined.fixable),
        "restored": list(refined.restored),
        "text": refined.text if refined.edits else None,
    }
