"""The learning-rate range test: its figures, on curves whose answers are known."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.errors import SpecError, UsageError
from tunecli.plan import resolve
from tunecli.spec.load import load
from tunecli.spec.yaml12 import compose, plain
from tunecli.tools.lr_find import Chosen, Curve, Ending, Sweep, choose_values, find_rates, rate_line, with_rate
from tunecli.tools.lr_find.drawing import draw, write_csv
from tunecli.tools.lr_find.values import present_rates

LossOf = Callable[[float], float]


def sweep_over(loss_of: LossOf, sweep: Sweep | None = None, *, noise: float = 0.0) -> Curve:
    """Runs a sweep over a loss that depends on the rate alone."""
    curve, draws = Curve(sweep or Sweep()), random.Random(0)
    while curve.ending is None:
        loss = loss_of(curve.sweep.rate(len(curve.records) + 1))
        curve.take(loss * (1 + noise * draws.gauss(0, 1)))
    return curve


def valley(falls_at: float, turns_at: float) -> LossOf:
    """A loss that falls from 5 to 1 around one rate, and shoots up from another on."""
    return lambda rate: 1 + 4 / (1 + (rate / falls_at) ** 2) + (rate / turns_at) ** 4


def test_rates_grow_by_one_factor() -> None:
    sweep = Sweep()
    assert sweep.factor == pytest.approx(1.028, abs=5e-4)
    assert sweep.rate(1) == 1e-5
    assert sweep.rate(101) / sweep.rate(100) == pytest.approx(sweep.factor)
    assert sweep.rate(501) == pytest.approx(10)


def test_the_smoothed_loss_is_a_bias_corrected_exponential_mean() -> None:
    losses = [3.0, 1.0, 4.0, 1.0, 5.0]
    curve = Curve(Sweep(steps=100))
    for loss in losses:
        curve.take(loss)
    keep = 1 - 1 / 4  # a 25th of 100 steps
    weights = [keep ** (len(losses) - 1 - index) for index in range(len(losses))]
    expected = sum(weight * loss for weight, loss in zip(weights, losses, strict=True)) / sum(weights)
    assert curve.records[0].smoothed == pytest.approx(3.0)
    assert curve.records[-1].smoothed == pytest.approx(expected)
    assert [record.step for record in curve.records] == [1, 2, 3, 4, 5]


def test_the_turning_point_is_where_the_loss_is_least() -> None:
    findings = find_rates(sweep_over(valley(1e-3, 1.0)))
    assert findings.turning is not None
    least = min((Sweep().rate(step) for step in range(1, 501)), key=valley(1e-3, 1.0))
    assert least < findings.turning.rate < 2 * least  # the mean looks back over a factor of 1.7
    assert findings.suggestion == pytest.approx(findings.turning.rate / 10)
    assert findings.doubts == ()


def test_the_steepest_descent_is_on_the_way_there() -> None:
    findings = find_rates(sweep_over(valley(1e-3, 1.0)))
    assert findings.steepest is not None
    assert findings.steepest.rate == pytest.approx(
        1e-3 * Sweep().factor ** 20, rel=0.3
    )  # at 1e-3, and the mean's delay


@pytest.mark.parametrize("falls_at", [1e-4, 1e-3, 1e-2])
def test_noise_of_batches_moves_the_turning_point_little(falls_at: float) -> None:
    loss_of = valley(falls_at, 100 * falls_at)
    quiet, loud = find_rates(sweep_over(loss_of)), find_rates(sweep_over(loss_of, noise=0.3))
    assert quiet.suggestion is not None
    assert loud.suggestion is not None
    assert 1 / 10 < loud.suggestion / quiet.suggestion < 10
    assert loud.steepest is not None
    assert quiet.steepest is not None
    assert 1 / 4 < loud.steepest.rate / quiet.steepest.rate < 4


def test_what_a_loss_comes_to_after_it_has_shot_up_does_not_count() -> None:
    def loss_of(rate: float) -> float:
        return valley(1e-3, 1.0)(rate) + (2.0 if 0.01 < rate < 0.03 else -0.3 if rate > 0.03 else 0.0)

    turning = find_rates(sweep_over(loss_of)).turning
    assert turning is not None
    assert turning.rate == pytest.approx(0.01, rel=0.03)  # the step before; the least of all is at 0.3


def test_a_batch_of_outliers_before_the_fall_is_no_turning_point() -> None:
    curve, loss_of = Curve(Sweep()), valley(1e-3, 1.0)
    while curve.ending is None:
        step = len(curve.records) + 1
        curve.take(120.0 if step == 60 else loss_of(curve.sweep.rate(step)))
    assert max(record.smoothed for record in curve.records) > 2 * curve.records[50].smoothed
    assert find_rates(curve).suggestion == pytest.approx(find_rates(sweep_over(loss_of)).suggestion, rel=0.1)


def test_a_sweep_ends_where_the_loss_is_four_times_its_least() -> None:
    curve = sweep_over(valley(1e-3, 0.1))
    assert curve.ending is Ending.DIVERGED
    least = min(record.smoothed for record in curve.records)
    assert curve.records[-1].smoothed > 4 * least >= curve.records[-2].smoothed


def test_a_sweep_ends_with_the_first_loss_that_is_no_number() -> None:
    curve = sweep_over(lambda rate: valley(1e-3, 1.0)(rate) if rate < 0.05 else math.nan)
    assert curve.ending is Ending.NOT_FINITE
    assert len(curve.finite) == len(curve.records) - 1
    found = find_rates(curve)
    assert found.turning is not None
    assert found.turning.step == curve.finite[-1].step


@pytest.mark.parametrize(
    ("loss_of", "noise", "doubt"),
    [
        (lambda rate: math.inf, 0.0, "the loss diverged at once, at 1e-05: lower --min"),
        (lambda rate: 1 + (rate / 1e-5) ** 4, 0.0, "the loss diverged at once, at 2.7e-05: lower --min"),
        (lambda rate: 1 + 3e3 * rate, 0.0, "the loss only rises, from 1e-05 on: lower --min"),
        (lambda rate: 2.0, 0.0, "the loss does not fall by more than its noise"),
        (lambda rate: 2.0, 0.3, "the loss does not fall by more than its noise"),
        (lambda rate: 1 + 4 / (1 + rate / 1e-3), 0.0, "the loss has not shot up by the end of the sweep, 10: raise"),
        (lambda rate: 1 + 4 / (1 + rate / 1e-3), 0.2, "the loss has not shot up by the end of the sweep, 10: raise"),
        (valley(1e-5, 1e-4), 0.0, "the loss turns at"),
    ],
)
def test_a_curve_that_shows_nothing_gives_no_suggestion(loss_of: LossOf, noise: float, doubt: str) -> None:
    findings = find_rates(sweep_over(loss_of, noise=noise))
    assert (findings.turning, findings.steepest, findings.suggestion) == (None, None, None)
    (found,) = findings.doubts
    assert found.startswith(doubt)


def test_a_fall_at_the_begin_of_the_sweep_leaves_the_steepest_descent_open() -> None:
    findings = find_rates(sweep_over(lambda rate: 1 + 4 * (rate / 1e-5) ** -0.3 + (rate / 0.1) ** 4))
    assert findings.suggestion is not None
    assert findings.steepest is None
    assert findings.doubts == ("the loss falls fastest where the sweep begins: lower --min for the steepest descent",)


def test_a_row_is_written_for_every_step(tmp_path: Path) -> None:
    curve = sweep_over(lambda rate: 1.0 if rate < 1e-3 else math.nan, Sweep(steps=100))
    write_csv(tmp_path / "a.csv", curve)
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert len(rows) == len(curve.records)
    assert rows[0] == {"step": "1", "learning_rate": "1e-05", "loss": "1.0", "smoothed_loss": "1.0"}
    assert rows[-1]["loss"] == "nan"


@pytest.mark.parametrize("loss_of", [valley(1e-3, 1.0), lambda rate: math.nan, lambda rate: 0.0])
@pytest.mark.parametrize("present", [None, (1e-3, 1e-3), (1e-4, 1e-2)])
def test_any_curve_can_be_drawn(tmp_path: Path, loss_of: LossOf, present: Any) -> None:
    curve = sweep_over(loss_of)
    draw(tmp_path / "a.png", curve, find_rates(curve), title="of <b> $x$", loss="mse", present=present)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


# what is trained


def chosen(spec: dict[str, Any]) -> Chosen:
    path = Path("a.yaml")
    path.write_text(yaml.safe_dump({"dataset": "advertising", "model": "mlp", **spec}, sort_keys=False))
    return choose_values(resolve(load(path)), "a.yaml")


def test_what_is_searched_gets_its_default_its_familys_or_the_middle() -> None:
    space = {
        "hidden_layers": {"min": 3, "max": 5},
        "units": {"min": 8, "max": 128, "log": True},
        "dropout": {"min": 0.1, "max": 0.5, "default": 0.4},
        "l2": {"min": 1e-6, "max": 1e-2, "log": True},
        "activation": ["gelu", "tanh"],
        "optimizer": ["sgd", "adam"],
        "momentum": {"min": 0.0, "max": 0.9, "when": {"optimizer": "sgd"}},
        "learning_rate": {"min": 1e-4, "max": 1e-1, "log": True},
        "schedule": ["constant", "cosine"],
        "warmup_epochs": {"min": 1, "max": 3},
    }
    found = chosen({"search_space": space, "training": {"batch_size": 16}})
    assert found.settled == pytest.approx(
        {
            "hidden_layers": 4,  # the middle: the family's 2 is not among them
            "units": 64,  # the family's
            "dropout": 0.4,  # the spec's
            "l2": 1e-4,  # the middle by magnitude
            "activation": "gelu",  # the first
            "optimizer": "adam",  # the family's; momentum is not there beside it
        }
    )
    assert found.values["batch_size"] == 16
    assert found.ignored == ("schedule", "warmup_epochs")


def test_a_fixed_schedule_is_left_out() -> None:
    assert chosen({"model": {"family": "mlp", "schedule": "cosine", "warmup_epochs": 2}}).ignored == (
        "schedule: cosine",
        "warmup_epochs: 2",
    )


def test_a_rate_of_another_optimizer_is_asked_for() -> None:
    space = {"optimizer": ["adam", "sgd"], "learning_rate": {"min": 0.01, "max": 0.1, "when": {"optimizer": "sgd"}}}
    with pytest.raises(UsageError) as caught:
        chosen({"search_space": space})
    assert str(caught.value) == (
        "a.yaml: learning_rate: is searched only where optimizer is sgd, and this test would take adam\n"
        "hint: test that one: tunecli lr-find a.yaml -S search_space.optimizer=sgd"
    )


def test_the_present_rates_are_known_in_any_form() -> None:
    def present(model: Any, **space: Any) -> Any:
        path = Path("a.yaml")
        path.write_text(yaml.safe_dump({"dataset": "advertising", "model": model, "search_space": space}))
        return present_rates(resolve(load(path)))

    assert present("mlp", learning_rate={"min": 0.01, "max": 0.1}) == (0.01, 0.1)
    assert present("mlp", learning_rate=[0.1, 0.01]) == (0.01, 0.1)
    assert present({"family": "mlp", "learning_rate": 0.02}) == (0.02, 0.02)
    assert present("mlp") is None


# what is written into a spec


def read(text: str) -> Any:
    root, _ = compose(text, source="a.yaml")
    assert root is not None
    return plain(root)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("", "learning_rate: {min: 3.2e-4, max: 0.01, log: true}"),
        ("  learning_rate: 0.1\n", "learning_rate: 3.2e-3"),
        ("  learning_rate: {value: 0.1}\n", "learning_rate: {value: 3.2e-3}"),
        ("  learning_rate: [0.1, 0.2]\n", "learning_rate: {min: 3.2e-4, max: 0.01, log: true}"),
        ("  learning_rate: {min: 0.1, max: 1}\n", "learning_rate: {min: 3.2e-4, max: 0.01, log: true}"),
        (
            "  learning_rate: {type: float, low: 1, high: 2, step: 0.5, default: 1.5, when: {optimizer: sgd}}\n",
            "learning_rate: {type: float, low: 3.2e-4, high: 0.01, when: {optimizer: sgd}, log: true}",
        ),
        (
            "  learning_rate: {sampling: log, default: 0.001, max: 1, min: 0.0001}\n",
            "learning_rate: {sampling: log, default: 1e-3, max: 0.01, min: 3.2e-4}",
        ),
        (
            "  learning_rate: {type: choice, values: [0.1, 0.2]}\n",
            "learning_rate: {min: 3.2e-4, max: 0.01, log: true}",
        ),
    ],
)
def test_the_line_to_paste_has_the_form_of_the_present_one(written: str, line: str) -> None:
    text = f"dataset: csv\nmodel: mlp\nsearch_space:\n  units: [1, 2]\n{written}  # an end\nseed: 1\n"
    assert rate_line(text, 0.0032, source="a.yaml") == line
    new = with_rate(text, 0.0032, suffix="-lr", source="a.yaml")
    assert read(new)["search_space"]["learning_rate"] == read(line)["learning_rate"]
    assert new.endswith("  # an end\nseed: 1\n")


def test_a_rate_beside_the_family_is_found_and_a_named_study_gets_another_name() -> None:
    text = "name: mine  # ours\nmodel: {family: mlp, learning_rate: 0.1}  # fixed\n"
    assert with_rate(text, 0.012345, suffix="-lr", source="a.yaml") == (
        "name: mine-lr  # ours\nmodel: {family: mlp, learning_rate: 0.012}  # fixed\n"
    )


def test_a_rate_that_cannot_be_edited_is_refused_with_its_place() -> None:
    text = "search_space:\n  learning_rate: &rate {min: 0.1, max: 1}\nother: *rate\n"
    with pytest.raises(SpecError) as caught:
        with_rate(text, 0.01, suffix="", source="a.yaml")
    assert str(caught.value).startswith("a.yaml:2:18: search_space.learning_rate: is also what *rate stands for")
