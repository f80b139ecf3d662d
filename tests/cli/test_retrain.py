"""`tunecli retrain`: the winner, trained again and tested."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.cli import retrain as command
from tunecli.plan import Plan
from tunecli.store.layout import BestLayout
from tunecli.training.data import final_parts, load
from tunecli.training.state import TrainingState, load_state, save_state

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained study's folder, free to change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def plan_of(runs: Path, name: str = "linear") -> Plan:
    return Plan.model_validate(json.loads((runs / name / "plan.json").read_text()))


def rmse(predicted: Any, targets: Any) -> float:
    return float(np.sqrt(np.mean((predicted - targets) ** 2)))


def search(cli: Cli, write_spec: Callable[..., Path], runs: Path, **changes: Any) -> Path:
    """Runs a search of its own and returns the study's folder."""
    code, _, err = cli("search", write_spec(**changes), "--runs", runs, "--quiet")
    assert code == 0, err
    return runs / "linear"


def change_state(study: Path, trial: int, change: Callable[[TrainingState], TrainingState]) -> TrainingState:
    path = study / "trials" / str(trial) / "state.npz"
    state = change(load_state(path))
    save_state(state, path)
    return state


def without_learning(state: TrainingState) -> TrainingState:
    """The state with a learning rate that moves nothing; it is the optimizer's second variable."""
    iterations, rate, *others = state.optimizer
    return replace(state, optimizer=(iterations, np.full_like(rate, 1e-12), *others))


def linear_scores(weights: Any, plan: Plan) -> dict[str, float]:
    """The rmse of a linear model on all rows that `--continue` trains on, and on the test part."""
    train, validation, test = final_parts(plan, full=False).parts
    both = [np.concatenate(pair) for pair in zip(train, validation, strict=True)]
    kernel, bias = weights[:2]
    return {name: rmse(x @ kernel + bias, y) for name, (x, y) in {"train": both, "test": test}.items()}


def files_of(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_full_retraining_comes_to_least_squares(cli: Cli, cli_json: CliJson, configs: Path, tmp_path: Path) -> None:
    runs = tmp_path / "r"
    assert cli("search", configs / "least_squares.yaml", "-S", "baselines=false", "--runs", runs, "--quiet")[0] == 0
    ours = cli_json("retrain", "--full", "--runs", runs, "--quiet")["scores"]["test"]["rmse"]
    data, parts = load(plan_of(runs, "least_squares").dataset)
    inputs = np.column_stack([np.ones(len(data.target)), data.columns.numeric])
    rows = np.concatenate([parts.train, parts.validation])
    weights, *_ = np.linalg.lstsq(inputs[rows], data.target[rows], rcond=None)
    least = np.sqrt(np.mean((inputs[parts.test] @ weights - data.target[parts.test]) ** 2))
    assert ours == pytest.approx(least, rel=0.001)


def test_without_full_the_score_of_the_search_comes_out_again(cli_json: CliJson, runs: Path) -> None:
    best = cli_json("best", "--runs", runs)["trials"][0]
    document = cli_json("retrain", "--runs", runs, "--quiet")
    assert document["trial"] == best["id"]
    assert document["epochs"] == best["best_epoch"]
    assert document["scores"]["validation"]["rmse"] == pytest.approx(best["score"], rel=1e-5)
    assert set(document["scores"]) == {"train", "validation", "test"}


def test_every_look_at_the_test_part_is_counted(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    assert cli_json("retrain", "--full", "--runs", runs, "--quiet")["test_looks"] == 1
    assert cli_json("retrain", "--full", "--trial", 1, "--runs", runs, "--quiet")["test_looks"] == 2
    card = " ".join((runs / "linear" / "best" / "card.md").read_text().split())
    assert "The test part has been looked at 2 times" in card


def test_the_saved_model_and_preprocessing_give_the_reported_score(cli_json: CliJson, runs: Path) -> None:
    import keras

    from tunecli.preprocessing import Preprocessor

    document = cli_json("retrain", "--full", "--runs", runs, "--quiet")
    best = runs / "linear" / "best"
    data, parts = load(plan_of(runs).dataset)
    preprocessor = Preprocessor.from_json(json.loads((best / "preprocessing.json").read_text()))
    predicted = keras.models.load_model(best / "model.keras").predict(
        preprocessor.transform(data.columns, parts.test), verbose=0
    )
    rmse = np.sqrt(np.mean((predicted[:, 0] - data.target[parts.test]) ** 2))
    assert document["scores"]["test"]["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert json.loads((best / "metrics.json").read_text()) == {
        key: value for key, value in document.items() if key != "schema_version"
    }


def test_a_full_retraining_fits_the_preprocessing_on_all_it_trains_on(runs: Path) -> None:
    plan = plan_of(runs)
    data, parts = load(plan.dataset)
    full, alone = final_parts(plan, full=True), final_parts(plan, full=False)
    assert len(full.parts[0][0]) == len(parts.train) + len(parts.validation)
    assert len(alone.parts[0][0]) == len(parts.train)
    assert np.abs(full.parts[0][0].mean(axis=0)).max() < 1e-6
    assert np.abs(alone.parts[2][0] - full.parts[2][0]).max() > 0
    assert len(data.target) == sum(map(len, (parts.train, parts.validation, parts.test)))


def test_the_card_has_intervals_of_what_is_kept(cli_json: CliJson, runs: Path) -> None:
    document = cli_json("retrain", "--runs", runs, "--quiet")
    best = BestLayout(runs / "linear" / "best")
    card = json.loads(best.card_document.read_text())
    for part in ("validation", "test"):
        figures = card["scores"][part]
        assert figures["rmse"]["low"] < figures["rmse"]["value"] < figures["rmse"]["high"]
        assert figures["rmse"]["value"] == pytest.approx(document["scores"][part]["rmse"], rel=1e-5)
    assert set(card["scores"]["train"]) == {"rmse", "mae", "r2"}
    assert card["checks"] == []
    assert card["search"]["rank"] == 1
    assert card["reproduce"] == f"tunecli retrain linear --trial {document['trial']} --runs {runs}"
    again = cli_json(*card["reproduce"].split()[1:], "--quiet")
    assert again["scores"] == document["scores"]
    assert again["test_looks"] == 2  # the figures of the card are no look of their own


def test_retraining_again_replaces_the_old_model(cli: Cli, runs: Path) -> None:
    for _ in range(2):
        assert cli("retrain", "--runs", runs)[0] == 0
    names = sorted(each.name for each in (runs / "linear").iterdir() if each.name.startswith("best"))
    assert names == ["best"]
    assert sorted(each.name for each in (runs / "linear" / "best").iterdir()) == [
        "bundle.json",
        "card.json",
        "card.md",
        "environment.json",
        "metrics.json",
        "model.keras",
        "preprocessing.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--trial", "7"], "there is no trial 7"), (["nothing"], "no study is called 'nothing'")],
)
def test_what_does_not_exist(arguments: list[str], message: str, cli: Cli, runs: Path) -> None:
    code, _, err = cli("retrain", *arguments, "--runs", runs)
    assert code == 2
    assert message in err
    assert "hint: " in err


def test_a_trial_without_a_score_cannot_be_retrained(cli: Cli, runs: Path) -> None:
    journal = runs / "linear" / "journal.jsonl"
    lines = [line for line in journal.read_text().splitlines() if '"finished"' not in line]
    journal.write_text("\n".join(lines) + "\n")
    code, _, err = cli("retrain", "--trial", "0", "--runs", runs)
    assert code == 1
    assert "trial 0 is running" in err
    assert cli("retrain", "--runs", runs)[0] == 1


def test_several_seeds_give_mean_and_deviation(cli_json: CliJson, runs: Path) -> None:
    document = cli_json("retrain", "--full", "--seeds", 3, "--runs", runs, "--quiet")
    alone = cli_json("retrain", "--full", "--runs", runs, "--quiet")

    assert document["seed"] == document["seeds"][0]["seed"] == alone["seed"]
    assert document["scores"] == document["seeds"][0]["scores"] == alone["scores"]
    assert len({each["seed"] for each in document["seeds"]}) == 3
    for part, metric in (("train", "loss"), ("test", "rmse"), ("test", "r2")):
        values = [each["scores"][part][metric] for each in document["seeds"]]
        assert len(set(values)) == 3
        summary = document["summary"][part][metric]
        assert summary["mean"] == pytest.approx(sum(values) / 3)
        assert summary["sd"] == pytest.approx((sum((each - sum(values) / 3) ** 2 for each in values) / 2) ** 0.5)
    assert alone["summary"]["test"]["rmse"] == {"mean": alone["scores"]["test"]["rmse"], "sd": None}


def test_more_seeds_do_not_change_the_first_ones(cli_json: CliJson, runs: Path) -> None:
    two, three = (cli_json("retrain", "--seeds", count, "--runs", runs, "--quiet")["seeds"] for count in (2, 3))
    assert three[:2] == two


def test_seeds_use_one_compiled_program(cli_json: CliJson, runs: Path) -> None:
    programs = cli_json("retrain", "--full", "--seeds", 3, "--runs", runs, "--quiet")["programs"]
    assert programs["compiled"] <= 1  # none if an earlier test has left it
    assert programs["compiled"] + programs["reused"] == 3


def test_every_seed_is_a_look_at_the_test_part_and_the_card_says_so(cli_json: CliJson, runs: Path) -> None:
    assert cli_json("retrain", "--runs", runs, "--quiet")["test_looks"] == 1
    document = cli_json("retrain", "--seeds", 2, "--ensemble", "--runs", runs, "--quiet")
    assert (document["test_looks"], document["test_looks_now"]) == (4, 3)

    looks = [json.loads(line) for line in (runs / "linear" / "test_looks.jsonl").read_text().splitlines()]
    assert [look["seed"] for look in looks[1:]] == [*(each["seed"] for each in document["seeds"]), None]
    card = " ".join((runs / "linear" / "best" / "card.md").read_text().split())
    assert "looked at 4 times. 3 of these looks were for this card" in card
    assert "What is kept, with the scores above, is the mean of what they predict" in card


def test_the_model_that_is_kept_has_the_trials_seed_whatever_the_test_part_says(cli_json: CliJson, runs: Path) -> None:
    import keras

    document = cli_json("retrain", "--full", "--seeds", 3, "--runs", runs, "--quiet")
    model = keras.models.load_model(runs / "linear" / "best" / "model.keras")
    inputs, targets = final_parts(plan_of(runs), full=True).parts[2]
    found = rmse(model.predict(inputs, verbose=0), targets)
    assert found == pytest.approx(document["seeds"][0]["scores"]["test"]["rmse"], rel=1e-5)
    assert not (runs / "linear" / "best" / "members").exists()


def test_an_ensemble_predicts_the_mean_of_its_members(cli_json: CliJson, runs: Path) -> None:
    import keras

    document = cli_json("retrain", "--seeds", 3, "--ensemble", "--runs", runs, "--quiet")
    best = BestLayout(runs / "linear" / "best")
    models = [keras.models.load_model(best.member(number)) for number in range(3)]
    parts = dict(zip(("train", "validation", "test"), final_parts(plan_of(runs), full=False).parts, strict=True))

    assert sorted(each.name for each in best.member(0).parent.iterdir()) == ["0.keras", "1.keras", "2.keras"]
    assert document["ensemble"]["members"] == 3
    for name, (inputs, targets) in parts.items():
        predicted = [model.predict(inputs, verbose=0) for model in models]
        figures = document["ensemble"]["scores"][name]
        mean = np.mean(predicted, axis=0)
        r2 = 1 - np.sum((mean - targets) ** 2) / np.sum((targets - targets.mean()) ** 2)
        assert figures["rmse"] == pytest.approx(rmse(mean, targets), rel=1e-5)
        assert figures["loss"] == pytest.approx(rmse(mean, targets) ** 2, rel=1e-5)
        assert figures["mae"] == pytest.approx(np.mean(np.abs(mean - targets)), rel=1e-5)
        assert figures["r2"] == pytest.approx(r2, rel=1e-5)
        for each, of_one in zip(document["seeds"], predicted, strict=True):
            assert each["scores"][name]["rmse"] == pytest.approx(rmse(of_one, targets), rel=1e-5)
        assert figures["loss"] <= document["summary"][name]["loss"]["mean"]
    kept = keras.models.load_model(best.model)
    assert all(np.array_equal(*pair) for pair in zip(kept.get_weights(), models[0].get_weights(), strict=True))


def test_an_ensemble_of_classifiers_averages_probabilities(
    cli: Cli, cli_json: CliJson, write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    import keras

    random = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{'xyz'[int(a + b > 1) + int(a > 0.7)]}" for a, b in random.random((90, 2))]
    (tmp_path / "classes.csv").write_text("a,b,kind\n" + "\n".join(lines) + "\n")
    dataset = {"name": "csv", "path": "classes.csv", "target": "kind", "task": "multiclass"}
    training = {"epochs": 3, "batch_size": 32}
    study = search(cli, write_spec, tmp_path / "r", dataset=dataset, objective="val_accuracy", training=training)
    document = cli_json("retrain", "--full", "--seeds", 2, "--ensemble", "--runs", tmp_path / "r", "--quiet")
    inputs, classes = final_parts(plan_of(tmp_path / "r"), full=True).parts[2]
    models = [keras.models.load_model(BestLayout(study / "best").member(number)) for number in range(2)]
    probabilities = np.mean([model.predict(inputs, verbose=0) for model in models], axis=0)

    figures = document["ensemble"]["scores"]["test"]
    assert figures["accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == classes))
    assert figures["loss"] == pytest.approx(-np.mean(np.log(probabilities[np.arange(len(classes)), classes])), rel=1e-5)


def test_the_best_trials_side_by_side(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    ranking = cli_json("best", "--runs", runs)["trials"]
    document = cli_json("retrain", "--top", 2, "--seeds", 2, "--runs", runs, "--quiet")
    top = document["top"]

    assert [(each["rank"], each["trial"], each["score"]) for each in top] == [
        (each["rank"], each["id"], each["score"]) for each in ranking
    ]
    assert document["trial"] == ranking[0]["id"]
    assert document["scores"] == top[0]["scores"]
    assert top[1]["seeds"] != top[0]["seeds"]
    for each in top:
        assert each["scores"]["validation"]["rmse"] == pytest.approx(each["score"], rel=1e-5)
        assert len(each["seeds"]) == 2
    assert document["test_looks"] == 4
    alone = cli_json("retrain", "--trial", ranking[1]["id"], "--runs", runs, "--quiet")
    assert top[1]["scores"] == alone["scores"]
    code, out, _ = cli("retrain", "--top", 2, "--full", "--runs", runs)
    assert code == 0
    assert "val_rmse in the search" in out
    assert "validation" not in out


def test_more_trials_than_there_are(cli: Cli, runs: Path) -> None:
    code, _, err = cli("retrain", "--top", 5, "--runs", runs)
    assert code == 0
    assert "only 2 trials have a score" in err
    assert "(2 of 2): " in err


def test_data_that_have_changed_since_the_search_are_refused(cli: Cli, runs: Path) -> None:
    path = runs / "linear" / "data.json"
    document = json.loads(path.read_text())
    document["target"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))
    code, _, err = cli("retrain", "--full", "--runs", runs)
    assert code == 3
    assert "the data have changed since the search (target)" in err
    assert not (runs / "linear" / "test_looks.jsonl").exists()


def test_tables_and_progress_of_several_models(cli: Cli, runs: Path) -> None:
    code, out, err = cli("retrain", "--seeds", 2, "--ensemble", "--runs", runs)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines() if line.startswith(" test ")] == [
        ["test", "mean"],
        ["test", "ensemble"],
        ["test", "kept"],
    ]
    assert " ± " in out
    assert "seed 1 of 2: " in err
    assert "seed 2 of 2: " in err


def test_going_on_starts_from_the_state_of_the_search(cli_json: CliJson, runs: Path) -> None:
    winner = cli_json("best", "--runs", runs)["trials"][0]["id"]
    state = change_state(runs / "linear", winner, without_learning)
    document = cli_json("retrain", "--continue", "--epochs", 2, "--runs", runs, "--quiet")

    assert document["full"]
    assert document["trial"] == winner
    assert document["epochs"] == 27
    assert document["continued"] == {"from_epoch": 25, "epochs": 2, "rule": "as told by --epochs"}
    expected = linear_scores(state.variables, plan_of(runs))
    assert set(document["scores"]) == set(expected)
    for name, score in expected.items():
        assert document["scores"][name]["rmse"] == pytest.approx(score, rel=1e-4)


def test_going_on_starts_from_the_weights_that_early_stopping_would_restore(
    cli: Cli, cli_json: CliJson, write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    runs = tmp_path / "r"
    stopping = {"monitor": "val_loss", "patience": 50, "restore_best_weights": True}
    study = search(cli, write_spec, runs, training={"epochs": 25, "batch_size": 32, "early_stopping": stopping})
    winner = cli_json("best", "--runs", runs)["trials"][0]

    def spoil(state: TrainingState) -> TrainingState:
        return without_learning(replace(state, variables=tuple(np.zeros_like(each) for each in state.variables)))

    state = change_state(study, winner["id"], spoil)
    document = cli_json("retrain", "--continue", "--epochs", 1, "--runs", runs, "--quiet")
    assert document["continued"]["from_epoch"] == state.stopping["best_epoch"] + 1 == winner["best_epoch"]
    expected = linear_scores(state.best_weights, plan_of(runs))
    assert document["scores"]["test"]["rmse"] == pytest.approx(expected["test"], rel=1e-4)


def test_going_on_trains_with_the_optimizer_and_the_scaling_of_the_search(
    cli: Cli, cli_json: CliJson, write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    import keras

    runs = tmp_path / "r"
    space = {"learning_rate": {"min": 0.02, "max": 0.1, "log": True}}
    search(cli, write_spec, runs, model={"family": "linear", "optimizer": "adam"}, search_space=space)
    before = cli_json("retrain", "--runs", runs, "--quiet")["scores"]
    best = BestLayout(runs / "linear" / "best")
    preprocessing = best.preprocessing.read_bytes()
    document = cli_json("retrain", "--continue", "--full", "--runs", runs, "--quiet")

    train, validation, _ = (len(each[0]) for each in final_parts(plan_of(runs), full=False).parts)
    more = round(25 * validation / (train + validation))
    assert document["continued"]["epochs"] == more > 1
    assert document["continued"]["rule"].startswith(f"25 epochs × {validation} validation rows")
    assert document["dataset"]["rows"]["train"] == train
    assert document["scores"]["train"]["rmse"] < before["train"]["rmse"]
    optimizer = keras.models.load_model(best.model).optimizer
    steps = 25 * -(-train // 32) + more * -(-(train + validation) // 32)
    assert int(optimizer.iterations.numpy()) == steps
    assert best.preprocessing.read_bytes() == preprocessing
    card = " ".join(best.card.read_text().split())
    assert f"the weights of epoch 25 and the optimizer, for {more} epochs more on the training and validation" in card
    assert "fitted to the training rows alone, and not fitted again" in card


def test_a_trial_without_a_state_cannot_go_on(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    winner, second = (each["id"] for each in cli_json("best", "--runs", runs)["trials"])
    (runs / "linear" / "trials" / str(winner) / "state.npz").unlink()
    code, _, err = cli("retrain", "--continue", "--runs", runs)
    assert code == 2
    assert f"no state of trial {winner} is kept" in err
    assert f"--trial {second}" in err
    assert "limits.keep" in err
    (runs / "linear" / "trials" / str(second) / "state.npz").unlink()
    code, _, err = cli("retrain", "--continue", "--runs", runs)
    assert (code, "--trial" in err) == (2, False)


def test_a_damaged_state_is_named(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    winner = cli_json("best", "--runs", runs)["trials"][0]["id"]
    state = runs / "linear" / "trials" / str(winner) / "state.npz"
    state.write_bytes(state.read_bytes()[:-40])
    code, _, err = cli("retrain", "--continue", "--runs", runs)
    assert code == 1
    assert "state.npz: is damaged" in err
    assert "hint: train afresh" in err
    assert not (runs / "linear" / "test_looks.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ensemble"], "--ensemble needs more than one model"),
        (["--trial", "0", "--top", "2"], "--top chooses the trials"),
        (["--continue", "--seeds", "2"], "--continue goes on from one model"),
        (["--continue", "--seeds", "2", "--ensemble"], "--continue goes on from one model"),
        (["--continue", "--ensemble"], "--continue goes on from one model"),
        (["--continue", "--top", "2"], "--continue takes one trial at a time"),
        (["--epochs", "3"], "--epochs says for how long to --continue"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str, cli: Cli, runs: Path) -> None:
    code, _, err = cli("retrain", *arguments, "--runs", runs)
    assert code == 2
    assert message in err
    assert "hint: " in err
    assert not (runs / "linear" / "best").exists()


@pytest.mark.parametrize("option", ["--seeds", "--top", "--epochs"])
def test_none_is_not_a_number_of_models(option: str, cli: Cli, runs: Path) -> None:
    assert cli("retrain", "--continue", option, 0, "--runs", runs)[0] == 2


def test_an_interrupted_retraining_leaves_the_old_model_untouched(
    cli: Cli, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("retrain", "--runs", runs)[0] == 0
    best = runs / "linear" / "best"
    before = files_of(best)

    def interrupt(screen: Any, place: Any, done: int, total: int) -> None:
        if place.seed_number == 2 and done == 3:
            assert (best.with_name("best.new") / "members" / "0.keras").exists()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command._Screen, "epoch", interrupt)
        assert cli("retrain", "--seeds", 3, "--ensemble", "--runs", runs)[0] == 130
    assert files_of(best) == before
    assert [each.name for each in best.parent.iterdir() if each.name.startswith("best")] == ["best"]
    assert cli("retrain", "--seeds", 2, "--ensemble", "--runs", runs)[0] == 0
    assert set(files_of(best)) == {*before, "members/0.keras", "members/1.keras"}
