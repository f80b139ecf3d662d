"""The entry point: the table of commands, the switches that go anywhere, and the one handler of errors."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tunecli import __version__
from tunecli.cli.check import check
from tunecli.cli.compare import compare
from tunecli.cli.console import drop_stdout, output
from tunecli.cli.curves import curves
from tunecli.cli.datasets import app as datasets_app
from tunecli.cli.doctor import doctor
from tunecli.cli.eject import eject
from tunecli.cli.evaluate import evaluate
from tunecli.cli.export import export
from tunecli.cli.export_trials import export_trials
from tunecli.cli.github import annotate_errors
from tunecli.cli.init import init
from tunecli.cli.lr_find import lr_find
from tunecli.cli.predict import predict
from tunecli.cli.refine import refine
from tunecli.cli.report import report
from tunecli.cli.results import best, delete, list_, show
from tunecli.cli.retrain import retrain
from tunecli.cli.search import search
from tunecli.cli.spec import schema, validate
from tunecli.cli.trace import trace
from tunecli.cli.watch import watch
from tunecli.cli.why import why
from tunecli.errors import Interrupted, Problem, TunecliError

COMMANDS: dict[str, Callable[..., Any]] = {
    "init": init,
    "validate": validate,
    "check": check,
    "lr-find": lr_find,
    "search": search,
    "watch": watch,
    "best": best,
    "report": report,
    "show": show,
    "curves": curves,
    "why": why,
    "compare": compare,
    "refine": refine,
    "retrain": retrain,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    "export-trials": export_trials,
    "trace": trace,
    "list": list_,
    "delete": delete,
    "schema": schema,
    "eject": eject,
    "doctor": doctor,
}
"""By name, in the order of `--help`."""

_ANYWHERE = ("--quiet", "--verbose", "--debug")

app = typer.Typer(
    name="tunecli",
    help="A hyperparameter tuner for Keras: one YAML file in, an honest winner out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(datasets_app)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.result(f"tunecli {__version__}")
        raise typer.Exit


@app.callback()
def _switches(
    quiet: Annotated[bool, typer.Option("--quiet", help="Print results and errors only. Goes anywhere.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more. Goes anywhere.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks. Goes anywhere.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    output.quiet, output.verbose, output.debug = quiet, verbose, debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code.

    Args:
        arguments: What follows the program's name; default: that of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that the terminal cannot show is no reason to fail
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and returns its exit code; the only place that prints errors."""
    try:
        app(args=_switches_first(arguments), prog_name="tunecli")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except KeyboardInterrupt:
        return Interrupted.exit_code
    except BrokenPipeError:
        drop_stdout()  # the reader has gone: `tunecli list | head -1`
        return 0
    except Exception as error:
        if output.debug and not isinstance(error, Interrupted):
            raise
        problems = _problems(error)
        for problem in problems:
            output.problem(problem)
        if not isinstance(error, Interrupted):
            annotate_errors(problems)
        return error.exit_code if isinstance(error, TunecliError) else 1
    return 0


def _problems(error: Exception) -> tuple[Problem, ...]:
    """Returns what to tell a user about an error of any kind."""
    if isinstance(error, TunecliError):
        return error.problems
    if isinstance(error, OSError) and error.filename is not None:
        hint = "make room or see to the permissions, then run the same command again"
        return (Problem(str(error.strerror).lower(), where=str(error.filename), hint=hint),)
    return (Problem(f"unexpected {type(error).__name__}: {error}", hint="add --debug to see where it came from"),)


def _switches_first(arguments: Sequence[str]) -> list[str]:
    """Moves the switches that go anywhere in front of the command."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    moved = [each for each in arguments[:end] if each in _ANYWHERE]
    kept = [each for each in arguments[:end] if each not in _ANYWHERE]
    return [*dict.fromkeys(moved), *kept, *arguments[end:]]
