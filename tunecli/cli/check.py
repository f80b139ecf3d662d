"""`tunecli check`."""

from __future__ import annotations

import os

from tunecli.cli.console import output
from tunecli.cli.gates import AcceptOption, Inspection, StrictOption, check_accepted
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption, SetOption, SpecArgument


def check(
    config: SpecArgument,
    overrides: SetOption = None,
    strict: StrictOption = False,
    accept: AcceptOption = None,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Look for leaks and mistakes in the data and their split; a search does it too before it begins."""
    from tunecli.datasets.checks import examine
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.training.data import load as load_data

    accepted = check_accepted(accept, is_strict=strict)
    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    file = load(config, overrides or [])
    plan = resolve(file, runs=runs)
    with output.busy("reading the data"):
        checks = examine(*load_data(plan.dataset))
    if as_json:
        output.json(checks.model_dump(mode="json", exclude={"version"}))
    elif checks.findings:
        from tunecli.reports.tables import checks_view

        output.print(checks_view(checks))
    else:
        parts = ", ".join(f"{part} {count:,}" for part, count in checks.rows.items())
        output.result(f"{config}: nothing found in {plan.dataset.name} (rows: {parts})")
    inspection = Inspection(file, strict, accepted)
    inspection.refuse(checks)
    inspection.annotate(checks)
