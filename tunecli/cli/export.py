"""`tunecli export`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tunecli.cli.bundles import BundleArgument, TrustOption, find_bundle
from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption


def export(
    run: BundleArgument = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="keras, h5, weights, saved_model, tflite or onnx.")
    ] = "keras",
    output_path: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write; default: named by study and format.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an older export.")] = False,
    trust_code: TrustOption = False,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the retrained model in another format, with its preprocessing, and check that it predicts the same."""
    from tunecli.training.exports import FORMATS
    from tunecli.training.exports.folder import check_target

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    name = FORMATS.canonical(format_)
    bundle, study = find_bundle(runs, run, trust_code=trust_code)
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
