"""`tunecli eject`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.files import write_text
from tunecli.cli.options import JsonOption, SetOption, SpecArgument


def eject(
    config: SpecArgument,
    output_path: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The script to write, - for stdout; default: named by the study."),
    ] = None,
    overrides: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the script if there is one.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the search as a script of plain KerasTuner and Keras that needs no tunecli."""
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.tools.eject import eject as write_script

    plan = resolve(load(config, overrides or []))
    default = Path(f"{plan.name}.py")
    path = None if str(output_path) == "-" else output_path or default
    text = write_script(plan, spec=config.name, script=(path or default).name)
    if path is not None:
        write_text(path, text, force=force)
        output.say(f"wrote {path}; next: python {path}")
    if as_json:
        output.json({"path": None if path is None else str(path), "text": text})
    elif path is None:
        output.result(text.rstrip("\n"))
