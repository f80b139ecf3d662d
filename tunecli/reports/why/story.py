"""The story of one trial: what happened, what is unusual about it, what similar trials came to, and what to do next.

    story = tell(snapshot, 4, curve=curve, files=files, plan=plan, is_held=False)
    story.what                      # 'training diverged: the loss was inf in epoch 2'
    story.findings                  # ('all 8 other trials with learning_rate above 2e+04 failed too; …',)
    story.next_steps                # ('learning_rate: {min: 0.001, max: 20000, log: true}', …)

Everything comes from records: the journal, the plan, and what the trial left. What is damaged is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from tunecli.reports.curves.learning_curves import LearningCurve, curve_document
from tunecli.reports.text import show_score, show_spread
from tunecli.reports.why.causes import Cause, OwnLine, own_line, read_cause
from tunecli.reports.why.causes import Kind as CauseKind
from tunecli.reports.why.neighbours import Part, failing_part, nearest, unusual
from tunecli.reports.why.remedies import remedies
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, same, show_value
from tunecli.store.salvage import TrialFiles
from tunecli.study.events import EndReason
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Trial, TrialStatus

NEIGHBOURS = 5
LOG_LINES = 5
MOST_NAMED = 10
"""Trials that are listed by their ids."""

LEADERS = 5
"""The best trials with which one that came off worse is compared: so many, or a tenth of those that were better."""

FEWEST_LEADERS = 3
COMMON_SHARE = 0.8
"""Of the leaders that have a choice in common."""


@dataclass(frozen=True)
class NotedValue:
    """A hyperparameter's value, and what is unusual about it; "" if nothing is."""

    name: str
    value: Value
    note: str


@dataclass(frozen=True)
class Neighbour:
    """A trial with similar values: how far it is (0 to 1), what came of it, and which values differ."""

    trial: int
    distance: float
    status: str
    outcome: str
    differs: str


@dataclass(frozen=True)
class Story:
    """What is known of a trial.

    Attributes:
        study: Whose.
        trial: Its id.
        status: `completed`, `failed` or `running`.
        rank: From 1, the best; None without a score.
        score: The objective at its best epoch, or None.
        what: What happened, in plain words.
        cause: Why it failed, as the journal has it; "".
        epochs: How far it got, `2 of 8`.
        attempts: How often it was begun.
        memory: What is known of its memory.
        values: The searched ones.
        curve: Of the objective.
        log: The last lines of what it had to say.
        own_line: Of a traceback, the line that is the user's own.
        neighbours: The nearest other trials that have ended.
        same_cause: The ids of other trials that failed with the same cause.
        findings: What was found by comparing, with counts.
        next_steps: Lines of YAML to write and commands to run.
    """

    study: str
    trial: int
    status: str
    rank: int | None
    score: float | None
    what: str
    cause: str
    epochs: str
    attempts: int
    memory: str
    values: tuple[NotedValue, ...]
    curve: LearningCurve
    log: tuple[str, ...]
    own_line: OwnLine | None
    neighbours: tuple[Neighbour, ...]
    same_cause: tuple[int, ...]
    findings: tuple[str, ...]
    next_steps: tuple[str, ...]


def tell(
    snapshot: Snapshot,
    trial: int,
    *,
    name: str,
    curve: LearningCurve,
    files: TrialFiles,
    plan: Mapping[str, Any] | None,
    is_held: bool,
) -> Story:
    """Tells the story of a trial.

    Args:
        snapshot: The study.
        trial: The trial's id.
        name: What the study is called now.
        curve: Of the objective.
        files: What the trial left, as far as it can be read.
        plan: As kept in `plan.json`; None where that is damaged: values are then compared as they are.
        is_held: Whether a process works on the study.
    """
    document = plan or {}
    found, space = snapshot.trials[trial], _space(document, snapshot)
    kin = _kin(snapshot, trial)
    others = [each for each in _configurations(snapshot) if each.id not in kin]
    cause = _cause(found)
    part = failing_part(found, others, space) if cause else None
    alike = _same_cause(cause, [each for each in snapshot.failed if each.id not in kin])
    ranks = {each.id: rank for rank, each in enumerate(snapshot.completed, start=1)}
    return Story(
        study=name,
        trial=trial,
        status=found.status.value,
        rank=ranks.get(trial),
        score=found.score,
        what=_what(snapshot, found, cause, curve, document, is_held=is_held),
        cause=found.outcome.cause if found.outcome else "",
        epochs=_epochs(found, curve),
        attempts=found.attempts,
        memory=_memory(files, document, cause),
        values=tuple(_noted(found, space, [each for each in snapshot.completed if each.id not in kin])),
        curve=curve,
        log=_last_lines(files.log, cause),
        own_line=own_line(files.log),
        neighbours=tuple(_neighbour(found, each) for each in nearest(found, others, space, NEIGHBOURS)),
        same_cause=alike,
        findings=tuple(_findings(snapshot, found, space, part, alike)),
        next_steps=remedies(
            found, cause, curve=curve, part=part, space=space, plan=document, study=name, is_held=is_held
        ),
    )


def story_document(story: Story) -> dict[str, Any]:
    """Returns a story as JSON holds it."""
    return {**asdict(story), "curve": curve_document(story.curve)}


def _space(plan: Mapping[str, Any], snapshot: Snapshot) -> SearchSpace:
    """Returns what is searched; where the plan does not say, every name that trials have, as a choice."""
    try:
        return SearchSpace.model_validate(plan.get("space"))
    except ValidationError:
        names = dict.fromkeys(name for each in snapshot.trials.values() for name in each.suggestion.values)
        return SearchSpace(parameters=tuple(Parameter(name=name, kind=Kind.CHOICE) for name in names))


def _kin(snapshot: Snapshot, trial: int) -> set[int]:
    """Returns the trials of the same configuration: under Hyperband, ancestors, descendants and the trial itself."""
    eldest = snapshot.lineage(trial)[0]
    return {each for each in snapshot.trials if snapshot.lineage(each)[0] == eldest}


def _configurations(snapshot: Snapshot) -> list[Trial]:
    """Returns the trials that have ended; under Hyperband, of each configuration the one that was trained longest."""
    ended = [each for each in snapshot.trials.values() if each.is_finished and not _never_began(each)]
    parents = {each.suggestion.parent for each in ended}
    return [each for each in ended if each.id not in parents]


def _never_began(trial: Trial) -> bool:
    cause = _cause(trial)
    return cause is not None and cause.kind is CauseKind.PARENT_FAILED


def _cause(trial: Trial) -> Cause | None:
    return read_cause(trial.outcome.cause) if trial.outcome and trial.status is TrialStatus.FAILED else None


def _same_cause(cause: Cause | None, others: Sequence[Trial]) -> tuple[int, ...]:
    if cause is None:
        return ()
    causes = {each.id: _cause(each) for each in others}
    return tuple(trial for trial, other in causes.items() if other is not None and other.group == cause.group)


def _what(
    snapshot: Snapshot,
    trial: Trial,
    cause: Cause | None,
    curve: LearningCurve,
    plan: Mapping[str, Any],
    *,
    is_held: bool,
) -> str:
    if cause is not None:
        return f"{cause.training}: {cause.words}" if cause.training else cause.words
    if trial.status is TrialStatus.COMPLETED:
        return "; ".join([_why_it_stopped(snapshot, trial, curve, plan, is_held=is_held), *_target(snapshot, trial)])
    if is_held:
        return "it is being trained" if trial.started_at is not None else "it was asked for, and waits for a slot"
    begun = "was under way" if trial.started_at is not None else "had not begun"
    return f"it {begun} when its search ended; the same tunecli search command goes on with it"


def _why_it_stopped(
    snapshot: Snapshot, trial: Trial, curve: LearningCurve, plan: Mapping[str, Any], *, is_held: bool
) -> str:
    outcome, suggestion = trial.outcome, trial.suggestion
    assert outcome is not None, "it has completed"
    if outcome.stopped:
        return f"its optimiser stopped: {outcome.stopped}"
    if outcome.epochs_run < suggestion.end_epoch:
        stopping = (plan.get("training") or {}).get("early_stopping")
        if not stopping:
            return (
                f"it stopped after epoch {outcome.epochs_run} of {suggestion.end_epoch}: a callback of its own, mostly"
            )
        since = "" if curve.restored_epoch is None else f" after epoch {curve.restored_epoch}"
        least = f" by {stopping['min_delta']:g}" if stopping["min_delta"] else ""
        return f"early stopping: no better {stopping['monitor']}{least}{since} for {stopping['patience']} epochs"
    if (plan.get("tuner") or {}).get("name") == "hyperband":
        return _in_its_rung(snapshot, trial, plan, is_held=is_held)
    return f"it was trained for all {suggestion.end_epoch} epochs"


def _in_its_rung(snapshot: Snapshot, trial: Trial, plan: Mapping[str, Any], *, is_held: bool) -> str:
    """Returns what Hyperband made of a trial; its rung are those that were trained over the same epochs."""
    span = trial.suggestion.start_epoch, trial.suggestion.end_epoch
    children = [each.id for each in snapshot.trials.values() if each.suggestion.parent == trial.id]
    rung = [each for each in snapshot.completed if (each.suggestion.start_epoch, each.suggestion.end_epoch) == span]
    place = f"{_ordinal([each.id for each in rung].index(trial.id) + 1)} of the {len(rung)} trials of its rung"
    if children:
        return f"Hyperband promoted it, {place}: trial {children[0]} went on after epoch {span[1]}"
    if span[1] >= plan["tuner"].get("max_epochs", span[1]):
        return f"it was trained for all {span[1]} epochs, and came {place}"
    promoted = {each.suggestion.parent for each in snapshot.trials.values()} & {each.id for each in rung}
    state = "has not promoted it yet" if is_held else "did not promote it"
    return f"Hyperband {state}: it came {place}, of which {len(promoted)} went on"


def _target(snapshot: Snapshot, trial: Trial) -> list[str]:
    is_last_word = snapshot.end_reason is EndReason.TARGET and snapshot.best is not None
    met = is_last_word and snapshot.best is not None and snapshot.best.id == trial.id
    return ["its score met stop_when.target, which ended the search"] if met else []


def _ordinal(number: int) -> str:
    """Returns a place: `1st`, `22nd`, `13th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 % 10 != 1 else "th"
    return f"{number}{ending}"


def _epochs(trial: Trial, curve: LearningCurve) -> str:
    measured = max((epoch for each in curve.trainings for epoch in each.epochs), default=0)
    done = trial.outcome.epochs_run if trial.outcome else measured
    start = trial.suggestion.start_epoch
    parent = f", the first {start} by trial {trial.suggestion.parent}" if trial.suggestion.parent is not None else ""
    return f"{max(done, start if parent else 0)} of {trial.suggestion.end_epoch}{parent}"


def _memory(files: TrialFiles, plan: Mapping[str, Any], cause: Cause | None) -> str:
    """Returns what records say of memory: how much a trial used is not among it, unless it was ended for it."""
    limit = (plan.get("limits") or {}).get("trial_memory")
    if cause is not None and cause.kind is CauseKind.OUT_OF_MEMORY and cause.limit is not None:
        known = [f"more than the {cause.limit:,.0f} MiB that it was allowed"]
    else:
        allowed = [f"limits.trial_memory is {limit / 2**20:,.0f} MiB"] if limit else []
        known = ["what it used was not recorded", *allowed]
    if files.layers is not None:
        parameters = sum(each["parameters"] for each in files.layers)
        known.append(f"its model has {parameters:,} parameter{'' if parameters == 1 else 's'}")
    return "; ".join(known)


def _noted(trial: Trial, space: SearchSpace, completed: Sequence[Trial]) -> list[NotedValue]:
    """Returns the values, each with what sets it apart from those of the completed trials."""
    parameters = {each.name: each for each in space}
    noted = []
    for name, value in trial.suggestion.values.items():
        theirs = [each.suggestion.values[name] for each in completed if name in each.suggestion.values]
        note = unusual(parameters[name], value, theirs) if name in parameters else ""
        noted.append(NotedValue(name, value, note))
    return noted


def _neighbour(trial: Trial, pair: tuple[float, Trial]) -> Neighbour:
    apart, other = pair
    assert other.outcome is not None, "only ended trials are compared with"
    ours, theirs = trial.suggestion.values, other.suggestion.values
    names = dict.fromkeys([*ours, *theirs])
    differs = [
        f"{name}={show_value(theirs[name]) if name in theirs else '–'}"
        for name in names
        if name not in ours or name not in theirs or not same(ours[name], theirs[name])
    ]
    is_scored = other.status is TrialStatus.COMPLETED
    cause = read_cause(other.outcome.cause).text
    outcome = show_spread(other.score, other.outcome.score_sd) if is_scored else f"failed: {cause}"
    return Neighbour(other.id, apart, other.status.value, outcome, "  ".join(differs) or "nothing")


def _last_lines(log: str, cause: Cause | None) -> tuple[str, ...]:
    """Returns the end of a log; nothing where that only repeats the cause."""
    lines = [line for line in log.splitlines() if line.strip(" ~^")]  # what underlines code needs its own width
    return () if cause is not None and lines == [cause.text] else tuple(lines[-LOG_LINES:])


def _findings(
    snapshot: Snapshot, trial: Trial, space: SearchSpace, part: Part | None, same_cause: Sequence[int]
) -> list[str]:
    if trial.status is TrialStatus.COMPLETED:
        return _against_the_better(snapshot, trial, space)
    found = [] if part is None else [part.describe()]
    if trial.status is TrialStatus.FAILED:
        found.append(_named(same_cause))
    return found


def _named(trials: Sequence[int]) -> str:
    if not trials:
        return "no other trial failed with the same cause"
    listed = ", ".join(map(str, trials[:MOST_NAMED])) + (", …" if len(trials) > MOST_NAMED else "")
    return f"{len(trials)} other trial{'s' if len(trials) > 1 else ''} failed with the same cause: {listed}"


def _against_the_better(snapshot: Snapshot, trial: Trial, space: SearchSpace) -> list[str]:
    """Returns what the best of the better trials have in common that a completed trial has not."""
    completed, kin = snapshot.completed, _kin(snapshot, trial.id)
    ahead = {each.id for each in completed[: [each.id for each in completed].index(trial.id)]}
    if not ahead:
        return ["no trial is better"]
    better = [each for each in _configurations(snapshot) if each.id in ahead and each.id not in kin]
    leaders = sorted(better, key=snapshot.rank_key)[: max(LEADERS, len(better) // 10)]
    best = completed[0]
    metric = snapshot.objective.metric
    found = [f"the best is trial {best.id}, with {metric} {show_score(best.score)}"]
    if len(leaders) < FEWEST_LEADERS:
        return found
    for parameter in space:
        if common := _in_common(parameter, trial, leaders):
            found.append(common)
    return found


def _in_common(parameter: Parameter, trial: Trial, leaders: Sequence[Trial]) -> str:
    name = parameter.name
    theirs = [each.suggestion.values[name] for each in leaders if name in each.suggestion.values]
    if name not in trial.suggestion.values or len(theirs) < COMMON_SHARE * len(leaders):
        return ""
    ours = trial.suggestion.values[name]
    if parameter.kind is Kind.CHOICE:
        commonest = max(theirs, key=lambda value: sum(same(value, each) for each in theirs))
        count = sum(same(commonest, each) for each in theirs)
        if same(commonest, ours) or count < COMMON_SHARE * len(leaders):
            return ""
        return f"{count} of the {len(leaders)} best have {name}={show_value(commonest)}; it has {show_value(ours)}"
    numbers = [each for each in theirs if isinstance(each, int | float)]
    if not isinstance(ours, int | float) or min(numbers) <= ours <= max(numbers):
        return ""
    span = f"{show_value(min(numbers))} to {show_value(max(numbers))}"
    return f"the {len(leaders)} best have {name} from {span}; it has {show_value(ours)}"
