"""What planted studies are told of their spaces, and what they are not told."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.studies import Score, draw_values, random_trials
from tunecli.reports.space.advice import changed, merged, rests_on_trials, space_advice, too_few
from tunecli.reports.space.findings import Advice, AdviceKind, Change, sentences
from tunecli.reports.space.ranges import Limits
from tunecli.spec.parameter import ParameterSpec
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Values
from tunecli.spec.yaml12 import compose, plain
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot

Make = Callable[..., Snapshot]

SPACE = SearchSpace(
    parameters=(
        Parameter(name="hidden_layers", kind=Kind.INT, min=1, max=4),
        Parameter(name="units", kind=Kind.INT, min=16, max=128, log=True),
        Parameter(name="learning_rate", kind=Kind.FLOAT, min=1e-4, max=0.1, log=True),
        Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd", "rmsprop")),
        Parameter(
            name="momentum",
            kind=Kind.FLOAT,
            min=0.0,
            max=0.99,
            when=(Condition(parameter="optimizer", values=("sgd",)),),
        ),
        Parameter(name="dropout", kind=Kind.FLOAT, min=0.0, max=0.4, step=0.1),
        Parameter(name="batch_size", kind=Kind.CHOICE, values=(32, 64, 128)),
    )
)
LIMITS = {
    "hidden_layers": Limits(min=0),
    "units": Limits(min=1, counter="hidden_layers"),
    "learning_rate": Limits(above=0.0),
    "optimizer": Limits(),
    "momentum": Limits(min=0, below=1),
    "dropout": Limits(min=0, below=1),
    "batch_size": Limits(min=1),
}


def plan_of(space: SearchSpace, **changes: Any) -> dict[str, Any]:
    return {"space": space.model_dump(mode="json"), "fixed": {}, "family": "mlp", **changes}


def advise(snapshot: Snapshot, space: SearchSpace = SPACE, **changes: Any) -> tuple[Advice, ...]:
    return space_advice(snapshot, plan_of(space, **changes), limits=LIMITS)


def study(make: Make, score: Score, *, trials: int = 60, seed: int = 0, space: SearchSpace = SPACE) -> Snapshot:
    return make(*[(each.values, each.result) for each in random_trials(space, trials, score, seed=seed)])


def about(told: Iterable[Advice], kind: AdviceKind) -> dict[str, Advice]:
    return {each.parameters[0]: each for each in told if each.kind is kind}


def decades(values: Values) -> float:
    rate = values["learning_rate"]
    assert isinstance(rate, float)
    return math.log10(rate)


def rising(values: Values, dice: random.Random) -> float:
    """The larger the learning rate the better."""
    return -decades(values) + dice.gauss(0, 0.1)


def hollow(values: Values, dice: random.Random) -> float:
    """Best in the middle of the learning rates."""
    return abs(decades(values) + 2.5) + dice.gauss(0, 0.1)


def chance(values: Values, dice: random.Random) -> float:
    """Nothing matters."""
    del values
    return dice.gauss(0, 1)


def test_winners_at_the_edge_ask_for_a_wider_range(make_snapshot: Make) -> None:
    told = advise(study(make_snapshot, rising))
    edge = about(told, AdviceKind.EDGE)["learning_rate"]
    assert edge.text.startswith("learning_rate: 5 of the 6 best trials lie in the highest tenth of its range, 0.05012")
    assert edge.change == Change(max=1.0)
    narrow = about(told, AdviceKind.NARROW)["learning_rate"]
    assert narrow.change is not None
    assert narrow.change.max is None
    assert narrow.line == edge.line, "one line says all that is advised for a parameter"
    assert edge.line == "learning_rate: {min: 7.8e-3, max: 1.0, log: true}"


def test_so_does_a_range_in_which_scores_improve_to_the_very_end(make_snapshot: Make) -> None:
    """Few winners lie in the last tenth by themselves, but everything points there."""

    def noisy(values: Values, dice: random.Random) -> float:
        return -decades(values) + dice.gauss(0, 0.5)

    told = [advise(study(make_snapshot, noisy, trials=40, seed=seed)) for seed in range(20)]
    edges = [found["learning_rate"] for each in told if "learning_rate" in (found := about(each, AdviceKind.EDGE))]
    assert len(edges) >= 14
    assert any(", and scores improve towards its highest values" in each.text for each in edges)


def test_a_summit_before_the_end_is_no_edge(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float:
        return abs(decades(values) + 1.6) + dice.gauss(0, 0.1)  # at four fifths of the range

    told = [advise(study(make_snapshot, score, seed=seed)) for seed in range(20)]
    assert sum("learning_rate" in about(each, AdviceKind.EDGE) for each in told) <= 2


def test_winners_at_the_end_of_whole_numbers_and_steps(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float:
        layers, dropout = values["hidden_layers"], values["dropout"]
        assert isinstance(layers, int)
        assert isinstance(dropout, float)
        return -layers + 4 * dropout + dice.gauss(0, 0.1)

    edges = about(advise(study(make_snapshot, score)), AdviceKind.EDGE)
    assert list(edges) == ["hidden_layers"], "dropout has nothing below 0"
    assert "of the 6 best trials have its highest value, 4" in edges["hidden_layers"].text
    assert edges["hidden_layers"].change == Change(max=6)


def test_a_goal_to_maximize_turns_everything_round(make_snapshot: Make) -> None:
    snapshot = study(make_snapshot, lambda values, dice: -rising(values, dice))
    turned = make_snapshot(
        *[(each.suggestion.values, each.score) for each in snapshot.trials.values()], goal=Goal.MAXIMIZE
    )
    assert about(advise(turned), AdviceKind.EDGE)["learning_rate"].change == Change(max=1.0)


def test_a_range_that_ends_for_good_is_not_widened(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float:
        return float(values["dropout"] or 0) + dice.gauss(0, 0.01)  # type: ignore[arg-type]

    told = advise(study(make_snapshot, score, trials=100))
    assert "dropout" not in about(told, AdviceKind.EDGE)
    change = about(told, AdviceKind.NARROW)["dropout"].change
    assert change is not None
    assert change == Change(max=0.1)


def test_ranges_that_only_the_users_code_can_widen_get_no_line(make_snapshot: Make) -> None:
    space = SearchSpace(parameters=(Parameter(name="rate", kind=Kind.FLOAT, min=1e-4, max=0.1, log=True),))

    def score(values: Values, dice: random.Random) -> float:
        return -math.log10(values["rate"]) + dice.gauss(0, 0.1)  # type: ignore[arg-type]

    told = advise(study(make_snapshot, score, space=space), space, family="custom")
    edge = about(told, AdviceKind.EDGE)["rate"]
    assert (edge.change, edge.line) == (None, "")
    assert edge.text.endswith("its range is declared by your code: widen it")


def test_the_middle_of_a_range_is_kept(make_snapshot: Make) -> None:
    told = advise(study(make_snapshot, hollow))
    assert not about(told, AdviceKind.EDGE)
    narrow = about(told, AdviceKind.NARROW)["learning_rate"]
    assert narrow.change is not None
    assert narrow.change.min is not None
    assert narrow.change.max is not None
    assert 1e-4 < narrow.change.min < 10**-2.5 < narrow.change.max < 0.1
    assert narrow.text.startswith("learning_rate: the best 15 of 60 trials lie within 0.00")


def test_a_choice_without_good_trials_is_dropped(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float:
        return float(values["optimizer"] == "sgd") + dice.gauss(0, 0.2)

    narrow = about(advise(study(make_snapshot, score, trials=100)), AdviceKind.NARROW)["optimizer"]
    assert narrow.line == "optimizer: [adam, rmsprop]"
    assert narrow.text.startswith("optimizer: none of the best 25 of 100 trials has sgd (")


def test_a_part_that_only_failed_is_cut(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float | str:
        return "loss is nan in epoch 1" if decades(values) > -1.5 else chance(values, dice)

    failed = about(advise(study(make_snapshot, score)), AdviceKind.FAILED)["learning_rate"]
    assert failed.change is not None
    assert failed.change.max is not None
    assert 10**-1.8 < failed.change.max < 10**-1.4
    assert "trials from 0.03" in failed.text
    assert failed.text.endswith("failed (loss is nan in epoch 1)")


def test_a_value_that_only_failed_is_cut_with_its_commonest_cause(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float | str:
        if values["batch_size"] != 128:
            return chance(values, dice)
        return "out of memory" if dice.random() < 0.8 else "killed"

    failed = about(advise(study(make_snapshot, score)), AdviceKind.FAILED)["batch_size"]
    assert failed.line == "batch_size: [32, 64]"
    assert "trials with 128 failed (" in failed.text
    assert "with: out of memory)" in failed.text


def test_failures_everywhere_are_no_part_s_fault(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float | str:
        return "unlucky" if dice.random() < 0.5 else chance(values, dice)

    told = [about(advise(study(make_snapshot, score, seed=seed)), AdviceKind.FAILED) for seed in range(40)]
    assert sum(map(bool, told)) <= 4
    assert advise(make_snapshot(*[({"batch_size": 32}, "nan")] * 20)) == ()


def test_a_range_that_fails_at_an_end_is_not_widened_there(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float | str:
        return "nan" if decades(values) > -1.15 else rising(values, dice)

    told = advise(study(make_snapshot, score, trials=100))
    assert "learning_rate" in about(told, AdviceKind.FAILED)
    assert "learning_rate" not in about(told, AdviceKind.EDGE)


@pytest.mark.parametrize("trials", [0, 3, 9])
def test_few_trials_say_nothing(trials: int, make_snapshot: Make) -> None:
    snapshot = study(make_snapshot, rising, trials=trials)
    assert advise(snapshot) == ()
    assert too_few(snapshot) == f"too few trials to say ({trials} completed; ranges are judged from 10 on)"
    assert too_few(study(make_snapshot, rising, trials=10)) == ""


def test_chance_is_seldom_taken_for_a_finding(make_snapshot: Make) -> None:
    loud = [
        seed
        for seed in range(60)
        if any(each.kind is not AdviceKind.NO_EFFECT for each in advise(study(make_snapshot, chance, seed=seed)))
    ]
    assert len(loud) <= 7  # each of twenty looks at a study may be wrong once in a hundred; 4 % of 660 studies were


def test_what_matters_is_never_said_to_make_no_difference(make_snapshot: Make) -> None:
    """One parameter has a strong effect, one a weaker one beside it; the others have none, and are named."""

    def score(values: Values, dice: random.Random) -> float:
        return hollow(values, dice) + 0.5 * math.log(128 / values["units"])  # type: ignore[operator]

    named: dict[str, int] = {}
    for seed in range(40):
        for name in about(advise(study(make_snapshot, score, seed=seed)), AdviceKind.NO_EFFECT):
            named[name] = named.get(name, 0) + 1
    assert not named.keys() & {"learning_rate", "units"}
    assert all(named[name] >= 12 for name in ("hidden_layers", "optimizer", "dropout", "batch_size"))


def test_no_effect_is_said_with_the_winner_s_value_and_as_rough_for_few(make_snapshot: Make) -> None:
    for trials, is_rough in ((30, True), (60, False)):
        studies = (study(make_snapshot, hollow, trials=trials, seed=seed) for seed in range(20))
        snapshot, idle = next(
            (each, found["batch_size"])
            for each in studies
            if "batch_size" in (found := about(advise(each), AdviceKind.NO_EFFECT))
        )
        assert snapshot.best is not None
        value = snapshot.best.suggestion.values["batch_size"]
        assert idle.change == Change(values=(value,))
        assert idle.line == f"batch_size: {value}"
        assert idle.is_rough is is_rough
        assert ("rough guess" in idle.text) is is_rough
    for seed in range(20):
        few = study(make_snapshot, hollow, trials=19, seed=seed)
        assert not about(advise(few), AdviceKind.NO_EFFECT)


def test_effects_are_judged_within_one_budget(make_snapshot: Make) -> None:
    """Long trainings are better, and most of them have a dropout, which by itself does nothing."""
    space = SearchSpace(parameters=tuple(each for each in SPACE if each.name in ("dropout", "batch_size")))
    told = []
    for seed in range(10):
        dice = random.Random(seed)
        short = [(draw_values(space, dice), dice.gauss(2, 0.1)) for _ in range(40)]
        long = [({**draw_values(space, dice), "dropout": 0.4}, dice.gauss(1, 0.1)) for _ in range(20)]
        snapshot = make_snapshot(*short, *long)
        for number in range(40, 60):
            found = snapshot.trials[number]
            snapshot.trials[number] = replace(found, suggestion=replace(found.suggestion, end_epoch=90))
        told += [each for each in advise(snapshot, space) if each.kind is AdviceKind.NO_EFFECT]
    assert told
    assert all("no difference that shows in 40 trials" in each.text for each in told)
    assert {each.parameters[0] for each in told} == {"batch_size"}, "dropout has winners at its edge"


def test_layers_are_widened_together(make_snapshot: Make) -> None:
    layers = tuple(
        Parameter(
            name=f"units_{number}",
            kind=Kind.INT,
            min=16,
            max=128,
            log=True,
            when=(Condition(parameter="hidden_layers", values=(2,)),) if number == 2 else (),
        )
        for number in (1, 2)
    )
    space = SearchSpace(parameters=(Parameter(name="hidden_layers", kind=Kind.INT, min=1, max=2), *layers))

    def score(values: Values, dice: random.Random) -> float:
        return -math.log(values["units_1"]) + dice.gauss(0, 0.01)  # type: ignore[arg-type]

    told = advise(study(make_snapshot, score, space=space), space)
    (edge,) = [each for each in told if each.parameters == ("units",)]
    assert edge.line == "units: {min: 16, max: 256, log: true, per: hidden_layers}"
    assert edge.change == Change(max=256)


def test_a_conditional_parameter_is_judged_where_it_is_read(make_snapshot: Make) -> None:
    def score(values: Values, dice: random.Random) -> float:
        return -float(values.get("momentum", 0.2) or 0) + dice.gauss(0, 0.01)  # type: ignore[arg-type]

    edge = about(advise(study(make_snapshot, score, trials=150)), AdviceKind.EDGE)["momentum"]
    assert edge.change == Change(max=0.999)
    assert "max: 0.999" in edge.line
    assert "when: {optimizer: sgd}" in edge.line


def test_advice_stands_in_the_order_of_its_kinds_and_knows_what_it_rests_on(make_snapshot: Make) -> None:
    space = SearchSpace(parameters=tuple(each for each in SPACE if each.name != "learning_rate"))

    def score(values: Values, dice: random.Random) -> float | str:
        return "nan" if values["optimizer"] == "sgd" else chance(values, dice)

    told = advise(study(make_snapshot, score, space=space), space)
    kinds = [each.kind for each in told]
    assert kinds == sorted(kinds, key=list(AdviceKind).index)
    assert kinds[0] is AdviceKind.FAILED
    before = {each.parameters for each in told if not rests_on_trials(each)}
    assert before == {("optimizer", "learning_rate"), ("batch_size", "learning_rate")}
    assert told[0].as_json() == {
        "kind": "failed",
        "parameters": ["optimizer"],
        "text": told[0].text,
        "line": "optimizer: [adam, rmsprop]",
        "is_rough": False,
    }
    assert told[0].sentence == f"{told[0].text}; write optimizer: [adam, rmsprop]"


def test_a_line_stands_behind_the_last_finding_that_it_acts_on(make_snapshot: Make) -> None:
    told = [each for each in advise(study(make_snapshot, rising)) if each.parameters == ("learning_rate",)]
    assert [each.kind for each in told] == [AdviceKind.EDGE, AdviceKind.NARROW]
    assert sentences(told) == [told[0].text, told[1].sentence]
    assert sentences(told[:1]) == [told[0].sentence]


def test_changes_of_one_parameter_come_together() -> None:
    assert merged(Change(max=3), Change(min=1, max=2)) == Change(1, 2)
    assert merged(Change(values=("a", "b")), Change(values=("b", "c"))) == Change(values=("b",))
    assert merged(Change(), Change(values=("a",))) == Change(values=("a",))
    layers = Parameter(name="n", kind=Kind.INT, min=1, max=4, default=1)
    assert changed(layers, Change(2, 2)) == Parameter(name="n", kind=Kind.CHOICE, values=(2,))
    assert changed(layers, Change(min=2)).default is None
    assert changed(layers, Change(max=3)).default == 1


@given(
    seed=st.integers(0, 10_000),
    weights=st.tuples(*[st.floats(-2, 2)] * 3),
    ceiling=st.floats(-1.5, 1.0),
    trials=st.integers(10, 80),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_line_is_a_valid_parameter_that_keeps_the_winner(
    seed: int, weights: tuple[float, float, float], ceiling: float, trials: int, make_snapshot: Make
) -> None:
    def score(values: Values, dice: random.Random) -> float | str:
        if decades(values) > ceiling:
            return "nan"
        layers, dropout = values["hidden_layers"], values["dropout"]
        assert isinstance(layers, int)
        assert isinstance(dropout, float)
        parts = (decades(values), layers, 5 * dropout)
        return sum(weight * part for weight, part in zip(weights, parts, strict=True)) + dice.gauss(0, 0.2)

    snapshot = study(make_snapshot, score, trials=trials, seed=seed)
    told = [each for each in advise(snapshot) if each.change is not None]
    for name in dict.fromkeys(each.parameters[0] for each in told):
        together = Change()
        for each in told:
            together = merged(together, each.change or Change()) if each.parameters[0] == name else together
        parameter = next(each for each in SPACE if each.name == name)
        after = changed(parameter, together)
        (line,) = {each.line for each in told if each.parameters[0] == name}
        root, flaws = compose(line, source="line")
        assert root is not None
        assert not flaws
        assert ParameterSpec.model_validate(plain(root)[name]) is not None
        best = next(each for each in snapshot.completed if name in each.suggestion.values)
        is_rounded = len(after.values) == 1 and parameter.kind is Kind.FLOAT
        assert after.contains(best.suggestion.values[name]) or is_rounded
