"""Tables of the user's own through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

FRAME = pl.DataFrame(
    {
        "x": [number % 7 / 2 for number in range(60)],
        "size": ["SML"[number % 3] for number in range(60)],
        "y": [number % 7 + number % 3 + 0.5 for number in range(60)],
    }
)


def study(runs: Path) -> dict[str, Any]:
    (plan,) = runs.glob("*/plan.json")
    document: dict[str, Any] = json.loads(plan.read_text())
    return document


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_a_typed_file_is_searched_like_a_csv_file(
    name: str, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    write = FRAME.write_parquet if name.endswith(".parquet") else FRAME.write_ipc
    write(tmp_path / name)
    data = {"name": "table", "path": name, "target": "y"}
    found = cli_json("search", write_spec(dataset=data, training={"epochs": 1}), "--runs", tmp_path / "r")
    assert len(found["trials"]) == 2
    assert study(tmp_path / "r")["dataset"]["name"] == "csv"


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.csv.gz"])
def test_a_draft_is_made_for_every_format(name: str, cli: Cli) -> None:
    if name.endswith(".parquet"):
        FRAME.write_parquet(name)
    elif name.endswith(".feather"):
        FRAME.write_ipc(name)
    else:
        FRAME.write_csv(name, compression="gzip")
    assert cli("init", name, "-o", "t.yaml")[0] == 0
    text = Path("t.yaml").read_text()
    assert f"path: {name}" in text
    assert "target: y" in text
    assert cli("validate", "t.yaml")[0] == 0


def test_a_file_that_is_not_what_it_says_is_one_message(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("x,y\n1,2\n3,4\n")
    spec = write_spec(dataset={"name": "csv", "path": "t.parquet", "target": "y"})
    code, _, err = cli("validate", spec)
    assert code == 3
    assert "t.parquet: is not a whole Parquet file" in err
    assert "hint: write it anew" in err


WIDE = "id,sensor_1,sensor_2,Temp,colour,sold,note,y\n" + "".join(
    f"{number},{number % 5},{number % 7},{number % 3}.5,{'rgb'[number % 3]},2024-0{1 + number % 9}-1{number % 10},"
    f"a somewhat longer remark on sale {number},{number % 5 * 2 + 0.5}\n"
    for number in range(60)
)
USUAL = {"exclude": ["id", "note"]}


@pytest.fixture
def validated(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Validates a spec on the wide table with these keys in its dataset."""
    (tmp_path / "wide.csv").write_text(WIDE)

    def validate(**changes: object) -> tuple[int, str, str]:
        data = {"name": "csv", "path": "wide.csv", "target": "y", **changes}
        return cli("validate", write_spec(dataset=data))

    return validate


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exclude": ["id", "note"]}, "sensor_1 sensor_2 Temp sold.year colour"),
        ({"features": ["sensor_*"]}, "sensor_1 sensor_2"),
        ({"features": ["temp", "SENSOR_?"]}, "Temp sensor_1 sensor_2"),
        ({"features": ["*"], "exclude": ["s*", "id", "note"]}, "Temp colour"),
        ({"types": ["number"], "exclude": ["id"]}, "sensor_1 sensor_2 Temp"),
        ({"types": ["number", "text"], **USUAL}, "sensor_1 sensor_2 Temp colour"),
        ({"types": ["date"], **USUAL}, "sold.year"),
        ({"features": ["sensor_[13]", "colour"]}, "sensor_1 colour"),
    ],
)
def test_features_are_chosen_by_name_pattern_and_type(
    changes: dict[str, Any], expected: str, validated: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.training.data import load as load_data

    code, _, err = validated(**changes)
    assert code == 0, err
    columns = load_data(resolve(load(tmp_path / "linear.yaml")).dataset)[0].columns
    names = [name for name in columns.numeric_names if not name.startswith("sold.") or name == "sold.year"]
    assert " ".join([*names, *columns.categorical_names]) == expected


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"features": ["sensr_*"]}, 2, "dataset.features: no column fits 'sensr_*'\nhint: did you mean 'sensor_2'?"),
        ({"features": ["Tempp"]}, 2, "no column is called 'Tempp'\nhint: did you mean 'Temp'?"),
        ({"exclude": ["idd"]}, 2, "dataset.exclude: no column is called 'idd'"),
        ({"exclude": ["zz*"]}, 2, "dataset.exclude: no column fits 'zz*'\nhint: columns: id, sensor_1"),
        ({"exclude": ["*"]}, 2, "no column is left beside the target 'y'"),
        ({"features": ["Temp", "colour"], "types": ["number"]}, 2, "dataset.types: 'colour' is a text"),
        ({"features": ["sensor_*"], "types": ["date"]}, 2, "dataset.types: no column is a date"),
        ({"features": ["id", "sensor_1"], "exclude": ["id"]}, 2, "'id' is left out by exclude"),
        (
            {"types": ["numbr"]},
            2,
            "dataset.types[0]: 'numbr' is not one of number, text, date\nhint: did you mean 'number'?",
        ),
        (
            {},
            3,
            "wide.csv: 'note' holds prose, which no model here reads: 60 different texts of 3",
        ),
    ],
)
def test_a_choice_of_features_that_cannot_be_is_explained(
    changes: dict[str, Any], code: int, message: str, validated: Callable[..., tuple[int, str, str]]
) -> None:
    found, _, err = validated(**changes)
    assert found == code, err
    assert message in err
    if found == 3:
        assert "hint: leave it out: exclude: [note]" in err


def test_what_dates_become_is_said(validated: Callable[..., tuple[int, str, str]]) -> None:
    _, _, err = validated(**USUAL)
    assert "note: sold holds dates, learnt from as sold.year, sold.month, sold.day, sold.weekday, sold.days" in err


def test_plans_without_the_new_keys_are_as_before(
    validated: Callable[..., tuple[int, str, str]], cli_json: CliJson, tmp_path: Path
) -> None:
    validated(features=["Temp"])
    options = cli_json("validate", tmp_path / "linear.yaml")["plan"]["dataset"]["options"]
    assert set(options) == {"path", "target", "task", "features"}


DATED = "sold,x,kind,y\n" + "".join(
    f"2024-{1 + number // 28:02}-{1 + number % 28:02},{number % 7},{'ab'[number % 2]},{number % 7 * 2 + 0.5}\n"
    for number in reversed(range(84))
)


def parts_of(spec: Path) -> list[list[str]]:
    """Returns the dates of the rows to train on, to validate on and to test on."""
    import numpy as np

    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.training.data import load as load_data

    data, parts = load_data(resolve(load(spec)).dataset)
    days = data.columns.numeric[:, data.columns.numeric_names.index("sold.days")]
    return [
        [str(np.datetime64(int(day), "D")) for day in days[rows]]
        for rows in (parts.train, parts.validation, parts.test)
    ]


def test_the_latest_rows_are_held_back(cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    (tmp_path / "dated.csv").write_text(DATED)
    data = {"name": "csv", "path": "dated.csv", "target": "y", "split": "time", "time": "sold"}
    changes = {
        "model": "linear",
        "objective": "fold_rmse",
        "evaluation": {"folds": 3},
        "search_space": {"l2": [0, 0.1]},
    }
    spec = write_spec(dataset=data, training={"epochs": 1}, **changes)
    train, validation, test = parts_of(spec)
    assert max(train) < min(validation) <= max(validation) < min(test)
    assert (len(validation), len(test)) == (17, 17)
    cli_json("search", spec, "--runs", tmp_path / "r", "--workers", "2")  # workers read the times of stored rows
    plan = study(tmp_path / "r")
    assert (plan["dataset"]["split"], plan["evaluation"]["scheme"]) == ("time", "time")


def test_the_last_rows_are_held_back(write_spec: WriteSpec, tmp_path: Path) -> None:
    (tmp_path / "dated.csv").write_text(DATED)
    spec = write_spec(dataset={"name": "csv", "path": "dated.csv", "target": "y", "split": "last"})
    train, validation, test = parts_of(spec)
    assert min(train) > max(validation) >= min(validation) > max(test), "the file begins with the latest"


@pytest.mark.parametrize(
    ("changes", "scheme", "message"),
    [
        ({"split": "time"}, None, "dataset.split: time needs a column\nhint: write time: COLUMN beside it"),
        ({"split": "group"}, None, "dataset.split: group needs a column"),
        ({"split": "random", "group": "kind"}, None, "dataset.split: random does not read group, which is given"),
        ({"split": "last", "time": "sold"}, None, "dataset.split: last does not read time, which is given"),
        ({"group": "kind", "time": "sold"}, None, "dataset.time: a split by time takes groups apart"),
        ({"split": "stratified"}, None, "dataset.split: stratified splits by class, and a regression task has none"),
        ({"split": "latest"}, None, "'latest' is not one of random, stratified, group, time, last"),
        ({"time": "sodl"}, None, "dataset.time: no column is called 'sodl'\nhint: did you mean 'sold'?"),
        ({"time": "sold"}, "kfold", "evaluation.scheme: kfold mixes rows that dataset.split: time keeps apart"),
        ({"split": "last"}, "stratified", "evaluation.scheme: stratified mixes rows"),
        ({"split": "group", "group": "kind"}, "kfold", "evaluation.scheme: kfold mixes rows"),
        (
            {"validation": 0.1, "validation_path": "v.csv"},
            None,
            "dataset.validation: there is a file of validation rows",
        ),
        ({"test": 0.1, "test_path": "t.csv"}, None, "dataset.test: there is a file of test rows"),
    ],
)
def test_splits_that_cannot_be_are_refused(
    changes: dict[str, Any], scheme: str | None, message: str, cli: Cli, write_spec: WriteSpec
) -> None:
    Path("dated.csv").write_text(DATED)
    data = {"name": "csv", "path": str(Path("dated.csv").resolve()), "target": "y", "task": "regression", **changes}
    folds = {"evaluation": {"folds": 3, "scheme": scheme}, "objective": "fold_rmse"} if scheme else {}
    code, _, err = cli("validate", write_spec(dataset=data, **folds))
    assert code == 2, err
    assert message in err


def test_a_time_must_be_known(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    for name, text, message in (
        ("kind", DATED, "the time 'kind' holds neither dates nor numbers"),
        ("sold", DATED.replace("2024-01-02,", ","), "dated.csv:84: the time 'sold' is missing"),
    ):
        (tmp_path / "dated.csv").write_text(text)
        code, _, err = cli(
            "validate", write_spec(dataset={"name": "csv", "path": "dated.csv", "target": "y", "time": name})
        )
        assert code == 3
        assert message in err


def test_validation_and_test_rows_may_have_files_of_their_own(
    cli: Cli, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    header, *lines = DATED.splitlines()
    for name, part in (("train", lines[:50]), ("val", lines[50:70]), ("test", lines[70:])):
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *part]))
    data = {"name": "csv", "path": "train.csv", "validation_path": "val.csv", "test_path": "test.csv", "target": "y"}
    spec = write_spec(dataset=data, training={"epochs": 1})
    cli_json("search", spec, "--runs", tmp_path / "r")
    cli_json("retrain", "--full", "--runs", tmp_path / "r")
    document = json.loads((tmp_path / "r" / "linear" / "best" / "metrics.json").read_text())
    assert document["dataset"]["rows"] == {"train": 50, "validation": 20, "test": 14}
    code, _, err = cli("eject", spec, "-o", "-")
    assert code == 2
    assert "dataset.validation_path: an ejected script reads one file" in err
    (tmp_path / "test.csv").write_text(DATED.replace("x,kind", "x,kinds"))
    code, _, err = cli("search", spec, "--runs", tmp_path / "r2")
    assert code == 3
    assert "'kind' is not in test.csv, which has 'kinds' instead" in err


WORDS = ["eins, zwei", 'a "quoted" word', "two\nlines", " padded ", "ü"]
AWKWARD = {
    "semicolons and decimal commas": "Fläche;Preis;Lage\n"
    + "".join(f"{i % 9},{i % 7};{i % 9 * 3},5;{['Stadt', 'Land'][i % 2]}\n" for i in range(60)),
    "byte-order mark, quotes and line breaks": '\ufeffx,"remark, if any",y\r\n'
    + "".join(f'{i % 5},"{WORDS[i % 5].replace(chr(34), chr(34) * 2)}",{i % 5}.5\r\n' for i in range(60)),
    "500 columns with missing values": ",".join(f"c{j}" for j in range(500))
    + ",y\n"
    + "".join(
        ",".join("" if (i * j) % 11 == 3 else str((i * j) % 13) for j in range(500)) + f",{i}.5\n" for i in range(40)
    ),
    "texts and a date": "when,colour,shape,outcome\n"
    + "".join(
        f"{1 + i % 28}.{1 + i % 12}.2023,{['red', 'blue'][i % 2]},{'abc'[i % 3]},{['won', 'lost'][i % 3 > 0]}\n"
        for i in range(60)
    ),
}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_awkward_tables_go_from_a_draft_to_a_winner(text: str, cli: Cli, cli_json: CliJson) -> None:
    Path("awkward.csv").write_bytes(text.encode())
    assert cli("init", "awkward.csv")[0] == 0
    overrides = (
        "-S",
        "tuner.max_trials=1",
        "-S",
        "training.epochs=1",
        "-S",
        "search_space={}",
        "-S",
        "baselines=false",
    )
    code, _, err = cli("search", "awkward.yaml", *overrides)
    assert code == 0, err
    assert cli_json("best")["trials"][0]["score"] is not None


def test_hostile_cells_are_texts_or_one_message(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    rows = "".join(f'{i % 3},=HYPERLINK("http://x"),</script>,{i}.5\n'.replace('"', '""') for i in range(30))
    (tmp_path / "t.csv").write_text("__proto__,</script>,constructor,y\n" + rows)
    spec = write_spec(dataset={"name": "csv", "path": "t.csv", "target": "y"}, training={"epochs": 1})
    code, _, err = cli("search", spec, "--runs", tmp_path / "r")
    assert code == 0, err
    (tmp_path / "t.csv").write_bytes(b"x,y\n1,2.5\n2," + b"9" * 10_000_000 + b"\n3,4\n")
    code, _, err = cli("validate", spec)
    assert code == 3
    assert "t.csv:3: cannot be read: field larger than field limit" in err
    assert len(err) < 1000
