"""`tunecli validate` and `tunecli schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.options import JsonOption, SetOption, SpecArgument
from tunecli.errors import TunecliError, UsageError

if TYPE_CHECKING:
    from tunecli.plan import Plan


def validate(config: SpecArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a config and say what it comes to; nothing is trained or downloaded."""
    from tunecli.plan import advice, data_notes, resolve
    from tunecli.spec.load import load

    try:
        file = load(config, overrides or [])
        with output.busy("reading the data"):
            plan = resolve(file)
    except TunecliError as error:
        if not as_json:
            raise
        problems = [{"where": each.where, "what": each.what, "hint": each.hint} for each in error.problems]
        output.json({"valid": False, "problems": problems})
        raise typer.Exit(error.exit_code) from None
    for line in (*data_notes(plan), *advice(plan)):
        output.say(f"note: {line}")
    if as_json:
        output.json({"valid": True, "plan": plan.model_dump(mode="json")})
    else:
        output.result(f"{config}: fine — {_in_short(plan)}")


def schema(
    file: Annotated[Path | None, typer.Option("-o", "--output", help="Write it to this file.")] = None,
) -> None:
    """Print the JSON schema of a config, for completion and hints in editors."""
    import json

    from tunecli.datasets import DATASETS
    from tunecli.families import FAMILIES
    from tunecli.spec.schema import json_schema
    from tunecli.study.objective import AUXILIARY_METRICS, FOLD, METRICS, VALIDATION

    metrics = [f"{prefix}{name}" for prefix in (VALIDATION, "", FOLD) for name in (*METRICS, *AUXILIARY_METRICS)]
    document = json_schema(datasets=DATASETS, families=FAMILIES, metrics=metrics)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if file is None:
        output.result(text)
        return
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from None
    output.say(f"wrote {file}; a config finds it by its first line: # yaml-language-server: $schema=./{file.name}")


def _in_short(plan: Plan) -> str:
    if plan.custom is not None:
        found = f"{plan.custom.source.file} declares what is searched, found when a search starts"
        return f"{plan.family} on {plan.dataset.name}, {plan.tuner.name}; {found}"
    count = len(plan.space)
    parts = [
        f"{plan.family} on {plan.dataset.name}",
        f"{count} parameter{'s' * (count != 1)} searched",
        plan.tuner.name,
        f"{plan.trial_count} trial{'s' * (plan.trial_count != 1)}",
        f"{plan.epoch_count} epoch{'s' * (plan.epoch_count != 1)}",
    ]
    return ", ".join(parts)
