"""The space of a custom model, narrowed by a spec; and what a plan says of a user's own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.errors import SpecError
from tunecli.plan import Plan, resolve
from tunecli.plan.sources import Discovered
from tunecli.spec.load import load
from tunecli.spec.space import Condition, Kind, Parameter
from tunecli.study.objective import Goal

DEEP = (Condition(parameter="kind", values=("deep", "deeper")),)
FOUND = Discovered(
    parameters=(
        Parameter(name="kind", kind=Kind.CHOICE, values=("plain", "deep", "deeper")),
        Parameter(name="units", kind=Kind.INT, min=16, max=64, step=16, when=DEEP),
        Parameter(name="rate", kind=Kind.FLOAT, min=1e-4, max=1e-1, log=True),
        Parameter(name="flag", kind=Kind.CHOICE, values=(False, True)),
    )
)


def spec(folder: Path, **changes: Any) -> Path:
    (folder / "mine.py").write_text("def build_model(hp): ...\n")
    model = {"family": "custom", "path": "mine.py", **changes.pop("model", {})}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({"dataset": "advertising", "model": model, **changes}, sort_keys=False))
    return path


def plan_of(folder: Path, found: Discovered | None = FOUND, **changes: Any) -> Plan:
    return resolve(load(spec(folder, **changes)), runs=folder / "runs", discovered=found)


def problem(folder: Path, found: Discovered | None = FOUND, **changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        plan_of(folder, found, **changes)
    return str(caught.value)


def test_what_the_spec_does_not_name_is_searched_as_declared(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert plan.space.parameters == FOUND.parameters
    assert plan.complete({"kind": "plain", "rate": 0.1, "flag": True})["batch_size"] == 32


def test_a_range_is_narrowed_and_keeps_what_is_not_named(tmp_path: Path) -> None:
    space = plan_of(tmp_path, search_space={"units": {"min": 32, "max": 64}, "rate": {"min": 0.001, "max": 0.01}}).space
    units, rate = (next(each for each in space if each.name == name) for name in ("units", "rate"))
    assert (units.min, units.max, units.step, units.when) == (32, 64, 16, DEEP)
    assert (rate.min, rate.max, rate.log) == (0.001, 0.01, True)


def test_fixing_a_parent_settles_what_depends_on_it(tmp_path: Path) -> None:
    deep = plan_of(tmp_path, search_space={"kind": "deep", "units": [16, 64]})
    assert deep.fixed == {"kind": "deep"}
    assert deep.space.parameters[0] == Parameter(name="units", kind=Kind.CHOICE, values=(16, 64))
    plain = plan_of(tmp_path, search_space={"kind": "plain"})
    assert [each.name for each in plain.space] == ["rate", "flag"]
    some = plan_of(tmp_path, search_space={"kind": ["plain", "deep"]})
    assert some.space.parameters[1].when == (Condition(parameter="kind", values=("deep",)),)


def test_a_batch_size_that_the_code_does_not_declare_is_ours(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, search_space={"batch_size": [16, 32]})
    assert [each.name for each in plan.space][-1] == "batch_size"
    fixed = plan_of(tmp_path, training={"batch_size": 64})
    assert fixed.complete({})["batch_size"] == 64


OUTSIDE = [
    ({"units": {"min": 8, "max": 32}}, "search_space.units.min: 8 is below 16"),
    ({"units": [16, 17]}, "search_space.units: 17 is not among what the model's code declares, 16 … 64 (step 16)"),
    ({"units": {"min": 17, "max": 64}}, "search_space.units: 17 is not among"),
    ({"kind": "deepest"}, "'deepest' is not one of plain, deep, deeper"),
    ({"unit": 3}, "search_space.unit: 'unit' is read by nothing in custom"),
    ({"flag": {"min": 0, "max": 1}}, "flag takes a choice, not a range"),
    ({"learning_rate": 0.1}, "'learning_rate' is read by nothing in custom"),
]


@pytest.mark.parametrize(("narrowed", "message"), OUTSIDE)
def test_what_the_code_does_not_declare_is_refused_at_its_line(
    narrowed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    said = problem(tmp_path, search_space=narrowed)
    assert message in said
    assert "study.yaml:" in said


def test_the_objective_is_what_the_model_reports(tmp_path: Path) -> None:
    assert plan_of(tmp_path).objective.metric == "val_loss"
    own = plan_of(tmp_path, objective={"metric": "val_ndcg", "goal": "maximize"})
    assert own.objective.goal is Goal.MAXIMIZE
    assert not own.baselines
    f1 = plan_of(tmp_path, objective="val_f1")
    assert (f1.objective.goal, f1.baselines) == (Goal.MAXIMIZE, False), "ours is one of labels"
    assert plan_of(tmp_path, objective="val_accuracy").objective.goal is Goal.MAXIMIZE
    assert "which way 'val_ndcg' is better is not known" in problem(tmp_path, objective="val_ndcg")
    assert "val_mae is better when lower" in problem(tmp_path, objective={"metric": "val_mae", "goal": "maximize"})


def test_a_changed_file_is_a_difference(tmp_path: Path) -> None:
    before = plan_of(tmp_path)
    path = spec(tmp_path)
    (tmp_path / "mine.py").write_text("def build_model(hp): return None\n")
    after = resolve(load(path), discovered=FOUND)
    (difference,) = before.differences(after)
    assert difference.startswith("custom.source.sha256: ")


def test_a_plan_without_own_files_says_nothing_of_them(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("dataset: advertising\nmodel: linear\n")
    document = json.loads(resolve(load(path)).model_dump_json())
    assert not document.keys() & {"custom", "callbacks", "init_from"}


def test_a_plan_comes_back_from_json(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, training={"callbacks": [{"path": "mine.py", "class": "A", "args": {"every": [1, 2]}}]})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_without_running_the_code_there_is_no_space_yet(tmp_path: Path) -> None:
    for tuner in ("hyperband", "bayesian", "grid", "random"):
        assert len(plan_of(tmp_path, None, tuner=tuner, search_space={"units": [16]}).space) == 0


def test_files_and_keys_that_are_not_there_are_reported(tmp_path: Path) -> None:
    assert "model.path: " in problem(tmp_path, model={"path": "other.py"})
    assert "other.py does not exist" in problem(tmp_path, model={"path": "other.py"})
    assert "needs the file that builds the model" in problem(tmp_path, model={"path": None})
    assert "is read by family: custom alone" in problem(tmp_path, model={"family": "mlp"})
    missing = {"callbacks": [{"path": "none.py", "class": "A"}]}
    assert "training.callbacks[0].path: " in problem(tmp_path, training=missing)
    assert "scipy trains linear and mlp alone, not custom" in problem(tmp_path, training={"engine": "scipy"})
    assert "tunecli retrain nothing" in problem(tmp_path, model={"init_from": "nothing"})


def test_a_name_that_init_from_needs_is_not_the_codes(tmp_path: Path) -> None:
    (tmp_path / "trained.keras").write_bytes(b"")
    found = Discovered(parameters=(Parameter(name="layers", kind=Kind.INT, min=1, max=3),))
    assert "needs the name 'layers'" in problem(tmp_path, found, model={"init_from": "trained.keras"})
    assert len(plan_of(tmp_path, found).space) == 1
