"""The documentation names everything that there is, and every example does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunecli.cli.main import COMMANDS
from tunecli.datasets import DATASETS
from tunecli.families import FAMILIES
from tunecli.families.compiling import LOSSES, shared_hyperparameters
from tunecli.families.transfer import TRANSFER_HYPERPARAMETERS
from tunecli.oracles import ORACLES
from tunecli.plan import resolve
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.experiment import (
    DatasetSpec,
    EarlyStoppingSpec,
    ExperimentSpec,
    LimitsSpec,
    ModelSpec,
    ObjectiveSpec,
    Task,
    TrainingSpec,
)
from tunecli.spec.load import load
from tunecli.spec.parameter import ParameterSpec
from tunecli.spec.tuners import BayesianTuner, GridTuner, HyperbandTuner, RandomTuner
from tunecli.study.objective import METRICS
from tunecli.training.engines import ENGINES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = [
    ModelSpec,
    DatasetSpec,
    ObjectiveSpec,
    TrainingSpec,
    EarlyStoppingSpec,
    EvaluationSpec,
    LimitsSpec,
    ParameterSpec,
    ExperimentSpec,
]
TUNERS = [RandomTuner, HyperbandTuner, BayesianTuner, GridTuner]
CONFIGS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "configs").rglob("*.yaml"))


def names() -> list[str]:
    """Everything that a user may write."""
    fields = [name for model in BLOCKS + TUNERS for name in model.model_fields if name != "parameters"]
    hyperparameters = [each.name for task in Task for each in shared_hyperparameters(task)]
    hyperparameters += [each.name for each in TRANSFER_HYPERPARAMETERS]
    hyperparameters += [each.name for family in FAMILIES.names for each in FAMILIES.load(family).hyperparameters]
    losses = [loss for each in LOSSES.values() for loss in each]
    registered = [*COMMANDS, "datasets", *ENGINES.names, *DATASETS.names, *FAMILIES.names, *ORACLES.names, *METRICS]
    return sorted({*fields, *hyperparameters, *losses, *registered})


@pytest.mark.parametrize("name", names())
def test_every_name_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`{re.escape(name)}`", README), f"`{name}` is nowhere in README.md"


@pytest.mark.parametrize("path", CONFIGS)
def test_every_example_opens_with_what_it_shows(path: str) -> None:
    assert (ROOT / path).read_text().startswith("# What this shows: ")


@pytest.mark.parametrize("path", CONFIGS)
def test_every_example_is_a_valid_spec(path: str) -> None:
    assert resolve(load(ROOT / path)).trial_count > 0


@pytest.mark.parametrize("path", [path for path in CONFIGS if "smoke/" not in path])
def test_every_example_is_in_the_readme(path: str) -> None:
    assert f"`{path}`" in README


def test_there_is_a_smoke_config_for_every_tuner_and_family() -> None:
    plans = [resolve(load(ROOT / path)) for path in CONFIGS if "smoke/" in path]
    assert {plan.tuner.name for plan in plans} == set(ORACLES.names)
    assert {plan.family for plan in plans} == set(FAMILIES.names)


def test_the_spec_in_the_readme_is_valid(tmp_path: Path) -> None:
    spec = next(block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
    (tmp_path / "readme.yaml").write_text(spec)
    assert resolve(load(tmp_path / "readme.yaml")).name == "california-mlp"


def test_the_readme_opens_with_two_commands_that_set_everything_up() -> None:
    first, second = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)[:2]
    assert first.endswith("tunecli search configs/advertising.yaml")
    assert " .venv/bin/pytest " in second
    assert all("pip install" in each and "\n" not in each for each in (first, second))


def test_the_changelog_begins_with_this_version() -> None:
    from tunecli import __version__

    changelog = (ROOT / "tunecli" / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == __version__
