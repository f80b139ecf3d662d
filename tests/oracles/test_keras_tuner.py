import builtins
import math
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.simulation import RICH, SMALL, completed, failed, make_plan, simulate
from tunecli import oracles
from tunecli.errors import StudyError, UsageError
from tunecli.oracles import ORACLES, make_oracle
from tunecli.oracles.keras_tuner import KerasTunerOracle
from tunecli.study.events import Answer
from tunecli.study.trial import Suggestion


def first(oracle: Any, *, slot: int = 0, limit: int | None = 5) -> Suggestion:
    answer = oracle.ask(slot, limit=limit)
    assert isinstance(answer, Suggestion)
    return answer


def test_the_table_and_the_protocol_are_light() -> None:
    code = "import sys, tunecli.oracles, tunecli.oracles.base; assert not {'keras_tuner', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent.parent)


def test_another_keras_tuner_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracles, "version", lambda _: "1.4.9")
    with pytest.raises(StudyError, match=r"keras-tuner 1\.4\.9 is installed.*1\.4\.8 only"):
        make_oracle(make_plan())


def test_an_unknown_tuner_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="unknown tuner 'bayes'"):
        ORACLES.load("bayes")


def test_a_slot_that_runs_a_trial_is_not_asked_again() -> None:
    oracle = make_oracle(make_plan())
    first(oracle)
    with pytest.raises(AssertionError, match="slot 0 runs a trial already"):
        oracle.ask(0, limit=5)


def test_only_a_running_trial_is_told() -> None:
    oracle = make_oracle(make_plan())
    trial = first(oracle).trial
    oracle.tell(trial, completed(1.0))
    with pytest.raises(AssertionError, match="trial 0 does not run"):
        oracle.tell(trial, completed(1.0))


def test_another_thread_is_refused() -> None:
    oracle = make_oracle(make_plan())
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            oracle.ask(0, limit=5)
        except AssertionError as error:
            caught.append(error)

    thread = threading.Thread(target=ask, name=threading.current_thread().name)
    thread.start()
    thread.join()
    assert "belongs to the thread" in str(caught[0])


def test_after_an_error_inside_kerastuner_the_oracle_refuses_further_use(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = make_oracle(make_plan())
    assert isinstance(oracle, KerasTunerOracle)

    def fail() -> None:
        raise ValueError("no luck")

    monkeypatch.setattr(oracle._oracle, "_random_values", fail)
    with pytest.raises(StudyError, match="the random tuner failed inside KerasTuner: ValueError: no luck"):
        oracle.ask(0, limit=5)
    with pytest.raises(StudyError, match="cannot go on after an error"):
        oracle.ask(0, limit=5)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"units": None}, "units is missing"),
        ({"momentum": 0.5, "optimizer": 0}, "momentum=0.5 is not active|momentum is not active"),
    ],
)
def test_values_outside_the_spec_are_refused_by_name(
    change: dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = make_oracle(make_plan())
    assert isinstance(oracle, KerasTunerOracle)
    draw = oracle._oracle._random_values
    changed = {key: value for key, value in {**draw(), **change}.items() if value is not None}
    monkeypatch.setattr(oracle._oracle, "_random_values", lambda: changed)
    with pytest.raises(StudyError, match=fault):
        oracle.ask(0, limit=5)


def test_nothing_is_written_printed_or_warned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[Any] = []
    open_file = builtins.open

    def watched(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        opened.extend([file] if set(mode) & set("wax+") else [])
        return open_file(file, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", watched)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("random", "hyperband", "grid"):
            simulate(make_oracle(make_plan(name)), make_plan(name), slots=2, failure_rate=0.2)
        simulate(make_oracle(make_plan("bayesian")), make_plan("bayesian"), slots=2, most=7)
    assert opened == []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_kerastuners_environment_variables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    expected = simulate(make_oracle(plan), plan).values
    for name, value in {"ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1", "TUNER_ID": "chief"}.items():
        monkeypatch.setitem(os.environ, f"KERASTUNER_{name}", value)
    assert simulate(make_oracle(plan), plan).values == expected


@pytest.mark.parametrize("name", ["random", "grid"])
def test_the_cost_of_a_trial_does_not_grow(name: str) -> None:
    plan = make_plan(name)
    oracle = make_oracle(plan)
    counts = []

    def count(frame: Any, event: str, argument: Any) -> None:
        counts[-1] += event == "call"

    for number in range(400):
        counts.append(0)
        sys.setprofile(count)
        oracle.tell(first(oracle, limit=None).trial, failed() if number % 2 else completed(1.0))
        sys.setprofile(None)
    assert max(counts[350:]) <= 1.5 * max(counts[10:50])


def test_the_journals_values_win() -> None:
    oracle, other = make_oracle(make_plan("random", SMALL)), make_oracle(make_plan("random", SMALL))
    trial = first(oracle)
    original = trial.values
    replacement = next(values for values in SMALL.grid() if values != original)
    oracle.correct(trial.trial, replacement)
    oracle.tell(trial.trial, completed(1.0))
    seen = [first(oracle, slot=slot, limit=None).values for slot in range(11)]
    assert replacement not in seen
    assert original in seen
    assert oracle.ask(99, limit=None) is Answer.STOPPED
    assert first(other).values == original


def test_values_that_the_spec_does_not_allow_are_no_correction() -> None:
    oracle = make_oracle(make_plan("random", SMALL))
    trial = first(oracle).trial
    with pytest.raises(StudyError, match="b=9 is outside"):
        oracle.correct(trial, {"a": "x", "b": 9})
    oracle.tell(trial, completed(1.0))


def test_random_search_uses_up_a_small_space() -> None:
    for seed in range(10):
        plan = make_plan("random", SMALL, seed=seed)
        run = simulate(make_oracle(plan), plan)
        assert sorted(map(str, run.values)) == sorted(map(str, SMALL.grid()))


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_a_failure(score: float) -> None:
    oracle = make_oracle(make_plan())
    assert isinstance(oracle, KerasTunerOracle)
    oracle.tell(first(oracle).trial, completed(score))
    (trial,) = oracle._oracle.trials.values()
    assert (trial.status, trial.score) == ("FAILED", None)


def test_random_search_visits_all_of_a_rich_space() -> None:
    plan = make_plan()
    found = simulate(
        make_oracle(plan), plan.model_copy(update={"tuner": plan.tuner.model_copy(update={"max_trials": 300})})
    )
    for parameter in RICH:
        if parameter.kind.value == "choice" or parameter.step is not None:
            seen = [values[parameter.name] for values in found.values if parameter.name in values]
            assert all(value in seen for value in parameter.finite_values() or ())
