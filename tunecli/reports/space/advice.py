"""What a study has shown about its search space: where to widen it, where to cut it, and what did not matter.

    for advice in space_advice(snapshot, plan_document, limits=limits):
        advice.text, advice.line, advice.change

A finding is told only if chance does the same in fewer than one of a hundred studies in which the parameter does not
matter (`CHANCE`); so few trials say nothing by themselves.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.space.evidence import (
    Configuration,
    chance_of_better,
    chance_of_effect,
    chance_of_none,
    chance_of_outside,
    chance_of_rise,
    configurations,
    having,
    of_one_budget,
    without_effect,
)
from tunecli.reports.space.findings import Advice, AdviceKind, Change
from tunecli.reports.space.notes import space_notes
from tunecli.reports.space.ranges import End, Limits, at_share, between, ends, entry, moved, share, widened
from tunecli.spec.experiment import CUSTOM_FAMILY
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values, same, show_value
from tunecli.spec.spelling import spell
from tunecli.study.snapshot import Snapshot

CHANCE = 0.01
"""A study has some ten parameters and twice as many ends: at one in a hundred each, one of ten is told something that
chance has made, and less where values are few."""

FEWEST = 10
"""Completed configurations before anything is said about ranges: of fewer, half are among the best five."""

FEWEST_FAILED = 3
"""Failed trials that make a part of the space suspect; one or two are accidents."""

EDGE = 0.1
"""The share of a range that is its end. In twenty trials two lie there, in sixty six: of a twentieth, too few do."""

WINNERS = 5
"""How many of the best trials are looked at, or a tenth of all if that is more."""

GOOD = 4
"""One configuration in so many is good."""

MARGIN = 0.1
"""The share of a range that is left around the good ones when it is narrowed."""

FEWEST_FOR_EFFECT = 20
"""Completed trials before a parameter can be said not to matter; Optuna's importances take as many to settle."""

ROUGH_BELOW = 50
"""With fewer trials than this, that is a rough guess."""

NO_SIGN = 0.3
"""A parameter did not matter if chance differs as much in so many of all studies: a weak effect seldom hides there."""


@dataclass(frozen=True)
class _Finding:
    """A finding about one parameter of the space, which may stand for a single layer."""

    kind: AdviceKind
    parameter: Parameter
    text: str
    change: Change | None = None
    is_rough: bool = False


def space_advice(snapshot: Snapshot, plan: Mapping[str, Any], *, limits: Mapping[str, Limits]) -> tuple[Advice, ...]:
    """Returns what a study has shown about its search space, the most urgent first.

    Args:
        snapshot: The study so far.
        plan: Its plan, as kept in `plan.json`.
        limits: Of every hyperparameter that a trial reads, by name; those that the user's own code declares have none.
    """
    space = SearchSpace.model_validate(plan["space"])
    tried = configurations(snapshot)
    noun = "trials" if len(tried) == snapshot.ended_count else "configurations"  # several trials each, of a lineage
    findings: list[_Finding] = []
    for parameter in space:
        mine = having(parameter, tried)
        own = limits.get(spec_name(parameter, limits), Limits())
        is_ours = plan["family"] != CUSTOM_FAMILY or parameter.name in limits
        findings += _on_failures(parameter, mine, noun)
        findings += _on_winners(parameter, mine, own if is_ours else None, noun)
    winner = snapshot.best.suggestion.values if snapshot.best else {}
    findings += _on_effects(space, of_one_budget(snapshot), winner)
    notes = space_notes(space, plan["fixed"], limits, is_custom=plan["family"] == CUSTOM_FAMILY)
    told = [*_advised(findings, limits), *notes]
    order = list(AdviceKind)
    return tuple(sorted(told, key=lambda each: order.index(each.kind)))


def too_few(snapshot: Snapshot) -> str:
    """Returns that a study has too few trials to say anything about its ranges; "" if it has enough."""
    scored = sum(each.is_scored for each in configurations(snapshot))
    return f"too few trials to say ({scored} completed; ranges are judged from {FEWEST} on)" if scored < FEWEST else ""


def rests_on_trials(advice: Advice) -> bool:
    """Says whether advice could not have been given before the search."""
    return advice.kind not in (AdviceKind.FIXED_RATE, AdviceKind.CONSTANT_KERNEL)


def changed(parameter: Parameter, change: Change) -> Parameter:
    """Returns a parameter with a change applied; a default that is no longer searched is dropped."""
    values = change.values
    if values is None and parameter.kind is not Kind.CHOICE:
        bounds = {end.value: getattr(change, end) for end in End if getattr(change, end) is not None}
        found = parameter.model_copy(update=bounds)
        values = (found.min,) if found.min == found.max else None
    if values is not None:
        found = Parameter(name=parameter.name, kind=Kind.CHOICE, values=values, when=parameter.when)
    is_default = len(found.values) != 1 and parameter.default is not None and found.contains(parameter.default)
    return found.model_copy(update={"default": parameter.default if is_default else None})


def merged(one: Change, other: Change) -> Change:
    """Returns both changes of one parameter: the tighter of two bounds, and the values that both leave."""
    lows = [each.min for each in (one, other) if each.min is not None]
    highs = [each.max for each in (one, other) if each.max is not None]
    left = [each.values for each in (one, other) if each.values is not None]
    values = tuple(each for each in left[0] if any(same(each, kept) for kept in left[-1])) if left else None
    return Change(max(lows, default=None), min(highs, default=None), values)


def spec_name(parameter: Parameter, limits: Mapping[str, Limits]) -> str:
    """Returns what a spec calls a parameter: that of a single layer goes by the name of all."""
    base, _, number = parameter.name.rpartition("_")
    is_layer = parameter.name not in limits and number.isdecimal() and base in limits and bool(limits[base].counter)
    return base if is_layer else parameter.name


def _on_failures(parameter: Parameter, tried: Sequence[Configuration], noun: str) -> Iterator[_Finding]:
    """Yields the parts in which every trial failed, where that is more than the failures of all others explain."""
    failed = [each for each in tried if not each.is_scored]
    if len(failed) < FEWEST_FAILED or len(failed) == len(tried):
        return
    if parameter.kind is Kind.CHOICE:
        yield from _failed_values(parameter, tried, failed, noun)
        return
    scored = [_number(each, parameter) for each in tried if each.is_scored]
    for end, keep in ((End.MIN, min(scored)), (End.MAX, max(scored))):
        lost = [each for each in failed if _is_outside(_number(each, parameter), keep, end)]
        if not _is_no_chance(tried, failed, lost):
            continue
        numbers = [_number(each, parameter) for each in lost]
        first = min(numbers) if end is End.MAX else max(numbers)
        bound = moved(parameter, end, target=between(parameter, keep, first), keep=keep)
        side = "from" if end is End.MAX else "up to"
        text = f"{parameter.name}: all {len(lost)} {noun} {side} {show_value(first)} failed ({_cause(lost)})"
        yield _Finding(AdviceKind.FAILED, parameter, text, None if bound is None else _bound(end, bound))


def _failed_values(
    parameter: Parameter, tried: Sequence[Configuration], failed: Sequence[Configuration], noun: str
) -> Iterator[_Finding]:
    hopeless: list[Value] = []
    texts = []
    for value in parameter.values:
        mine = [each for each in tried if same(each.values[parameter.name], value)]
        lost = [each for each in mine if not each.is_scored]
        if len(lost) == len(mine) and _is_no_chance(tried, failed, lost):
            hopeless.append(value)
            texts.append(f"all {len(lost)} {noun} with {show_value(value)} failed ({_cause(lost)})")
    if hopeless:
        left = tuple(each for each in parameter.values if not any(same(each, other) for other in hopeless))
        text = f"{parameter.name}: {', '.join(texts)}"
        yield _Finding(AdviceKind.FAILED, parameter, text, Change(values=left))


def _is_no_chance(
    tried: Sequence[Configuration], failed: Sequence[Configuration], lost: Sequence[Configuration]
) -> bool:
    """Says whether so many trials in a row, none of which completed, are more than chance gives."""
    if len(lost) < FEWEST_FAILED:
        return False
    return chance_of_none(len(tried), len(tried) - len(failed), len(lost)) <= CHANCE


def _on_winners(
    parameter: Parameter, tried: Sequence[Configuration], limits: Limits | None, noun: str
) -> Iterator[_Finding]:
    """Yields where the best lie at an end, and what none of them has.

    Args:
        parameter: What is looked at.
        tried: The configurations that have it, best first, those that failed last.
        limits: Its legal values; None where it cannot be widened.
        noun: What they are called.
    """
    scored = [each for each in tried if each.is_scored]
    if len(scored) < FEWEST:
        return
    if parameter.kind is Kind.CHOICE:
        yield from _needless_values(parameter, tried, noun)
        return
    for end in End:
        yield from _at_end(parameter, end, scored, limits, noun)
    yield from _needless_range(parameter, tried, noun)


def _at_end(
    parameter: Parameter, end: End, scored: Sequence[Configuration], limits: Limits | None, noun: str
) -> Iterator[_Finding]:
    """Yields that winners lie at an end of a range, and that trials are better there or get better towards it."""
    winners = scored[: max(WINNERS, math.ceil(len(scored) / 10))]
    near = [_is_near(parameter, end, each) for each in scored]
    count = sum(near[: len(winners)])
    is_crowded = count * 2 > len(winners) and _is_better(scored, near)
    is_rising = count > 0 and _gets_better(parameter, end, scored)
    if not is_crowded and not is_rising:
        return
    bound = None if limits is None else widened(parameter, end, limits)
    if limits is not None and bound is None:
        return  # there is nothing beyond
    rising = f", and scores improve towards its {_side(end)} values" if is_rising else ""
    text = f"{parameter.name}: {count} of the {len(winners)} best {noun} {_where(parameter, end, winners)}{rising}"
    change = None if bound is None else _bound(end, bound)
    hint = "; better ones may lie beyond" if change is not None else "; its range is declared by your code: widen it"
    yield _Finding(AdviceKind.EDGE, parameter, text + hint, change)


def _is_better(scored: Sequence[Configuration], near: Sequence[bool]) -> bool:
    """Says whether the configurations near an end are better than all others."""
    here, elsewhere = (
        [each.key or 0.0 for each, is_near in zip(scored, near, strict=True) if is_near is wanted]
        for wanted in (True, False)
    )
    return bool(elsewhere) and chance_of_better(here, elsewhere) <= CHANCE


def _gets_better(parameter: Parameter, end: End, scored: Sequence[Configuration]) -> bool:
    """Says whether scores get better towards an end: over the whole range, and over the half of it that lies there."""
    sign = 1 if end is End.MIN else -1  # the lower a score the better
    points = [(sign * share(parameter, each.values[parameter.name]), each.key or 0.0) for each in scored]
    half = [point for point in points if point[0] <= (0.5 if end is End.MIN else -0.5)]
    return all(
        len(some) >= FEWEST and chance_of_rise([x for x, _ in some], [y for _, y in some]) <= CHANCE
        for some in (points, half)
    )


def _side(end: End) -> str:
    return "lowest" if end is End.MIN else "highest"


def _where(parameter: Parameter, end: End, winners: Sequence[Configuration]) -> str:
    """Returns in words where the winners at an end lie."""
    low, high = ends(parameter)
    reached = low if end is End.MIN else high
    at_end = {_number(each, parameter) for each in winners if _is_near(parameter, end, each)}
    if at_end == {reached}:
        return f"have its {_side(end)} value, {show_value(reached)}"
    inner = at_share(parameter, EDGE if end is End.MIN else 1 - EDGE)
    bounds = (reached, inner) if end is End.MIN else (inner, reached)
    return f"lie in the {_side(end)} tenth of its range, {' … '.join(map(show_value, bounds))}"


def _good(tried: Sequence[Configuration]) -> Sequence[Configuration]:
    """Returns the best quarter, of at least five."""
    scored = sum(each.is_scored for each in tried)
    return tried[: max(WINNERS, math.ceil(scored / GOOD))]


def _needless_range(parameter: Parameter, tried: Sequence[Configuration], noun: str) -> Iterator[_Finding]:
    """Yields that the good trials leave so much of a range aside that this can hardly be chance.

    Args:
        parameter: A range.
        tried: The configurations that have it, best first, those that failed last.
        noun: What they are called.
    """
    good = [_number(each, parameter) for each in _good(tried)]
    first, last = min(good), max(good)
    outside = sum(not first <= _number(each, parameter) <= last for each in tried)
    if chance_of_outside(len(tried), outside, len(good)) > CHANCE:
        return
    bounds = {
        end: moved(parameter, end, target=_beside(parameter, end, keep), keep=keep)
        for end, keep in ((End.MIN, first), (End.MAX, last))
    }
    if not any(bounds.values()):
        return
    text = (
        f"{parameter.name}: the best {len(good)} of {len(tried)} {noun} lie within {show_value(first)} … "
        f"{show_value(last)}, and {outside} others outside"
    )
    yield _Finding(AdviceKind.NARROW, parameter, text, Change(bounds[End.MIN], bounds[End.MAX]))


def _beside(parameter: Parameter, end: End, number: float) -> float:
    """Returns a number a margin further out than another, by one step at least."""
    position = share(parameter, number) + (-MARGIN if end is End.MIN else MARGIN)
    found = at_share(parameter, min(1.0, max(0.0, position)))
    step = parameter.step or (1 if parameter.kind is Kind.INT else 0)
    return min(found, number - step) if end is End.MIN else max(found, number + step)


def _needless_values(parameter: Parameter, tried: Sequence[Configuration], noun: str) -> Iterator[_Finding]:
    """Yields the values of a choice that no good trial has."""
    good = _good(tried)
    counts = [(value, _count(parameter, value, tried)) for value in parameter.values]
    needless = [
        (value, count)
        for value, count in counts
        if not _count(parameter, value, good) and chance_of_none(len(tried), count, len(good)) <= CHANCE
    ]
    if not needless:
        return
    words = " or ".join(f"{show_value(value)} ({count} {noun})" for value, count in needless)
    text = f"{parameter.name}: none of the best {len(good)} of {len(tried)} {noun} has {words}"
    left = tuple(each for each in parameter.values if not any(same(each, value) for value, _ in needless))
    yield _Finding(AdviceKind.NARROW, parameter, text, Change(values=left))


def _on_effects(space: SearchSpace, scored: Sequence[Configuration], winner: Values) -> Iterator[_Finding]:
    """Yields the parameters that scores do not depend on, neither as they are nor beside the strongest other one.

    Args:
        space: What was searched.
        scored: Configurations that compare well, best first.
        winner: The values of the best trial of the study.
    """
    chances: dict[str, float] = {}
    for parameter in space:
        mine = having(parameter, scored)
        if len(mine) < FEWEST_FOR_EFFECT:
            continue
        chance = chance_of_effect(parameter, mine, [each.key or 0.0 for each in mine])
        if chance is not None:
            chances[parameter.name] = chance
    for parameter in space:
        if parameter.name not in chances or chances[parameter.name] < NO_SIGN:
            continue
        mine = having(parameter, scored)
        chance = min(chances[parameter.name], _chance_beside(_strongest(space, parameter, chances), parameter, mine))
        if chance >= NO_SIGN:
            yield _no_effect(parameter, mine, chance, winner)


def _strongest(space: SearchSpace, but: Parameter, chances: Mapping[str, float]) -> Parameter | None:
    """Returns the parameter that scores depend on most, if they do."""
    others = [each for each in space if each.name in chances and each.name != but.name]
    first = min(others, key=lambda each: chances[each.name], default=None)
    return first if first is not None and chances[first.name] < NO_SIGN else None


def _chance_beside(other: Parameter | None, parameter: Parameter, scored: Sequence[Configuration]) -> float:
    """Returns the chance of such a dependence in what another parameter leaves to explain; 1 without another."""
    mine = [] if other is None else having(other, scored)
    if other is None or len(mine) < FEWEST_FOR_EFFECT:
        return 1.0
    left = without_effect(other, mine, [each.key or 0.0 for each in mine])
    chance = chance_of_effect(parameter, mine, left)
    return 1.0 if chance is None else chance


def _no_effect(parameter: Parameter, scored: Sequence[Configuration], chance: float, winner: Values) -> _Finding:
    is_rough = len(scored) < ROUGH_BELOW
    share_of_studies = f"{chance:.0%}".replace("%", " %")
    text = (
        f"{parameter.name}: made no difference that shows in {len(scored)} trials (chance alone makes as much in "
        f"{share_of_studies} of studies{'; a rough guess, from so few' if is_rough else ''})"
    )
    best = winner.get(parameter.name, scored[0].values[parameter.name])
    return _Finding(AdviceKind.NO_EFFECT, parameter, text, Change(values=(_short(parameter, best),)), is_rough)


def _short(parameter: Parameter, value: Value) -> Value:
    """Returns a value to three digits, which is as good where it makes no difference."""
    short = float(f"{value:.3g}") if isinstance(value, float) else value
    return short if parameter.contains(short) else value


def _advised(findings: Sequence[_Finding], limits: Mapping[str, Limits]) -> Iterator[Advice]:
    """Brings findings to the names of a spec, and gives those of one parameter one line."""
    for name in dict.fromkeys(spec_name(each.parameter, limits) for each in findings):
        mine = [each for each in findings if spec_name(each.parameter, limits) == name]
        if mine[0].parameter.name == name:
            yield from _of_one(mine[0].parameter, _consistent(mine))
        else:
            yield from _of_layers(name, mine, limits[name])


def _consistent(findings: Sequence[_Finding]) -> list[_Finding]:
    """Drops what others contradict: a range that fails at an end ends there, and what matters somewhere matters."""
    cut = {end for each in findings if each.kind is AdviceKind.FAILED for end in End if _sets(each, end)}
    found = [each for each in findings if each.kind is not AdviceKind.EDGE or not any(_sets(each, end) for end in cut)]
    matters = any(each.kind is not AdviceKind.NO_EFFECT for each in found)
    return [each for each in found if not matters or each.kind is not AdviceKind.NO_EFFECT]


def _of_one(parameter: Parameter, findings: Sequence[_Finding]) -> Iterator[Advice]:
    together = Change()
    for each in findings:
        together = merged(together, each.change or Change())
    line = f"{parameter.name}: {spell(entry(changed(parameter, together)))}"
    for each in findings:
        yield Advice(each.kind, (parameter.name,), each.text, line if each.change else "", each.change, each.is_rough)


def _of_layers(name: str, findings: Sequence[_Finding], limits: Limits) -> Iterator[Advice]:
    """Yields at which end winners ask for a wider range in some layer; what else was found holds for one layer only."""
    edges = [each for each in findings if each.kind is AdviceKind.EDGE]
    for mine in ([each for each in edges if _sets(each, end)] for end in End):
        for each in mine[:1]:  # all layers have one range, and so one that is wider
            assert each.change is not None, "it sets a bound"
            wider = changed(each.parameter, each.change)
            line = f"{name}: {spell(entry(wider, counter=limits.counter))}"
            yield Advice(each.kind, (name,), each.text, line, each.change)


def _sets(finding: _Finding, end: End) -> bool:
    return finding.change is not None and getattr(finding.change, end) is not None


def _count(parameter: Parameter, value: Value, among: Sequence[Configuration]) -> int:
    return sum(same(each.values[parameter.name], value) for each in among)


def _is_near(parameter: Parameter, end: End, configuration: Configuration) -> bool:
    position = share(parameter, configuration.values[parameter.name])
    return position <= EDGE if end is End.MIN else position >= 1 - EDGE


def _is_outside(number: float, keep: float, end: End) -> bool:
    return number < keep if end is End.MIN else number > keep


def _bound(end: End, number: float) -> Change:
    return Change(min=number) if end is End.MIN else Change(max=number)


def _cause(lost: Sequence[Configuration]) -> str:
    """Returns the commonest cause of failures, and how many share it."""
    cause, count = Counter(each.cause for each in lost).most_common(1)[0]
    return cause if count == len(lost) else f"{count} with: {cause}"


def _number(configuration: Configuration, parameter: Parameter) -> float:
    value = configuration.values[parameter.name]
    assert isinstance(value, int | float), f"{parameter.name} is a range"
    return value
