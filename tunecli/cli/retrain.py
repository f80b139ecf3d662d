"""`tunecli retrain`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, OfflineOption, RunArgument, RunsOption


def retrain(
    run: RunArgument = None,
    trial: Annotated[int | None, typer.Option("--trial", help="A trial's number; default: the winner.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Train on the validation rows too.")] = False,
    runs: RunsOption = DEFAULT_RUNS,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train the winner once more and evaluate it on the test part."""
    from tunecli.errors import StudyError, UsageError
    from tunecli.reports.tables import scores_table
    from tunecli.store.run import find_run
    from tunecli.store.study import OpenStudy
    from tunecli.training.runtime import import_tensorflow

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    with output.busy("starting TensorFlow"):
        import_tensorflow()
        from tunecli.training.retrain import retrain as retrain_trial

    with OpenStudy(find_run(runs, run)) as study:
        snapshot = study.snapshot
        if trial is not None and trial not in snapshot.trials:
            raise UsageError(
                f"there is no trial {trial}", where=str(study.run.path), hint=f"see them: tunecli show {study.run.name}"
            )
        chosen = snapshot.best if trial is None else snapshot.trials[trial]
        if chosen is None:
            raise StudyError("no trial has finished yet", where=str(study.run.path), hint="go on with tunecli search")
        rows = "training and validation rows" if full else "training rows"
        output.say(f"{study.run.name}: training trial {chosen.id} on the {rows}")
        retrained = retrain_trial(
            study.run, chosen, full=full, on_epoch=lambda done, total: output.note(f"epoch {done} of {total}")
        )
    if as_json:
        output.json(retrained.document)
        return
    output.print(scores_table(retrained.document["scores"]))
    looks = retrained.document["test_looks"]
    output.say(f"model and card: {retrained.folder}" + (f"; looks at the test part so far: {looks}" if looks else ""))
