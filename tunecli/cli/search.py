"""`tunecli search`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.advice import MOST_SAID, read_advice, say_advice
from tunecli.cli.console import output
from tunecli.cli.export_trials import require_package
from tunecli.cli.gates import (
    AcceptOption,
    FailIfOption,
    Inspection,
    JunitOption,
    StrictOption,
    check_accepted,
    check_junit,
    judge_winner,
    measured_metrics,
    report_search,
    require_passed,
    searched_thresholds,
    verdicts_json,
)
from tunecli.cli.interrupts import Interrupts
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunsOption, SetOption, SpecArgument
from tunecli.cli.results import print_leaderboard, read_baselines
from tunecli.errors import Interrupted, UsageError

_STOPPED = {"target": "objective.target", "no_gain": "stop_when.no_gain", "max_time": "limits.max_time"}
"""By the reason, the line of a spec that ended a search before its last trial."""

if TYPE_CHECKING:
    from tunecli.plan import Plan
    from tunecli.reports.live import View
    from tunecli.search.session import Session
    from tunecli.search.slots import Protection
    from tunecli.spec.load import SpecFile
    from tunecli.study.threshold import Verdict


def search(
    config: SpecArgument,
    overrides: SetOption = None,
    runs: RunsOption = DEFAULT_RUNS,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="N|auto", help="Trials at a time; sets limits.workers.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS|local|FILE", help="Run trials on a Dask cluster."),
    ] = None,
    tls_ca: Annotated[Path | None, typer.Option("--tls-ca", help="The cluster's authority, in PEM.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="The certificate to show to it.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="The certificate's private key.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept a cluster without TLS.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="Name of the study; default: the spec's.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew beside an older study of the name.")] = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="Two trials of one epoch, on a few rows.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write events for TensorBoard as the search goes.")
    ] = False,
    strict: StrictOption = False,
    accept: AcceptOption = None,
    fail_if: FailIfOption = None,
    junit: JunitOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search for the best hyperparameters; run it again to continue."""
    from tunecli.plan import resolve
    from tunecli.spec.experiment import NAME_PATTERN
    from tunecli.spec.load import load
    from tunecli.store.run import Run

    _check(strict=strict, smoke=smoke, tensorboard=tensorboard)
    accepted = check_accepted(accept, is_strict=strict)
    check_junit(junit)
    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    file = load(config, [*(overrides or []), *_placed(workers, cluster)])
    with output.busy("reading the data"):
        plan = resolve(file, runs=runs)
    if plan.custom is not None or plan.callbacks:
        from tunecli.search.discovery import plan_with_code

        with output.busy("running your code"):
            plan, notes = plan_with_code(file, plan, runs)
        for line in notes:
            output.say(f"note: {line}")
    if name is not None:
        if not re.fullmatch(NAME_PATTERN, name):
            hint = "use letters, digits, dots, dashes and underscores"
            raise UsageError(f"'{name}' is not a study's name", where="--name", hint=hint)
        plan = plan.model_copy(update={"name": name})
    thresholds = searched_thresholds(fail_if, plan)
    if dry_run:
        _show_dry_run(plan, as_json=as_json)
        return
    resume_hint = "the same command continues"
    if smoke:
        from tunecli.plan.smoke import smoke as make_smoke

        plan = make_smoke(plan)
        if Run(runs / plan.name).exists():
            Run(runs / plan.name).delete()
    elif fresh:
        from tunecli.search.resume import free_name

        plan = plan.model_copy(update={"name": free_name(runs, plan.name)})
        resume_hint = f"the same command with --name {plan.name} instead of --fresh continues"
    from tunecli.search.slots import Protection

    protection = Protection(tls_ca, tls_cert, tls_key, insecure)
    try:
        session = _run(
            file,
            plan,
            runs,
            resume_hint=resume_hint,
            protection=protection,
            inspection=None if smoke else Inspection(file, strict, accepted),
            tensorboard=tensorboard,
        )
    except Interrupted:  # a job that takes too long is stopped, and read nonetheless
        run = Run(runs / plan.name)
        report_search(run, run.snapshot(), (), junit)
        raise
    verdicts = judge_winner(thresholds, session.snapshot)
    report_search(session.run, session.snapshot, verdicts, junit)
    _show_result(session, verdicts, as_json=as_json)
    require_passed(verdicts, where=str(session.run.path))


def _check(*, strict: bool, smoke: bool, tensorboard: bool) -> None:
    """Makes sure that the options go together, and that what they take is installed.

    Raises:
        UsageError: They do not, or it is not.
    """
    if strict and smoke:
        hint = "drop it, or check them: tunecli check --strict"
        raise UsageError("--smoke checks no data", where="--strict", hint=hint)
    if tensorboard:
        require_package("tensorboard", "--tensorboard")


def _placed(workers: str | None, cluster: str | None) -> list[str]:
    """Returns the options that say where trials run, as overrides of the spec."""
    found = [] if workers is None else [f"limits.workers={workers}"]
    if cluster is None:
        return found
    is_file = cluster != "local" and "://" not in cluster
    return [*found, "limits.executor=dask", f"limits.address={Path(cluster).absolute() if is_file else cluster}"]


def _run(
    file: SpecFile,
    plan: Plan,
    runs: Path,
    *,
    resume_hint: str,
    protection: Protection,
    inspection: Inspection | None,
    tensorboard: bool,
) -> Session:
    from tunecli.plan import advice, data_notes

    with output.busy("reading the data"):
        from tunecli.search.session import run_session

    for line in (*data_notes(plan), *advice(plan)):
        output.say(f"note: {line}")
    with Interrupts(output.say) as interrupts:
        return run_session(
            file,
            plan,
            runs,
            _view(plan, runs, tensorboard=tensorboard),
            say=output.say,
            resume_hint=resume_hint,
            busy=output.busy,
            stopped_by=interrupts.handed_to,
            protection=protection,
            inspect=inspection,
        )


def _view(plan: Plan, runs: Path, *, tensorboard: bool) -> View:
    """Returns who watches the search: the terminal, and TensorBoard's events where they are wanted."""
    from tunecli.reports.live import Views, make_view

    shown = make_view(output)
    if not tensorboard:
        return shown
    from tunecli.reports.tensorboard.view import TensorBoardView
    from tunecli.store.run import Run

    run = Run(runs / plan.name)
    output.say(f"for TensorBoard: tensorboard --logdir {shlex.quote(str(run.layout.tensorboard))}")
    events = TensorBoardView(run, plan.space, plan.evaluation, measured_metrics(plan), warn=shown.message)
    return Views(shown, events)


def _show_result(session: Session, verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    from tunecli.reports.data import best_json
    from tunecli.reports.space.advice import rests_on_trials
    from tunecli.reports.tables import baselines_view
    from tunecli.search.session import require_success

    require_success(session)
    if session.reason in _STOPPED:
        output.say(f"stopped at {_STOPPED[session.reason]}; change it and run the same command to go on")
    baselines = read_baselines(session.run)
    new = [each for each in read_advice(session.run, session.snapshot) if rests_on_trials(each)]
    if as_json:
        say_advice(session.run, new, most=MOST_SAID)
        output.json({**best_json(session.snapshot, baselines=baselines), **verdicts_json(verdicts)})
        return
    print_leaderboard(session.run, session.snapshot, 5)
    if baselines:
        output.print(baselines_view(baselines, session.snapshot))
    say_advice(session.run, new, most=MOST_SAID)
    output.say(f"look: tunecli report --open {session.run.name}")
    output.say(f"next: tunecli retrain --full {session.run.name}")


def _show_dry_run(plan: Plan, *, as_json: bool) -> None:
    from tunecli.plan import advice, data_notes
    from tunecli.plan.preview import preview
    from tunecli.reports.preview import preview_text
    from tunecli.training.estimate import disk_bytes
    from tunecli.training.runtime import import_tensorflow

    # how large a model of the user's is, is known once it has seen rows
    if plan.custom is not None or plan.callbacks or plan.init_from is not None:
        document = {**preview(plan), "disk_bytes": None}
    else:
        with output.busy("starting TensorFlow"):
            import_tensorflow()
        document = {**preview(plan), "disk_bytes": disk_bytes(plan)}
    for line in (*data_notes(plan), *advice(plan)):
        output.say(f"note: {line}")
    if as_json:
        output.json(document)
    else:
        output.result(preview_text(document))
