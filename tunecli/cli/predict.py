"""`tunecli predict`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.bundles import BundleArgument, TrustOption, find_bundle
from tunecli.cli.console import drop_stdout, output
from tunecli.cli.files import writing_text
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.store.run import Run
    from tunecli.tools.predict import Predictions
    from tunecli.training.bundle import Bundle
    from tunecli.training.rows import Rows

STDOUT = "-"


class Part(StrEnum):
    """A part of a study's own data."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def predict(
    run: BundleArgument = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE|-", help="Rows: CSV, Parquet, Feather or .npz; - for stdin.")
    ] = None,
    part: Annotated[Part | None, typer.Option("--part", help="Predict a part of the study's own data.")] = None,
    output_path: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE|-", help="The CSV file to write; - for stdout.")
    ] = STDOUT,
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")] = False,
    id_column: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Put this column of the data in front.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if there is one.")] = False,
    trust_code: TrustOption = False,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Predict rows with a trained model.

    Columns go by their names, others are ignored. One line is written for each row, in the order of the rows.
    """
    from tunecli.tools.predict import Predictions

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    _check(data, part, output_path, id_column, as_json=as_json)
    bundle, study = find_bundle(runs, run, trust_code=trust_code)
    predictions = Predictions(bundle, proba=proba, id_column=id_column)
    with _rows(bundle, study, data, part, id_column) as rows, _writer(output_path, force=force) as write:
        for text in predictions.csv(rows):
            write(text)
    _report(predictions, output_path, as_json=as_json)


def _check(data: str | None, part: Part | None, output_path: str, id_column: str | None, *, as_json: bool) -> None:
    """Makes sure that the options go together.

    Raises:
        UsageError: They do not.
    """
    if (data is None) == (part is None):
        what = "there are no rows to predict" if data is None else "--data and --part exclude each other"
        raise UsageError(what, hint="name a file with --data, or --part test for the study's own test part")
    if part is not None and id_column is not None:
        raise UsageError("the study's own rows have no ids", where="--id", hint="name the file with --data")
    if as_json and output_path == STDOUT:
        raise UsageError("--json and the predictions would share stdout", hint="write the predictions with -o FILE")
    if data is not None and output_path != STDOUT and _are_one(Path(data), Path(output_path)):
        raise UsageError("is the file that is read", where=output_path, hint="write to another file with -o")


def _are_one(data: Path, path: Path) -> bool:
    return path.is_file() and data.exists() and path.samefile(data)


@contextmanager
def _rows(
    bundle: Bundle, study: Run | None, data: str | None, part: Part | None, id_column: str | None
) -> Iterator[Rows]:
    from tunecli.training.rows import open_rows

    if part is not None:
        yield study_rows(bundle, study, part)
        return
    assert data is not None, "rows come from a file or a part"
    with open_rows(bundle.manifest, data, others=[] if id_column is None else [id_column]) as rows:
        yield rows


def study_rows(bundle: Bundle, study: Run | None, part: Part) -> Rows:
    """Returns the rows of a part of a study's own data.

    Raises:
        UsageError: There is no study, or no such part.
        DataError: The data are missing, or are not those of the search.
    """
    from tunecli.training.parts import load_part

    if study is None:
        hint = "name a file with --data, or the study itself"
        raise UsageError(f"a folder brings no data, and so no {part} part", where="--part", hint=hint)
    return load_part(study, bundle.manifest, part.value).rows


@contextmanager
def _writer(path: str, *, force: bool) -> Iterator[Any]:
    if path == STDOUT:
        try:
            yield sys.stdout.write
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has gone; Typer would call it a failure
            drop_stdout()
            raise typer.Exit from None
        return
    with writing_text(Path(path), force=force) as write:
        yield write


def _report(predictions: Predictions, path: str, *, as_json: bool) -> None:
    from tunecli.tools.predict import unusual_lines

    unusual = predictions.unusual
    for line in unusual_lines(unusual):
        output.say(line)
    if predictions.guarded:
        output.say(f"texts that begin like a formula, and were put behind an apostrophe: {predictions.guarded:,}")
    if path != STDOUT:
        output.say(f"wrote {path}: {predictions.rows:,} rows")
    if as_json:
        output.json(
            {
                "path": path,
                "rows": predictions.rows,
                "unusual_rows": unusual.unusual_rows,
                "columns": [
                    {"name": each.schema.name, "missing": each.missing, "unseen": each.unseen, "outside": each.outside}
                    for each in unusual.columns
                ],
                "guarded_texts": predictions.guarded,
            }
        )
