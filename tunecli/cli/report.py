"""`tunecli report`: a study as a page, or as Markdown for a pull request."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.advice import read_advice
from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.reports.report import Report
    from tunecli.store.run import Run


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "md"


def report(
    run: RunArgument = None,
    output_path: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file to write, - for stdout; default: report.html of the study."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="A page, or Markdown for a pull request.")] = Format.HTML,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file of -o if there is one.")] = False,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Write a study as one page that opens with no network: in words, tables and figures."""
    from tunecli.reports.report import read_report
    from tunecli.store.run import find_run

    is_printed = str(output_path) == "-"
    if open_ and (is_printed or format_ is Format.MARKDOWN):
        raise UsageError(
            "only a page in a file can be shown", where="--open", hint="drop it, or leave -o - and --format md out"
        )
    found = find_run(runs, run)
    with output.busy("reading the study"):
        read = read_report(found, advise=read_advice)
    for problem in read.damage:
        output.problem(problem)
    with output.busy("drawing"):
        text = _rendered(read, format_)
    path = None if is_printed else _write(found, format_, output_path, text, force=force)
    if path is not None:
        output.say(f"wrote {path} ({len(text.encode()) / 1e6:.1f} MB)" if format_ is Format.HTML else f"wrote {path}")
    if as_json:
        output.json(_document(read, path, text))
    elif path is None:
        output.result(text.rstrip("\n"))
    if open_ and path is not None:
        _open(path)


def _rendered(read: Report, format_: Format) -> str:
    if format_ is Format.MARKDOWN:
        from tunecli.reports.report_markdown import render_markdown

        return render_markdown(read)
    from tunecli import __version__
    from tunecli.reports.figures import figures
    from tunecli.reports.page import render_page

    drawn = [] if read.data is None else figures(read.data)
    return render_page(read, drawn, version=__version__)


def _write(run: Run, format_: Format, chosen: Path | None, text: str, *, force: bool) -> Path:
    """Writes the report: to the study's own file, which it may overwrite, or to the chosen one."""
    if chosen is None:
        from tunecli.store.files import write_whole

        path = run.layout.report if format_ is Format.HTML else run.layout.report_markdown
        write_whole(path, text.encode())
        return path
    from tunecli.cli.files import writing_text

    with writing_text(chosen, force=force) as write:
        write(text)
    return chosen


def _document(read: Report, path: Path | None, text: str) -> dict[str, object]:
    summary = read.summary
    return {
        "study": read.name,
        "state": read.state.value,
        "path": None if path is None else str(path),
        "summary": {
            "headline": summary.headline,
            "searched": list(summary.searched),
            "winner": list(summary.winner),
            "certainty": list(summary.certainty),
            "comparison": list(summary.comparison),
            "next": [{"what": each.what, "command": each.command} for each in summary.steps],
        },
        "damage": [{"where": each.where, "what": each.what} for each in read.damage],
        **({"text": text} if path is None else {}),
    }


def _open(path: Path) -> None:
    """Shows a file in the browser; where there is none, that is said, and nothing fails."""
    import webbrowser

    try:
        is_open = webbrowser.open(path.absolute().as_uri())
    except (webbrowser.Error, OSError):
        is_open = False
    if not is_open:
        output.say(f"no browser was found here; open {path} by hand")
