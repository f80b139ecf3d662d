"""`tunecli trace`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption, SetOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.tools.trace import Looks, Subject

COSTS = ("sse", "mse", "sse/2m")
"""What a cost surface may be of."""


def trace(
    source: Annotated[
        str | None, typer.Argument(metavar="CONFIG|RUN", help="A config, or a study; default: the newest study.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option("--trial", help="Of a study: a trial's number; default: the best.")
    ] = None,
    overrides: SetOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The folder to write; default: trace, or the study's trace/N."),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Train so many at most.")] = None,
    animate: Annotated[bool, typer.Option("--animate", help="Draw path and line as a film, GIF and WebP.")] = False,
    cost: Annotated[
        str | None, typer.Option("--cost", metavar="|".join(COSTS), help="What the surface shows; default: sse/2m.")
    ] = None,
    weight_range: Annotated[
        tuple[float, float] | None, typer.Option("--weight-range", metavar="LOW HIGH", help="Of the surface.")
    ] = None,
    bias_range: Annotated[
        tuple[float, float] | None, typer.Option("--bias-range", metavar="LOW HIGH", help="Of the surface.")
    ] = None,
    levels: Annotated[
        int | None, typer.Option("--levels", min=1, max=200, help="Contour lines of the surface; default: 24.")
    ] = None,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train one configuration and record every update: losses, weights, gradients, and pictures of them.

    A config must leave nothing open; -S fixes values, model.initial_weights and model.initial_bias say where a linear
    model begins, and training.shuffle and training.batch_size which rows each update sees.
    """
    from tunecli.store.layout import TraceLayout
    from tunecli.tools.trace.looks import require_drawable

    looks = _looks(cost, weight_range, bias_range, levels, animate=animate)
    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    with _subject(source, trial, overrides or [], runs, epochs) as subject:
        target = folder or _folder(subject)
        if target.exists() and not target.is_dir():
            raise UsageError("is a file", where=str(target), hint="name a folder with -o")
        require_drawable(subject, looks)
        for note in subject.notes:
            output.say(f"note: {note}")
        document = _traced(subject, target, looks)
    if looks.animate:
        _say_frames(document["updates"])
    if as_json:
        output.json(document)
    else:
        from tunecli.reports.trace import trace_view

        output.print(trace_view(document))
    if document["stopped"]:
        output.say(f"ended early: {document['stopped']}")
    output.say(f"wrote {TraceLayout(target).table} and {len(document['files']) - 1} pictures")


def _looks(
    cost: str | None,
    weight_range: tuple[float, float] | None,
    bias_range: tuple[float, float] | None,
    levels: int | None,
    *,
    animate: bool,
) -> Looks:
    """Returns what is to be drawn.

    Raises:
        UsageError: There is no such cost, or a range is empty.
    """
    from tunecli.registry import did_you_mean
    from tunecli.tools.trace.looks import DEFAULT_LEVELS, Looks

    if cost is not None and cost not in COSTS:
        raise UsageError(f"'{cost}' is no cost", where="--cost", hint=did_you_mean(cost, COSTS))
    for name, found in (("--weight-range", weight_range), ("--bias-range", bias_range)):
        if found is not None and not found[0] < found[1]:
            raise UsageError(f"{found[0]:g} is not below {found[1]:g}", where=name, hint="swap the two")
    return Looks(cost, weight_range, bias_range, levels or DEFAULT_LEVELS, animate)


@contextmanager
def _subject(
    source: str | None, trial: int | None, overrides: list[str], runs: Path, epochs: int | None
) -> Iterator[Subject]:
    """Gives what is to be trained.

    Raises:
        UsageError: An option is for a config, or for a study, and this is the other.
    """
    from tunecli.store.run import find_run
    from tunecli.tools.trace.subject import subject_of_spec, subject_of_trial

    if source is not None and _is_config(source):
        if trial is not None:
            raise UsageError("a config has no trials", where="--trial", hint="drop it, or name a study")
        with subject_of_spec(Path(source), overrides, runs, epochs) as subject:
            yield subject
        return
    run = find_run(runs, source)
    if overrides:
        hint = "trace the spec that it was made from: tunecli trace CONFIG -S …"
        raise UsageError("a study's values are what they are", where=f"--set {overrides[0]}", hint=hint)
    yield subject_of_trial(run, trial, epochs)


def _is_config(source: str) -> bool:
    return Path(source).suffix in (".yaml", ".yml") or Path(source).is_file()


def _folder(subject: Subject) -> Path:
    if subject.run is None:
        return Path("trace")
    assert subject.trial is not None, "it is a trial's"
    return subject.run.layout.trace(subject.trial)


def _traced(subject: Subject, folder: Path, looks: Looks) -> dict[str, Any]:
    from tunecli.training.runtime import import_tensorflow

    with output.busy("starting TensorFlow"):
        import_tensorflow()
    from tunecli.tools.trace import train, write

    with _progress(subject.title) as watch:
        traced = train(subject, watch)
    with output.busy("drawing"):
        return write(traced, folder, looks)


@contextmanager
def _progress(title: str) -> Iterator[Any]:
    """Gives what is told of each epoch: a line that changes on a terminal, else a note."""

    def note(epoch: int, epochs: int) -> None:
        output.note(f"{title}: epoch {epoch} of {epochs}")

    if not output.is_animated:
        yield note
        return
    with output.stderr_console().status(f"{title}: training") as status:
        yield lambda epoch, epochs: status.update(f"{title}: epoch {epoch} of {epochs}")


def _say_frames(updates: int) -> None:
    from tunecli.tools.trace.film import frames_of

    shown = len(frames_of(updates))
    if shown < updates + 1:
        output.say(f"the film shows {shown} of {updates + 1} states, evenly spread")
