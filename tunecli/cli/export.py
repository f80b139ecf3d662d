"""`tunecli export`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption
from tunecli.errors import StudyError

if TYPE_CHECKING:
    from tunecli.store.run import Run


def export(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN|FOLDER]", help="A study, or a bundle; default: the newest study.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="keras, h5, weights, saved_model, tflite or onnx.")
    ] = "keras",
    output_path: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write; default: named by study and format.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an older export.")] = False,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a bundle brings.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the retrained model in another format, with its preprocessing, and check that it predicts the same."""
    from tunecli.training.bundle import Bundle
    from tunecli.training.exports import FORMATS
    from tunecli.training.exports.folder import check_target

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    name = FORMATS.canonical(format_)
    folder, study = _find(runs, run)
    bundle = Bundle.open(folder, trust_code=trust_code or study is not None)
    target = output_path or Path(f"{bundle.manifest.study}-{name}")
    check_target(target, force=force)

    from tunecli.training.exports.export import export as export_bundle
    from tunecli.training.exports.export import require_packages

    require_packages(name)
    with output.busy(f"exporting as {name}"):
        document = export_bundle(bundle, name, target, study=study)
    if as_json:
        output.json({"folder": str(target), **document})
        return
    _show(document, target)


def _find(runs: Path, name: str | None) -> tuple[Path, Run | None]:
    """Returns a bundle's folder, and the study that it lies in; None for a bundle that was named itself.

    Raises:
        UsageError: There is neither a study nor a bundle of this name.
        StudyError: The study has not been retrained.
    """
    from tunecli.store.layout import BestLayout
    from tunecli.store.run import find_run

    if name is not None and BestLayout(Path(name)).manifest.is_file():
        return Path(name), None
    study = find_run(runs, name)
    best = study.layout.best
    if not best.folder.exists():
        hint = f"train the winner first: tunecli retrain {study.name} --full"
        raise StudyError("there is no trained model yet", where=str(study.path), hint=hint)
    return best.folder, study


def _show(document: dict[str, Any], target: Path) -> None:
    check = document["check"]
    output.result(f"{target / document['file']}: preprocessing {document['preprocessing']}")
    output.result(
        f"greatest difference to the bundle: {check['greatest_difference']:.2g} "
        f"({check['tolerance']:g} is allowed) on {check['origin']}"
    )
    for note in document["notes"]:
        output.say(f"note: {note}")
    output.say(f"how to use it: {target / 'README.md'}")
