from __future__ import annotations

import itertools
import json
import re
import webbrowser
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_light_commands import HEAVY, loaded_by
from tests.studies import Planted, typical_trials, warning, write_study, write_surroundings
from tunecli.plan import Plan
from tunecli.spec.space import Kind, Parameter, SearchSpace, Values
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import EndReason

Cli = Callable[..., tuple[int, str, str]]
MakePlan = Callable[..., Plan]

SIX: dict[str, Any] = {
    "hidden_layers": {"min": 1, "max": 4},
    "units": {"min": 16, "max": 256, "log": True},
    "learning_rate": {"min": 1e-4, "max": 1e-1, "log": True},
    "optimizer": ["adam", "sgd", "rmsprop"],
    "dropout": {"min": 0, "max": 0.5, "step": 0.1},
    "batch_size": [32, 64, 128],
}
"""A search space, for a perceptron."""

HOSTILE = ["</script><b>", '"><img src=x onerror=alert(1)>', "<!--", "\u2028`${x}`&amp;"]


@pytest.fixture
def make_study(make_plan: MakePlan) -> Callable[..., Run]:
    """Writes a study of a perceptron in `runs`."""

    def make(trials: int | Sequence[Planted] = 12, *, epochs: int = 5, **options: Any) -> Run:
        tuner = {"name": "random", "max_trials": 60}
        plan = make_plan(model="mlp", search_space=SIX, tuner=tuner, training={"epochs": epochs})
        planted = typical_trials(trials, plan.space) if isinstance(trials, int) else trials
        run = write_study(Path("runs"), plan, planted, **options)
        write_surroundings(run, baselines={"least squares": 0.9})
        return run

    return make


class Reader(HTMLParser):
    """Reads a page as a browser that runs no script: elements, attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts).replace("\u00a0", " ")


def test_the_page_is_whole_without_a_script_or_a_network(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study()
    code, out, err = cli("report")
    assert (code, out) == (0, "")
    assert err.startswith(f"wrote {run.layout.report} (")

    text = run.layout.report.read_text(encoding="utf-8")
    assert len(text.encode()) < 6_000_000
    page = Reader(text)
    assert not [each for each in page.elements if each[0] in ("img", "iframe", "object", "base")]
    assert [each.get("src") for each in page.all("script")] == [None] * 4
    assert [each["href"] for each in page.all("link")] == ["data:,"]
    assert all(str(each["href"]).startswith("#") for each in page.all("a"))
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")
    rows = [each for each in page.all("tr") if "data-trial" in each]
    assert [each["data-trial"] for each in rows] == [str(each.id) for each in run.snapshot().completed]
    for heading in ("Summary", "What to try next", "Leaderboard", "Failures", "Baselines", "Data"):
        assert heading in page.text
    assert "least squares" in page.text
    assert "0123456789abcdef" in page.text
    assert text.count("plotly.js v") == 1


def test_the_headings_are_in_order_and_links_lead_somewhere(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study()
    assert cli("report")[0] == 0
    page = Reader(run.layout.report.read_text(encoding="utf-8"))

    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [value for _, each in page.elements for key, value in each.items() if key in ("aria-labelledby", "for")]
    assert {*(str(each["href"])[1:] for each in page.all("a")), *named} <= {*ids, "trial-title"}
    for figure in [each for each in page.all("div") if "data-figure" in each]:
        assert figure["role"] == "img"
        assert figure["aria-label"]
        assert figure["aria-describedby"] in ids


def test_hostile_names_are_text(make_plan: MakePlan, cli: Cli) -> None:
    plan = make_plan(tuner="random", search_space={"learning_rate": {"min": 0.01, "max": 0.1}}, training={"epochs": 5})
    space = SearchSpace(
        parameters=tuple(Parameter(name=name, kind=Kind.CHOICE, values=(name, "other")) for name in HOSTILE)
    )
    plan = plan.model_copy(update={"space": space, "targets": tuple(HOSTILE)})
    values: Values = dict(zip(HOSTILE, HOSTILE, strict=True))
    trials = [Planted(values, 0.5), Planted(values | {HOSTILE[0]: "other"}, 0.7), Planted(values, HOSTILE[1])]
    run = write_study(Path("runs"), plan, trials)
    spec = "\n".join(HOSTILE)
    write_surroundings(run, spec=spec, findings=[warning(HOSTILE[1])], baselines={HOSTILE[0]: 0.9})
    run = Run(run.path.rename(Path("runs") / "<b>x"))
    assert cli("report")[0] == 0

    page = Reader(run.layout.report.read_text(encoding="utf-8"))
    assert not page.all("b")
    assert not page.all("img")
    assert not [each for _, each in page.elements if any(name.startswith("on") for name in each)]
    assert len(page.all("script")) == 4
    assert HOSTILE[0] in page.text

    code, out, _ = cli("report", "--format", "md", "-o", "-")
    assert code == 0
    outside = re.sub(r"(`+).*?\1", "", out, flags=re.DOTALL)  # code is text
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", outside)


def test_markdown_says_the_same_in_short(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study(trials=40)
    code, _, err = cli("report", "study", "--format", "md")
    assert code == 0
    assert err == f"wrote {run.layout.report_markdown}\n"

    text = run.layout.report_markdown.read_text(encoding="utf-8")
    best = run.snapshot().best
    assert best is not None
    assert f"**Trial {best.id} is the best of" in text
    assert len(re.findall(r"^\| \d+ \| \d+ \| ", text, re.M)) == 10
    for part in ("### How sure that is", "### What to try next", "### Failures", "### Baselines", "tunecli search"):
        assert part in text
    assert len(text) < 60_000


def test_it_goes_to_another_file_or_to_stdout(make_study: Callable[..., Run], cli: Cli, tmp_path: Path) -> None:
    run = make_study()
    path = tmp_path / "a.html"
    assert cli("report", "-o", path)[0] == 0
    assert not run.layout.report.exists()
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")

    code, _, err = cli("report", "-o", path)
    assert code == 2
    assert "is there already\nhint: write to another file with -o, or overwrite it with --force" in err
    assert cli("report", "-o", path, "--force")[0] == 0

    code, out, err = cli("report", "-o", "-")
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("</html>")


def test_json_says_where_it_is_and_what_it_says(make_study: Callable[..., Run], cli_json: Callable[..., Any]) -> None:
    run = make_study([Planted({"units": 16}, 0.5)])
    document = cli_json("report")
    assert document["schema_version"] == 1
    assert document["path"] == str(run.layout.report)
    assert document["summary"]["headline"] == "Trial 0 is the best of 1 trial with a score: val_rmse 0.5000."
    assert cli_json("report", "-o", "-", "--format", "md")["text"].startswith("## study")


@pytest.mark.parametrize("opens", [True, False, None])
def test_open_never_fails(
    opens: bool | None, make_study: Callable[..., Run], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_study()
    asked: list[str] = []

    def browse(url: str) -> bool:
        asked.append(url)
        if opens is None:
            raise webbrowser.Error("could not locate runnable browser")
        return opens

    monkeypatch.setattr(webbrowser, "open", browse)
    code, _, err = cli("report", "--open")
    assert code == 0
    assert asked == [run.layout.report.absolute().as_uri()]
    assert ("no browser was found here; open runs/study/report.html by hand" in err) is not opens


@pytest.mark.parametrize("options", [["-o", "-"], ["--format", "md"]])
def test_only_a_page_in_a_file_can_be_opened(options: list[str], make_study: Callable[..., Run], cli: Cli) -> None:
    make_study()
    code, _, err = cli("report", "--open", *options)
    assert code == 2
    assert "--open: only a page in a file can be shown" in err


@pytest.mark.parametrize(
    "trials",
    [[], [Planted({"units": 16})], [Planted({"units": 16}, "loss is nan in epoch 1")]],
    ids=["none", "one", "failed"],
)
@pytest.mark.parametrize("format_", ["html", "md"])
def test_a_study_without_a_winner(format_: str, trials: Any, make_study: Callable[..., Run], cli: Cli) -> None:
    make_study(trials, end=None)
    code, out, err = cli("report", "--format", format_, "-o", "-")
    assert (code, err) == (0, "")
    assert "there is no winner." in out


def test_a_running_study(make_study: Callable[..., Run], cli: Cli) -> None:
    with OpenStudy(make_study([Planted({"units": 16}, 0.5), Planted({"units": 8})], end=None)):
        code, out, err = cli("report", "-o", "-")
    assert (code, err) == (0, "")
    assert "The search still runs" in out
    assert "running, as of" in out


def test_folds(make_plan: MakePlan, cli: Cli) -> None:
    plan = make_plan(tuner="random", evaluation={"folds": 3}, search_space={"batch_size": [8, 16]})
    trials = [Planted({"batch_size": 8}, [0.5, 0.6, 0.7]), Planted({"batch_size": 16}, [0.9, 1.0, 1.2])]
    write_study(Path("runs"), plan, trials)
    code, out, err = cli("report", "-o", "-")
    assert (code, err) == (0, "")
    assert "0.6000 ± 0.1000" in out
    assert "fold 2 of 3" in out
    assert "It beats trial 1 in 3 of 3 of them" in Reader(out).text


def test_damage_is_said_on_the_page_and_beside_it(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study(trials=6)
    journal = run.layout.journal
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-3]) + b'{"at"')
    run.layout.baselines.write_bytes(b"{}")
    run.layout.environment.write_bytes(b"[]")
    run.layout.data.write_bytes(b"nonsense")
    run.layout.checks.write_bytes(b"nonsense")
    for format_ in ("html", "md"):
        code, out, err = cli("report", "-o", "-", "--format", format_)
        assert code == 0
        for path in (journal, run.layout.baselines, run.layout.environment, run.layout.data, run.layout.checks):
            assert str(path) in err
            assert str(path) in out
        assert "ends within a record" in out


@pytest.mark.parametrize("content", [None, b"nonsense", b"{}", b'{"dataset": 1}'])
def test_a_lost_plan_leaves_the_leaderboard(content: bytes | None, make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study()
    run.layout.plan.unlink()
    if content is not None:
        run.layout.plan.write_bytes(content)
    code, out, err = cli("report", "-o", "-")
    assert code == 0
    assert str(run.layout.plan) in err
    assert len([each for each in Reader(out).all("tr") if "data-trial" in each]) == len(run.snapshot().completed)
    assert cli("report", "-o", "-", "--format", "md")[0] == 0


def test_a_thousand_trials_stay_small(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study(trials=1000, epochs=20)
    assert cli("report")[0] == 0
    assert run.layout.report.stat().st_size < 6_000_000


@pytest.mark.parametrize("format_", ["html", "md"])
def test_nothing_heavy_is_imported(format_: str, make_study: Callable[..., Run]) -> None:
    make_study(trials=40)
    assert loaded_by(["report", "study", "--format", format_], HEAVY) == []


def test_it_tells_the_test_score_of_a_retrained_winner(make_study: Callable[..., Run], cli: Cli) -> None:
    run = make_study()
    card = {"trial": 3, "scores": {"test": {"rmse": {"value": 0.61, "low": 0.58, "high": 0.64}}}}
    run.layout.best.folder.mkdir()
    run.layout.best.card_document.write_text(json.dumps(card))
    run.layout.test_looks.write_text('{"at": 1}\n')
    said = Reader(cli("report", "-o", "-")[1]).text
    assert "Trained once more, trial 3 has rmse 0.6100 (95 % interval 0.5800 to 0.6400) on the test rows." in said
    assert "The test rows have been looked at once." in said


def test_an_interrupted_study_can_go_on(make_study: Callable[..., Run], cli: Cli) -> None:
    make_study(end=EndReason.INTERRUPTED)
    out = cli("report", "-o", "-", "--format", "md")[1]
    assert "Run the same search again: it goes on where it stopped." in out
