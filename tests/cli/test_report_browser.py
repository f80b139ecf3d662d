"""The report as a browser shows it: no network, no complaint, every figure, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.browser import Browser
from tests.cli.test_report import HOSTILE, SIX
from tests.studies import Planted, typical_trials, warning, write_study, write_surroundings
from tunecli.cli.main import run
from tunecli.plan import Plan, resolve
from tunecli.spec.load import load
from tunecli.spec.space import Kind, Parameter, SearchSpace
from tunecli.store.run import Run

DRAWN = """
[...document.querySelectorAll("[data-figure]")].every((each) => each.querySelector("svg.main-svg"))
"""
FIGURES = '[...document.querySelectorAll("[data-figure]")].map((each) => each.dataset.figure)'
SHOWN_ROWS = '[...document.querySelectorAll("#trials tbody tr")].filter((each) => !each.hidden).length'
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study of 36 trials."""
    folder = tmp_path_factory.mktemp("page")
    plan = plan_in(folder)
    study = write_study(folder, plan, typical_trials(36, plan.space))
    return reported(study, findings=[warning("a column never changes")])


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study in which whatever users can name has the name of an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    rate = Parameter(name="<b>rate", kind=Kind.FLOAT, min=0.0, max=1.0)
    choices = (Parameter(name=name, kind=Kind.CHOICE, values=(name, "other")) for name in HOSTILE)
    space = SearchSpace(parameters=(*choices, rate))
    trials = [
        Planted(
            {name: name if number % 2 else "other" for name in HOSTILE} | {"<b>rate": number / 30},
            0.5 + (number % 7) / 30,
        )
        for number in range(30)
    ]
    trials.append(Planted(dict.fromkeys(HOSTILE, "other") | {"<b>rate": 1.0}, HOSTILE[1]))
    plan = plan_in(folder).model_copy(update={"space": space, "targets": tuple(HOSTILE), "fixed": {}})
    study = write_study(folder, plan, trials)
    return reported(study, spec="\n".join(HOSTILE), findings=[warning(HOSTILE[1])])


def plan_in(folder: Path) -> Plan:
    """Returns the plan of a spec in a folder."""
    spec = {"name": "study", "dataset": "advertising", "model": "mlp", "search_space": SIX, "training": {"epochs": 5}}
    (folder / "study.yaml").write_text(yaml.safe_dump({**spec, "tuner": {"name": "random", "max_trials": 60}}))
    return resolve(load(folder / "study.yaml"))


def reported(study: Run, **surroundings: Any) -> Path:
    """Returns the report of a study."""
    write_surroundings(study, baselines={"least squares": 0.9, HOSTILE[0]: 0.8}, **surroundings)
    assert run(["report", "--runs", str(study.path.parent), "--quiet"]) == 0
    return study.layout.report


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    """The page, in a window of a desktop, all figures drawn."""
    browser.open(page)
    browser.wait_for(DRAWN)
    return browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_and_nothing_is_fetched(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width=width, dark=dark)
    browser.wait_for(DRAWN)

    from tunecli.reports.figures import FIGURES as KNOWN

    assert browser.evaluate(FIGURES) == list(KNOWN.names)
    assert browser.complaints == []
    assert [each for each in browser.requests if not each.startswith("data:")] == [page.absolute().as_uri()]
    content, window = browser.evaluate(WIDTHS)
    assert content <= window
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")


def test_no_button_sends_a_figure_away(opened: Browser) -> None:
    titles = opened.evaluate(
        '[...document.querySelectorAll("#history .modebar-btn")].map((each) => each.dataset.title)'
    )
    assert "Zoom" in titles
    assert [each for each in titles if "hare" in each or "loud" in each] == []


def test_a_complaint_would_be_heard(browser: Browser, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'\">"
    broken.write_text(f"<!doctype html>{policy}<img src='https://example.com/a.png'><script>nonsense()</script>")
    browser.open(broken)
    browser.wait_for("true")
    assert "nonsense is not defined" in str(browser.complaints)
    assert "Content Security Policy" in str(browser.complaints)


def column(browser: Browser, name: str) -> list[str]:
    """Returns the cells of a column of the leaderboard."""
    return list(
        browser.evaluate(
            f"""(() => {{
              const table = document.getElementById("trials");
              const place = [...table.tHead.rows[0].cells].findIndex((each) => each.textContent === "{name}");
              return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
            }})()"""
        )
    )


def test_the_leaderboard_is_sorted_by_keyboard(opened: Browser) -> None:
    head = '[...document.querySelectorAll("#trials th")].find((each) => each.textContent === "learning_rate")'
    opened.evaluate(f'{head}.querySelector("button").focus()')
    for direction in ("ascending", "descending"):
        opened.press("Enter", 13)
        assert opened.evaluate(f'{head}.getAttribute("aria-sort")') == direction
        rates = [float(each) for each in column(opened, "learning_rate")]
        assert rates == sorted(rates, reverse=direction == "descending")
    assert opened.evaluate('document.querySelectorAll("[aria-sort]").length') == 1
    assert "learning_rate, descending" in opened.evaluate('document.getElementById("said").textContent')
    assert opened.complaints == []


def test_the_score_filters_table_and_figures(opened: Browser) -> None:
    count = opened.evaluate(SHOWN_ROWS)
    assert count > 30
    opened.evaluate('document.querySelector("[data-key=last]").focus()')
    opened.press("Home", 36)  # the worst that is shown is the best
    assert opened.evaluate(SHOWN_ROWS) == 1
    lines = """document.getElementById("parallel-plot").data.filter((each) => each.visible !== false).length"""
    opened.wait_for(f"{lines} === 1")
    points = """document.getElementById("scatter_matrix-plot").data[0].y.filter((each) => each !== null).length"""
    opened.wait_for(f"{points} === 1")

    opened.evaluate('document.querySelector("[data-filter] button").click()')
    assert opened.evaluate(SHOWN_ROWS) == count
    opened.wait_for(f"{lines} > 30")
    opened.wait_for(f"{points} > 30")
    assert opened.complaints == []


def test_a_click_on_a_point_shows_its_trial(opened: Browser) -> None:
    place = """(() => {
      document.getElementById("history").scrollIntoView({ behavior: "instant" });
      const box = document.querySelector("#history-plot .points path").getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    })()"""
    opened.click(*opened.evaluate(place))
    opened.wait_for('!document.getElementById("trial").hidden')
    assert opened.evaluate('document.getElementById("trial-title").textContent') == "Trial 0"
    opened.wait_for('document.querySelector("#trial svg.main-svg") !== null')
    assert "learning_rate" in opened.evaluate('document.getElementById("trial").textContent')
    opened.press("Escape", 27)
    assert opened.evaluate('document.getElementById("trial").hidden')
    assert opened.complaints == []


def test_a_trial_is_shown_by_keyboard_too(opened: Browser) -> None:
    opened.evaluate('document.querySelector("#trials tbody button").focus()')
    opened.press("Enter", 13)
    assert not opened.evaluate('document.getElementById("trial").hidden')
    opened.press("Escape", 27)
    assert opened.evaluate('document.activeElement === document.querySelector("#trials tbody button")')


def test_the_theme_can_be_chosen(opened: Browser) -> None:
    assert opened.evaluate('document.getElementById("theme").textContent') == "Dark theme"
    opened.evaluate('document.getElementById("theme").click()')
    assert opened.evaluate('document.getElementById("theme").textContent') == "Light theme"
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    opened.wait_for('document.getElementById("history-plot").layout.font.color === "rgb(230, 233, 236)"')


def test_figures_fit_paper_and_come_back(browser: Browser, page: Path) -> None:
    browser.open(page, dark=True)
    browser.wait_for(DRAWN)
    width = 'document.getElementById("history-plot")._fullLayout.width'
    colour = 'document.getElementById("history-plot")._fullLayout.font.color'
    before = browser.evaluate(f"[{width}, {colour}]")
    browser.evaluate('dispatchEvent(new Event("beforeprint"))')
    browser.wait_for(f'{width} === 680 && {colour} === "rgb(27, 31, 35)"')
    browser.evaluate('dispatchEvent(new Event("afterprint"))')
    browser.wait_for(f'{width} === {before[0]} && {colour} === "{before[1]}"')
    assert browser.complaints == []


def test_hostile_names_do_no_harm(browser: Browser, hostile_page: Path) -> None:
    browser.open(hostile_page)
    browser.wait_for(DRAWN)
    browser.evaluate('document.querySelector("#trials tbody button").click()')
    browser.wait_for('document.querySelector("#trial svg.main-svg") !== null')
    for name in browser.evaluate(FIGURES):  # what is said of a point is HTML to plotly
        browser.evaluate(f'Plotly.Fx.hover("{name}-plot", [{{curveNumber: 0, pointNumber: 0}}])')
    found = browser.evaluate('[...document.querySelectorAll("b, img, [onerror]")].map((each) => each.outerHTML)')
    assert found == []
    assert browser.complaints == []
    assert HOSTILE[0] in browser.evaluate('document.getElementById("trial").textContent')
