"""The next spec, made of planted studies on Advertising."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from tests.studies import write_random_study
from tunecli.errors import StudyError, UsageError
from tunecli.plan import Plan, resolve
from tunecli.plan.sources import Discovered
from tunecli.spec.load import load
from tunecli.spec.space import Kind, Parameter, Values
from tunecli.store.run import Run
from tunecli.tools.refine import Refinement, refine

SPEC = """\
# what we know so far
name: sales              # the first try
dataset: advertising
model: {family: mlp, activation: relu}
search_space:
  hidden_layers: {min: 1, max: 4}
  learning_rate: {low: 1e-4, high: 1e-1, log: true}   # by magnitude
  optimizer: [adam, sgd, rmsprop]
  momentum: {min: 0.0, max: 0.9, when: {optimizer: sgd}}
  # the rest hardly matters
  batch_size:
    values: [16, 32, 64]
    default: 16
tuner: {name: random, max_trials: 60}
"""


def rate(values: Values) -> float:
    found = values["learning_rate"]
    assert isinstance(found, float)
    return math.log10(found)


def rising(values: Values, dice: random.Random) -> float:
    """Better with a larger learning rate; sgd is bad."""
    return -rate(values) + 2 * (values["optimizer"] == "sgd") + dice.gauss(0, 0.05)


def refined(run: Run, path: Path | str = "next.yaml", *, fix: bool = False) -> Refinement:
    return refine(run, run.snapshot(), Path(path), Path("runs"), fix=fix)


def written(text: str, name: str = "spec.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def resolved(found: Refinement, path: str = "next.yaml") -> Plan:
    return resolve(load(written(found.text, path)))


def test_edges_are_widened_and_parts_cut_and_all_else_stays(tmp_path: Path) -> None:
    found = refined(write_random_study(written(SPEC), rising, trials=100))
    assert found.name == "sales-2"
    by_name = {each.parameter: each for each in found.edits}
    assert list(by_name) == ["learning_rate", "optimizer", "momentum"]
    assert by_name["learning_rate"].before == "0.0001 … 0.1 (log)"
    assert by_name["learning_rate"].after.endswith(" … 1 (log)")
    assert len(by_name["learning_rate"].why) == 2
    assert (by_name["optimizer"].after, by_name["momentum"].after) == ("adam, rmsprop", "dropped")
    (low,) = [each.min for each in resolved(found).space if each.name == "learning_rate"]
    lines = SPEC.splitlines()
    changed = {
        "name: sales              # the first try": "name: sales-2              # the first try",
        lines[6]: f"  learning_rate: {{low: {low}, high: 1.0, log: true}}   # by magnitude",
        lines[7]: "  optimizer: [adam, rmsprop]",
    }
    expected = [changed.get(line, line) for line in lines if not line.startswith("  momentum")]
    assert found.text.replace("e-2,", "").splitlines()[:1] == expected[:1]
    assert [line for line in found.text.splitlines() if "low:" not in line] == [
        line for line in expected if "low:" not in line
    ]
    assert "high: 1.0, log: true}   # by magnitude" in found.text


def test_what_is_dropped_is_not_widened_first() -> None:
    """Momentum has winners at its edge, under the one optimizer that has no other merit."""

    def score(values: Values, dice: random.Random) -> float:
        momentum = values.get("momentum", 0.0)
        assert isinstance(momentum, float)
        return 3 * (values["optimizer"] == "sgd") - momentum + dice.gauss(0, 0.02)

    found = refined(write_random_study(written(SPEC), score, trials=120))
    assert [(each.parameter, each.after) for each in found.edits] == [
        ("optimizer", "adam, rmsprop"),
        ("momentum", "dropped"),
    ]


def test_what_made_no_difference_is_fixed_only_on_demand() -> None:
    for seed in range(10):
        run = write_random_study(written(SPEC, f"{seed}.yaml"), rising, trials=100, seed=seed)
        found = refined(run)
        if "batch_size" in found.fixable:
            break
        run.delete()
    assert "batch_size" not in {each.parameter for each in found.edits}
    fixed = refined(run, fix=True)
    assert fixed.fixable == ()
    best = run.snapshot().best
    assert best is not None
    assert resolved(fixed).fixed["batch_size"] == best.suggestion.values["batch_size"]
    assert "learning_rate" in [each.name for each in resolved(fixed).space]


def test_nothing_left_to_search_is_no_search() -> None:
    spec = "dataset: advertising\nmodel: linear\nsearch_space: {batch_size: [16, 32]}\n"
    for seed in range(20):
        run = write_random_study(written(spec), lambda values, dice: dice.gauss(0, 1), seed=seed)
        found = refined(run, fix=True)
        if found.left:
            break
        run.delete()
    assert found.left[0].why == "nothing would be left to search"
    assert found.edits == ()


def test_a_winner_that_a_fixed_value_depends_on_stays() -> None:
    spec = SPEC.replace("activation: relu", "activation: relu, nesterov: true").replace(
        "  momentum: {min: 0.0, max: 0.9, when: {optimizer: sgd}}\n", ""
    )
    found = refined(write_random_study(written(spec), rising, trials=100))
    assert [each.parameter for each in found.edits] == ["learning_rate"]
    (left,) = found.left
    assert (left.parameter, left.after) == ("optimizer", "adam, rmsprop")
    assert left.why.startswith("nesterov is not read when optimizer is adam")
    assert "optimizer: [adam, sgd, rmsprop]" in found.text


def test_conditions_lose_the_values_that_are_gone() -> None:
    spec = SPEC.replace("when: {optimizer: sgd}", "when: {optimizer: [sgd, rmsprop]}")
    found = refined(write_random_study(written(spec), rising, trials=100))
    assert "momentum: {min: 0.0, max: 0.9, when: {optimizer: rmsprop}}" in found.text
    assert len(resolved(found).space) == 5


def test_layers_that_have_a_value_each_keep_their_form() -> None:
    spec = SPEC.replace(
        "  learning_rate", "  units: {min: 16, max: 64, log: true, per: hidden_layers}\n  learning_rate"
    )

    def wide(values: Values, dice: random.Random) -> float:
        return -math.log(values["units_1"]) + dice.gauss(0, 0.01)  # type: ignore[arg-type]

    found = refined(write_random_study(written(spec), wide, trials=100))
    assert "  units: {min: 16, max: 128, log: true, per: hidden_layers}\n" in found.text
    assert "units_1" in [each.name for each in resolved(found).space]


@pytest.mark.parametrize(
    "override",
    [
        "seed=7",
        "search_space.learning_rate={min: 1e-3, max: 0.5, log: true}",
        "search_space.batch_size=32",
        "search_space.momentum.max=0.5",
        "model.dropout=0.1",
        "search_space.dropout={min: 0.0, max: 0.5}",
        "training.epochs=3",
        "training.early_stopping.patience=2",
        "training.batch_size=8",
        "tuner=bayesian",
        "tuner.max_trials=33",
        "dataset.max_rows=20",
        "dataset.split_seed=4",
        "dataset.validation=0.3",
        "objective=val_mae",
        "objective={metric: val_rmse, target: 0.1}",
        "stop_when.no_gain=50",
        "evaluation.folds=3",
    ],
)
def test_the_plan_wins_over_the_spec_as_it_was_given(override: str) -> None:
    spec = SPEC
    if override.startswith("training.batch_size"):
        spec = "".join(SPEC.partition("  batch_size:")[:1]) + "tuner: random\n"
    run = write_random_study(written(spec), rising, overrides=[override])
    found = refined(run)
    assert found.restored
    before, after = Plan.of(run), resolved(found)
    changed = {each.parameter for each in found.edits} | {"optimizer"}
    words = [
        each for each in after.differences(before) if each.split(":")[0].removeprefix("search_space.") not in changed
    ]
    assert words == []
    assert (after.limit, after.stop_when) == (before.limit, before.stop_when)


def test_a_study_without_overrides_is_told_of_none() -> None:
    assert refined(write_random_study(written(SPEC), rising)).restored == ()


def test_callbacks_are_found_from_another_folder() -> None:
    written("import keras\nclass Quiet(keras.callbacks.Callback): ...\n", "a/quiet.py")
    spec = SPEC + "training: {callbacks: [{path: quiet.py, class: Quiet}]}\n"
    run = write_random_study(written(spec, "a/spec.yaml"), rising)
    (source,) = Plan.of(run).sources
    written(Path("a/quiet.py").read_text(), str(source.within(run.layout.sources)))
    assert "[{path: quiet.py, class: Quiet}]" in refined(run, "a/next.yaml").text
    assert f'path: "../{source.within(run.layout.sources)}", class: Quiet' in refined(run, "b/next.yaml").text


def test_an_override_that_no_edit_can_bring_back_is_refused() -> None:
    run = write_random_study(written(SPEC), rising, overrides=["dataset.features=[TV, radio]"])
    with pytest.raises(UsageError) as error:
        refined(run)
    assert error.value.problems[0].what.startswith("was searched with overrides that cannot be written into its spec: ")


TABLE = "dataset: {name: csv, path: data/t.csv, target: y}\nmodel: linear\n" + (
    "search_space: {learning_rate: {min: 1e-4, max: 0.1, log: true}}\ntuner: {name: random, max_trials: 60}\n"
)


def test_paths_lead_to_the_same_file_from_another_folder() -> None:
    Path("specs/data").mkdir(parents=True)
    rows = [f"{number},{2.5 * number}" for number in range(40)]
    Path("specs/data/t.csv").write_text("\n".join(["x,y", *rows]))
    run = write_random_study(written(TABLE, "specs/spec.yaml"), lambda values, dice: -rate(values) + dice.gauss(0, 0.1))
    assert "path: data/t.csv" in refined(run, "specs/next.yaml").text
    found = refined(run, "elsewhere/deep/next.yaml")
    assert 'path: "../../specs/data/t.csv"' in found.text
    assert resolved(found, "elsewhere/deep/next.yaml").dataset.options.path == str(Path("specs/data/t.csv").resolve())


CODE = "def build_model(hp):\n    return None\n"
CUSTOM = """\
dataset: advertising
model: {family: custom, path: net.py, bias: true}
search_space: {units: {max: 64, min: 8}}
"""


def test_a_model_of_the_user_s_own_is_narrowed_beside_a_copy_of_its_code() -> None:
    """What the code declares and the spec does not name is written out; the copy in the study is what was searched."""
    declared = (
        Parameter(name="units", kind=Kind.INT, min=8, max=128),
        Parameter(name="rate", kind=Kind.FLOAT, min=1e-4, max=0.1, log=True),
        Parameter(name="bias", kind=Kind.CHOICE, values=(False, True)),
    )
    written(CODE, "a/net.py")
    found = Discovered(parameters=declared)

    def score(values: Values, dice: random.Random) -> float:
        return abs(math.log10(values["rate"]) + 2.5) + dice.gauss(0, 0.1)  # type: ignore[arg-type]

    run = write_random_study(written(CUSTOM, "a/spec.yaml"), score, discovered=found)
    source = Plan.of(run).sources[0].within(run.layout.sources)
    written(CODE, str(source))
    assert "path: net.py, bias: true" in refined(run, "a/next.yaml").text
    next_ = refined(run, "b/next.yaml")
    assert [each.parameter for each in next_.edits] == ["rate"]
    assert f'path: "../{source}"' in next_.text
    space = resolve(load(written(next_.text, "b/next.yaml")), discovered=found).space
    assert [(each.name, each.log) for each in space] == [("units", False), ("rate", True)]
    assert space.parameters[1].bounds != declared[1].bounds


def test_the_next_name_is_free() -> None:
    run = write_random_study(written(SPEC), rising)
    write_random_study(written(SPEC.replace("name: sales ", "name: sales-2 ")), rising)
    assert refined(run).name == "sales-3"
    assert refined(Run(Path("runs/sales-2"))).name == "sales-3"
    year = write_random_study(written(SPEC.replace("name: sales ", "name: sales-2024 ")), rising)
    assert refined(year).name == "sales-2024-2"


def test_a_spec_without_a_name_is_given_one() -> None:
    run = write_random_study(written("".join(SPEC.partition("dataset:")[1:]), "mine.yaml"), rising)
    assert resolved(refined(run)).name == "mine-2"


def test_a_study_that_has_lost_its_spec_is_said() -> None:
    run = write_random_study(written(SPEC), rising, trials=3)
    run.layout.spec.unlink()
    with pytest.raises(StudyError, match="is missing"):
        refined(run)


def test_few_trials_change_nothing() -> None:
    found = refined(write_random_study(written(SPEC), rising, trials=6))
    assert (found.edits, found.left, found.fixable) == ((), (), ())
