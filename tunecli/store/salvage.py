"""What can be read of a study whose files are damaged, and what is wrong with them: for commands that show it.

A search asks `Run`, which raises where something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tunecli.errors import Problem, StudyError
from tunecli.store.files import damaged, read_lines
from tunecli.store.run import Run, read_measurement
from tunecli.study.events import Asked, Event
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial


@dataclass(frozen=True)
class TrialFiles:
    """What stands in a trial's files.

    Attributes:
        measurements: Those of its whole lineage that can be read; none of a trial with several trainings.
        trainings: Those of each of several trainings so far, by its number.
        layers: The layers of its model; None if it was never built, or they cannot be read.
        log: What it had to say.
        damage: What is wrong with the files, one problem for each.
    """

    measurements: tuple[Measurement, ...]
    trainings: dict[int, tuple[Measurement, ...]]
    layers: list[dict[str, Any]] | None
    log: str
    damage: tuple[Problem, ...]


def read_study(run: Run) -> tuple[Snapshot, tuple[Problem, ...]]:
    """Reads a study's journal.

    Returns:
        What the journal adds up to, and what is wrong with its end.

    Raises:
        StudyError: It is damaged before its end.
    """
    events, damage = read_events(run)
    return Snapshot.of(events), damage


def read_events(run: Run) -> tuple[tuple[Event, ...], tuple[Problem, ...]]:
    """Reads a study's journal.

    Returns:
        Its events, and what is wrong with its end.

    Raises:
        StudyError: It is damaged before its end.
    """
    is_held = run.is_held()  # asked first: a writer that ends meanwhile leaves a whole line
    contents = run.contents()
    asked = {each.suggestion.trial for each in contents.events if isinstance(each, Asked) and each.suggestion}
    unknown = run.trials_with_files() - asked
    if is_held or not (contents.is_torn or unknown):
        return contents.events, ()
    what = "ends within a record; what stood from there on is lost"
    if not contents.is_torn:
        what = f"has lost its end: it knows nothing of trial {_spans(sorted(unknown))}, whose files are there"
    hint = "restore it, or run the same tunecli search command again; it goes on from the last record that is there"
    return contents.events, (Problem(what, where=str(run.layout.journal), hint=hint),)


def read_trial(run: Run, snapshot: Snapshot, trial: int) -> TrialFiles:
    """Reads the files of a trial, and the measurements of its ancestors."""
    measurements: list[Measurement] = []
    trainings: dict[int, tuple[Measurement, ...]] = {}
    damage: list[Problem] = []
    numbers = sorted({*run.trainings_with_files(trial), *snapshot.trials[trial].trainings})
    for number in numbers:
        found, problems = read_measurements(run, snapshot.trials[trial], number)
        trainings[number] = tuple(found)
        damage += problems
    for each in snapshot.lineage(trial) if not numbers else ():
        found, problems = read_measurements(run, snapshot.trials[each])
        measurements += found
        damage += problems
    layers = None
    try:
        layers = run.layers(trial)
    except StudyError as error:
        damage += error.problems
    logs = [run.log(trial), *(run.log(trial, number) for number in numbers)]
    return TrialFiles(tuple(measurements), trainings, layers, "".join(logs), tuple(damage))


def read_measurements(
    run: Run, trial: Trial, training: int | None = None
) -> tuple[list[Measurement], tuple[Problem, ...]]:
    """Reads the measurements of the epochs that a trial itself has trained, or one of its trainings.

    Returns:
        What can be read, and what is wrong with the file.
    """
    path = run.layout.trial(trial.id).training(training).epochs
    found, faults = [], []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            found.append(read_measurement(line, ""))
        except StudyError:
            faults.append(f"line {number} is not a measurement")
    if missing := sorted(_trained(trial, training) - {each.epoch for each in found}):
        faults.append(f"the measurements of epoch {_spans(missing)} are missing")
    return found, damaged(str(path), "; ".join(faults)).problems if faults else ()


def _trained(trial: Trial, training: int | None) -> set[int]:
    """Returns the epochs that a trial or one of its trainings has trained; of one that runs, none for certain."""
    outcome = trial.outcome if training is None else trial.trainings.get(training)
    last = outcome.epochs_run if outcome else 0
    return set(range(trial.suggestion.start_epoch + 1, last + 1))


def _spans(numbers: Iterable[int]) -> str:
    """Returns ascending numbers as people write them: `1-3, 7`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)
