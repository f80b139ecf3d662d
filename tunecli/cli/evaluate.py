"""`tunecli evaluate`."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.bundles import BundleArgument, TrustOption, find_bundle
from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.store.run import Run
    from tunecli.tools.evaluate import Evaluation
    from tunecli.training.bundle import Bundle


class Part(StrEnum):
    """A part of a study's own data that a model may be evaluated on."""

    VALIDATION = "validation"
    TEST = "test"


def evaluate(
    run: BundleArgument = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE|-", help="Rows with their targets; default: the study's test part."),
    ] = None,
    part: Annotated[Part | None, typer.Option("--part", help="A part of the study's own data; default: test.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Evaluate each group of rows by itself, too.")
    ] = None,
    trust_code: TrustOption = False,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a trained model by every fitting figure, with 95 % intervals.

    Without --data, it is a look at the test part, and counted as one.
    """
    from tunecli.tools.predict import unusual_lines

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    if data is not None and part is not None:
        raise UsageError("--data and --part exclude each other", hint="leave out one of them")
    bundle, study = find_bundle(runs, run, trust_code=trust_code)
    manifest = bundle.manifest
    if data is not None:
        found, looks = _on_file(bundle, data, by), None
    else:
        found, looks = _on_part(bundle, study, part or Part.TEST, by)
    document = {
        "study": manifest.study,
        "trial": manifest.trial,
        "data": data,
        "part": None if data is not None else (part or Part.TEST).value,
        **found.document(),
        "unusual_rows": found.unusual.unusual_rows,
        "test_looks": looks,
    }
    if as_json:
        output.json(document)
    else:
        from tunecli.reports.evaluation import evaluation_view

        what = f"the {document['part']} part" if data is None else "standard input" if data == "-" else data
        output.say(f"{manifest.study}: trial {manifest.trial} on {what}, {document['rows']:,} rows")
        output.print(evaluation_view(document))
    for line in unusual_lines(found.unusual):
        output.say(line)
    if looks is not None:
        output.say(f"looks at the test part so far: {looks}")


def _on_file(bundle: Bundle, data: str, by: str | None) -> Evaluation:
    from tunecli.tools.evaluate import evaluate_file
    from tunecli.training.rows import open_rows

    group = bundle.manifest.options.group
    needed = [*bundle.manifest.target_columns, *([] if by is None else [by])]
    with (
        open_rows(bundle.manifest, data, others=needed, optional=[] if group is None else [group]) as rows,
        output.busy("evaluating"),
    ):
        return evaluate_file(bundle, rows, by=by, group=group)


def _on_part(bundle: Bundle, study: Run | None, part: Part, by: str | None) -> tuple[Evaluation, int | None]:
    """Returns the evaluation, and how often the test part has been looked at if it was now."""
    from tunecli.store.study import OpenStudy
    from tunecli.tools.evaluate import evaluate_part, require_feature
    from tunecli.training.looks import note_test_look
    from tunecli.training.parts import load_part

    if study is None:
        hint = "name a file with --data, or the study itself"
        raise UsageError(f"a folder brings no data, and so no {part} part", where=str(bundle.layout.folder), hint=hint)
    manifest = bundle.manifest
    if part is not Part.TEST:
        if manifest.full:
            output.say("the model was trained on the validation rows, too: expect worse figures on new rows")
        with output.busy("evaluating"):
            return evaluate_part(bundle, load_part(study, manifest, part.value), by=by), None
    with OpenStudy(study) as held, output.busy("evaluating"):
        held.run.test_looks()  # what is wrong is said before the test part is looked at
        rows = load_part(study, manifest, part.value)
        require_feature(rows, by)
        bundle.load()
        note_test_look(study, by="evaluate", trial=manifest.trial, full=manifest.full, seed=None)
        return evaluate_part(bundle, rows, by=by), len(held.run.test_looks())
