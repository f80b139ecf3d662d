from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., tuple[int, str, str]]

SPEC = """\
# a linear model
name: ads
dataset: advertising
model: linear   # three weights
search_space:
  optimizer: [sgd, adam]
  # the rate
  learning_rate: {min: 1e-4, max: 1, log: true}   # wide
  schedule: [constant, cosine]
training: {epochs: 2, batch_size: 32}
tuner: {name: random, max_trials: 1}
baselines: false
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "ads.yaml"
    path.write_text(SPEC)
    return path


SGD = ("-S", "search_space.optimizer=sgd", "--steps", "250")


def test_a_rate_is_suggested_and_written_into_a_copy(cli: Cli, spec: Path) -> None:
    code, out, err = cli("lr-find", spec, *SGD, "--apply")
    assert code == 0, err
    copy = spec.with_name("ads-lr.yaml")
    summary, turning, steepest, suggestion, empty, line = out.splitlines()
    assert summary.startswith(
        "ads: rates from 1e-05 on, each 1.057 times the last, until the loss was 4 times its least"
    )
    assert turning.split()[:2] == ["turning", "point"]
    assert steepest.split()[:2] == ["steepest", "descent"]
    assert suggestion.endswith("a tenth of the turning point")
    assert (empty, line.startswith("learning_rate: {min: ")) == ("", True)
    assert f"wrote {copy}; next: tunecli search {copy} -S search_space.optimizer=sgd\n" in err
    assert "left out, since the rate takes a course of its own: schedule\n" in err

    old, new = SPEC.splitlines(), copy.read_text().splitlines()
    changed = [(before, after) for before, after in zip(old, new, strict=True) if before != after]
    assert changed == [("name: ads", "name: ads-lr"), (old[7], f"  {line}   # wide")]
    assert cli("validate", copy)[0] == 0
    assert cli("search", copy)[0] == 0  # beside the pictures of a study that is not there yet

    folder = Path("runs/ads/lr_find")
    rows = list(csv.DictReader((folder / "lr_find.csv").open()))
    assert float(rows[1]["learning_rate"]) == pytest.approx(1e-5 * 1e6 ** (1 / 250))
    assert (folder / "lr_find.png").read_bytes().startswith(b"\x89PNG")
    assert cli("list")[1].count("ads") == 1  # the study of the copy: pictures make no study
    assert cli("search", spec)[0] == 0


def test_json_has_every_figure(cli_json: Callable[..., Any], spec: Path, tmp_path: Path) -> None:
    found = cli_json("lr-find", spec, *SGD, "-o", tmp_path / "there")
    assert found["sweep"] == {"min": 1e-5, "max": 10.0, "steps": 250, "factor": pytest.approx(1e6 ** (1 / 250))}
    assert (found["study"], found["ending"], found["doubts"]) == ("ads", "diverged", [])
    turning = found["turning_point"]
    assert found["suggestion"] == pytest.approx(turning["learning_rate"] / 10)
    # least squares on standardised features: SGD diverges above 2 / the greatest eigenvalue of the Hessian, about 0.75
    assert 0.05 < turning["learning_rate"] < 1.5
    assert turning["smoothed_loss"] < 10 < found["steepest_descent"]["smoothed_loss"]
    assert found["values"]["optimizer"] == "sgd"
    assert found["settled"] == []
    assert found["yaml"].startswith("learning_rate: {min: ")
    assert found["applied"] is None
    assert [Path(found[name]).name for name in ("picture", "figures")] == ["lr_find.png", "lr_find.csv"]
    assert Path(found["picture"]).parent == tmp_path / "there"
    assert not Path("runs").exists()
    # the same seed, data and weights: the same figures
    assert cli_json("lr-find", spec, *SGD, "-o", tmp_path / "there") == found


def test_without_a_turning_point_nothing_is_suggested_or_written(cli: Cli, spec: Path) -> None:
    code, out, err = cli("lr-find", spec, *SGD, "--max", "1e-3", "--steps", "60", "--apply", "next.yaml")
    assert code == 1
    assert "turning point     none" in out
    assert "learning_rate:" not in out
    assert f"{spec}: no learning rate is suggested: " in err
    assert "\nhint: raise " in err
    assert not Path("next.yaml").exists()
    assert Path("runs/ads/lr_find/lr_find.png").exists()


def test_other_optimizers_and_settled_values_are_said(cli: Cli, spec: Path) -> None:
    _, _, err = cli("lr-find", spec, "--max", "1e-3", "--steps", "50")
    assert "of what is searched, the test takes optimizer=adam; set others with -S search_space.NAME=VALUE\n" in err
    assert (
        f"the rate is one for adam; for another optimizer: tunecli lr-find {spec} -S search_space.optimizer=sgd" in err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--min", "0"), "--min: 0 is not above 0\nhint: write --min 1e-5\n"),
        (("--min", "nan"), "--min: nan is not above 0\n"),
        (("--max", "1e-6"), "--max: 1e-06 is not above --min (1e-05)\nhint: write --max 10\n"),
        (("--max", "inf"), "--max: inf is not above --min"),
        (("--steps", "49"), "--steps: 49 batches show no curve\nhint: write 50 or more\n"),
        (("next.yaml",), "next.yaml: is written by --apply alone\nhint: add --apply, or drop next.yaml\n"),
        (
            ("--apply", "there.yaml"),
            "there.yaml: is there already\nhint: name another file behind --apply, or delete this one\n",
        ),
        (("-S", "training={engine: scipy}"), "training.engine: engine: scipy takes no learning rate\nhint: drop it"),
    ],
)
def test_what_cannot_be_tested_is_refused(cli: Cli, spec: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("there.yaml").write_text("mine")
    text = spec.read_text()
    spec.write_text(text.replace("  schedule: [constant, cosine]\n", "").replace("  optimizer: [sgd, adam]\n", ""))
    if "scipy" in message:
        spec.write_text("dataset: advertising\nmodel: linear\nsearch_space: {l2: [0.0, 1.0]}\n")
    code, out, err = cli("lr-find", spec, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert Path("there.yaml").read_text() == "mine"


def test_a_custom_model_is_refused(cli: Cli) -> None:
    code, _, err = cli("lr-find", Path(__file__).parents[2] / "configs" / "custom_build_model.yaml")
    assert code == 2
    assert "custom_build_model.py compiles its models itself, so that there is no learning_rate to set" in err


def test_a_spec_that_cannot_be_edited_is_refused_before_it_is_trained(cli: Cli, spec: Path) -> None:
    text = spec.read_text().replace("learning_rate: {", "learning_rate: &rate {")
    spec.write_text(text.replace("  schedule: [constant, cosine]", "  l2: *rate"))
    code, out, err = cli("lr-find", spec, *SGD, "--apply")
    assert (code, out) == (2, "")
    assert f"{spec}:8:18: search_space.learning_rate: is also what *rate stands for" in err
    assert not spec.with_name("ads-lr.yaml").exists()


def test_a_copy_that_would_not_be_valid_where_it_stands_is_not_left_there(cli: Cli, tmp_path: Path, spec: Path) -> None:
    (tmp_path / "data.csv").write_text("x,y\n" + "".join(f"{row},{3 * row + row % 7}\n" for row in range(100)))
    spec.write_text(
        "dataset: {name: csv, path: data.csv, target: y}\nmodel: {family: linear, optimizer: sgd, learning_rate: 0.1}\n"
    )
    code, _, err = cli("lr-find", spec, "--steps", "250", "--apply", tmp_path / "elsewhere" / "next.yaml")
    assert code in (2, 3)
    assert "data.csv" in err
    assert list((tmp_path / "elsewhere").iterdir()) == []
