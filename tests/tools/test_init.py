import re
from pathlib import Path

import pytest

from tunecli.datasets import DATASETS
from tunecli.errors import DataError, UsageError
from tunecli.plan import Plan, resolve
from tunecli.spec.experiment import Task
from tunecli.spec.load import load
from tunecli.tools.init import draft, draft_csv

WITHOUT_OPTIONS = [name for name in DATASETS.names if not DATASETS.load(name).card.is_yours]


def plan_of(text: str, path: Path | None = None) -> Plan:
    path = path or Path("drafted.yaml")
    path.write_text(text)
    return resolve(load(path))


def uncommented(text: str) -> str:
    """Takes away the # of every line that could be added."""
    return re.sub(r"^( *)# (\w+: )", r"\1\2", text, flags=re.MULTILINE)


def write(text: str, name: str = "table.csv") -> Path:
    path = Path.cwd() / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_what_is_drafted_can_be_searched(name: str) -> None:
    plan = plan_of(draft(name).text)
    assert plan.dataset.name == name
    assert len(plan.space) >= 4
    assert plan.trial_count == 20


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_every_commented_line_may_be_added(name: str) -> None:
    text = draft(name).text
    added = plan_of(uncommented(text).replace(uncommented(text).splitlines()[0] + "\n", "", 1))
    assert len(added.fixed) >= 8
    assert added.limits.max_time == 7200


def test_hyperparameters_are_explained_by_those_who_read_them() -> None:
    assert re.search(
        r"units: \{min: 16, max: 128, log: true\} +# Units of every hidden layer", draft("california").text
    )
    assert draft("fashion").fname == "fashion_mnist.yaml"


def test_a_csv_file_is_looked_into() -> None:
    rows = "".join(f"{i},Mr {i},{20 + i / 2},{'mf'[i % 2]},1,,{'ny'[i % 3 == 0]}\n" for i in range(40))
    path = write("PassengerId,Name,Age,Sex,ship,note,Survived\n" + rows, "people of 1912.csv")
    drafted = draft_csv(path, Path.cwd())
    assert drafted.fname == "people-of-1912.yaml"
    plan = plan_of(drafted.text)
    assert plan.dataset.options.target == "Survived"
    assert plan.task is Task.BINARY
    assert plan.dataset.options.features == ("Age", "Sex")
    assert plan.dataset.options.path == str(path)
    for reason in (
        "PassengerId, which looks like an identifier",
        "Name, which has 40 different texts in 40 rows",
        "ship, which is the same in every row",
        "note, which is empty",
    ):
        assert f"# left out: {reason}\n" in drafted.text


def test_a_target_is_guessed_by_its_name() -> None:
    path = write("Sales,a,b\n" + "".join(f"{i * 1.5},{i % 7},{i % 5}\n" for i in range(30)))
    assert plan_of(draft_csv(path, Path.cwd()).text).dataset.options.target == "Sales"


def test_the_file_is_named_relative_to_the_spec() -> None:
    path = write("a,y\n1.5,2.5\n2,3\n", "data/table.csv")
    Path("configs").mkdir()
    drafted = draft_csv(path, Path("configs"))
    assert "  path: ../data/table.csv\n" in drafted.text
    assert plan_of(drafted.text, Path("configs") / drafted.fname).dataset.options.path == str(path)


def test_names_that_yaml_would_take_for_something_else_are_quoted() -> None:
    rows = "".join(f"x{i},{i % 7}.5,{i % 5},{i % 3},{i % 2}.25\n" for i in range(40))
    path = write('id,no,"a: b","12","#y"\n' + rows)
    options = plan_of(draft_csv(path, Path.cwd()).text).dataset.options
    assert options.target == "#y"
    assert options.features == ("no", "a: b", "12")


def test_without_a_file_there_is_no_draft_for_csv() -> None:
    with pytest.raises(UsageError, match="csv needs a file"):
        draft("csv")
    with pytest.raises(DataError, match="no such file"):
        draft_csv(Path("none.csv"), Path())
