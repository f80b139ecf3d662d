"""`tunecli datasets` and `tunecli init`."""

import json
from pathlib import Path

import pytest

from tunecli.cli.main import run
from tunecli.datasets import DATASETS, fetch

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def without_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    monkeypatch.setenv("TUNECLI_OFFLINE", "0")
    monkeypatch.setattr(fetch, "DEBIAN", tmp_path / "debian")


def test_the_data_sets_are_listed(capsys: Capture) -> None:
    assert run(["datasets"]) == 0
    printed = capsys.readouterr()
    assert all(name in printed.out for name in DATASETS.names)
    assert "to be downloaded" in printed.out
    assert "tunecli datasets fetch" in printed.err


def test_the_list_is_json_too(capsys: Capture) -> None:
    assert run(["datasets", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    by_name = {each["name"]: each for each in document["datasets"]}
    assert tuple(by_name) == DATASETS.names
    assert set(by_name["csv"]) == {"name", "title", "shape", "task", "source", "licence", "path"}
    assert by_name["advertising"]["path"].endswith("advertising.csv")
    assert by_name["california_housing"]["path"] is None


def test_fetching_prints_where_the_data_are(capsys: Capture) -> None:
    assert run(["datasets", "fetch", "advertising"]) == 0
    assert capsys.readouterr().out.rstrip() == str(DATASETS.load("advertising").find())


def test_fetching_offline_says_what_to_put_where(capsys: Capture, tmp_path: Path) -> None:
    assert run(["datasets", "fetch", "california", "--offline"]) == 3
    printed = capsys.readouterr().err
    assert "https://ndownloader.figshare.com/files/5976036" in printed
    assert str(tmp_path / "cal_housing.tgz") in printed


def test_an_unknown_data_set_is_a_usage_error(capsys: Capture) -> None:
    assert run(["datasets", "fetch", "califronia"]) == 2
    assert "did you mean 'california_housing'?" in capsys.readouterr().err


def test_init_writes_a_spec_and_says_what_to_do_with_it(capsys: Capture) -> None:
    assert run(["init"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "tunecli search advertising.yaml" in printed.err
    assert "name: advertising" in Path("advertising.yaml").read_text()


def test_init_overwrites_nothing_unless_forced(capsys: Capture) -> None:
    Path("mine.yaml").write_text("precious")
    assert run(["init", "california", "-o", "mine.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert Path("mine.yaml").read_text() == "precious"
    assert run(["init", "california", "-o", "mine.yaml", "--force"]) == 0
    assert "california_housing" in Path("mine.yaml").read_text()


def test_init_prints_to_stdout(capsys: Capture) -> None:
    assert run(["init", "fashion", "-o", "-"]) == 0
    assert "name: fashion_mnist" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("arguments", [["csv", "table.csv"], ["table.csv"]])
def test_init_looks_into_a_csv_file(arguments: list[str]) -> None:
    Path("table.csv").write_text("a,y\n1.5,2.5\n2,3\n")
    assert run(["init", *arguments]) == 0
    assert "path: table.csv" in Path("table.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["csv"], 2, "tunecli init csv FILE"),
        (["csv", "none.csv"], 3, "no such file"),
        (["california", "a.csv"], 2, "california takes no file"),
        (["mnist"], 2, "unknown dataset 'mnist'"),
        (["-o", "no/folder/a.yaml"], 2, "cannot be written"),
    ],
)
def test_init_says_what_is_wrong(arguments: list[str], code: int, message: str, capsys: Capture) -> None:
    assert run(["init", *arguments]) == code
    assert message in capsys.readouterr().err
