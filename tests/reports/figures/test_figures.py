"""What holds for every figure of every study: it is drawn or says why not, names its trials, and is safe to show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.studies import MOMENTUM, OPTIMIZER, RATE, Planted, any_plan, both_parts, typical_trials, write_study
from tunecli.reports.figures import FIGURES, Figure, figures
from tunecli.reports.study_data import StudyData, read_study_data
from tunecli.spec.space import Kind, Parameter
from tunecli.store.run import Run
from tunecli.study.objective import Goal

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}
HOSTILE = "</script><b>%{x}&amp;$x$"

Make = Callable[[Path], Run]


def _scores(*results: float | str | None, **options: Any) -> Make:
    return lambda folder: write_study(folder, any_plan(**options), [Planted(VALUES, result) for result in results])


def _random(count: int = 30, **options: Any) -> Make:
    def make(folder: Path) -> Run:
        plan = any_plan(**options)
        return write_study(folder, plan, typical_trials(count, plan.space))

    return make


def _hyperband(folder: Path) -> Run:
    trials: list[Planted] = []
    for number in range(24):
        values = {**VALUES, "learning_rate": 10.0 ** -(1 + number / 10)}
        trials.append(Planted(values, 1.0 + number / 100, end_epoch=2))
    trials += [
        Planted(trials[each].values, 0.9 - each / 100, end_epoch=5, start_epoch=2, parent=each) for each in range(8)
    ]
    return write_study(folder, any_plan(tuner="hyperband"), trials)


def _folds(folder: Path) -> Run:
    trials = [Planted(VALUES, (0.4 + each / 10, 0.6, 0.5)) for each in range(4)]
    return write_study(folder, any_plan(metric="fold_rmse", evaluation={"folds": 3}), trials)


def _sessions(folder: Path) -> Run:
    return write_study(
        folder, any_plan(), [Planted(VALUES, 0.5), Planted(VALUES, 0.4, pause_s=86400.0), Planted(VALUES)], end=None
    )


def _damaged(folder: Path) -> Run:
    run = write_study(folder, any_plan(), typical_trials(25))
    for trial in range(25):
        run.layout.trial(trial).epochs.write_bytes(b"\0\0\n")
    return run


def _not_finite(folder: Path) -> Run:
    nan, infinity = float("nan"), float("inf")
    return write_study(
        folder, any_plan(), [Planted(VALUES, 0.5, both_parts([nan, infinity, -infinity, 0.5])) for _ in range(3)]
    )


STUDIES: dict[str, Make] = {
    "empty": _scores(),
    "running": _scores(None),
    "failed": _scores("loss is nan", "out of memory"),
    "one": _scores(0.5),
    "two": _scores(0.5, 0.4),
    "random": _random(),
    "maximize": _random(30, metric="val_accuracy", goal=Goal.MAXIMIZE),
    "constant": _scores(*[0.5] * 25),
    "zero": _scores(*[0.0] * 25),
    "negative": _scores(*(-each / 10 for each in range(25)), metric="val_r2", goal=Goal.MAXIMIZE),
    "exploding": _scores(*(10.0 ** (each**2 / 20) for each in range(25))),
    "huge": _scores(1e300, 1e-300, 1.0),
    "folds": _folds,
    "hyperband": _hyperband,
    "sessions": _sessions,
    "damaged": _damaged,
    "not finite": _not_finite,
    "nothing searched": lambda folder: write_study(
        folder, any_plan(space=()), [Planted({}, each / 9) for each in range(25)]
    ),
    "one parameter": _random(30, space=(RATE,)),
    "conditional": _random(30, space=(OPTIMIZER, MOMENTUM)),
    "single value": _random(30, space=(RATE, Parameter(name="units", kind=Kind.INT, min=8, max=8))),
    "single by magnitude": _random(30, space=(RATE, Parameter(name="a", kind=Kind.FLOAT, min=1.0, max=1.0, log=True))),
    "single choice": _random(30, space=(RATE, Parameter(name="a", kind=Kind.CHOICE, values=("only",)))),
    "choices": _random(
        30,
        space=(
            Parameter(name="layers", kind=Kind.CHOICE, values=([8], [8, 4], None)),
            Parameter(name="flag", kind=Kind.CHOICE, values=(True, False)),
            Parameter(name="size", kind=Kind.CHOICE, values=(64, 32, 0.5)),
        ),
    ),
    "many choices": _random(30, space=(RATE, Parameter(name="a", kind=Kind.CHOICE, values=tuple(range(40))))),
    "thirty parameters": _random(
        30, space=[Parameter(name=f"p{each}", kind=Kind.FLOAT, min=0.0, max=1.0) for each in range(30)]
    ),
    "hostile": _random(
        30,
        space=(
            Parameter(name=HOSTILE, kind=Kind.FLOAT, min=1e-3, max=1.0, log=True),
            Parameter(name="a" * 300, kind=Kind.CHOICE, values=(HOSTILE, "\u202e\nx")),
        ),
    ),
}

SVG = {"scatter", "bar", "heatmap", "contour"}


@pytest.fixture(scope="module", params=STUDIES, ids=str)
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StudyData:
    return read_study_data(STUDIES[request.param](tmp_path_factory.mktemp("study") / "study"))


@pytest.fixture(scope="module")
def drawn(study: StudyData) -> list[Figure]:
    return figures(study)


def test_every_figure_is_there(drawn: list[Figure]) -> None:
    assert tuple(figure.name for figure in drawn) == FIGURES.names
    for figure in drawn:
        assert figure.title
        assert figure.text.endswith((".", "(⫽)."))
        assert "  " not in figure.text.replace("a" * 300, "")
        assert "nan" not in re.findall(r"\w+", figure.text)


def test_plotly_takes_it(drawn: list[Figure]) -> None:
    import plotly.graph_objects as go

    for figure in drawn:
        if figure.plot is not None:
            go.Figure(figure.plot)  # raises at what it does not know


def test_it_is_json_without_webgl_width_or_colours_of_text(drawn: list[Figure]) -> None:
    for figure in drawn:
        if figure.plot is None:
            continue
        json.dumps(figure.plot, allow_nan=False)
        assert {trace["type"] for trace in figure.plot["data"]} <= SVG
        layout = figure.plot["layout"]
        assert layout["height"] > 0
        assert "width" not in layout
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
        fonts = [value for key, value in _items(layout) if key.endswith("font")]
        assert all("color" not in font for font in fonts)
        assert not any(key in ("gridcolor", "linecolor", "zerolinecolor") for key, _ in _items(layout))


def test_no_text_is_markup(drawn: list[Figure]) -> None:
    for figure in drawn:
        for key, value in _items(figure.plot or {}):
            if isinstance(value, str):
                plain = value.replace("<br>", "").replace("<extra></extra>", "")
                assert "<" not in plain
            if key == "hovertemplate":
                assert "%{x}&" not in str(value), "a name's placeholder is none of ours"


def test_points_name_their_trials(study: StudyData, drawn: list[Figure]) -> None:
    scores = {trial.id: trial.score for trial in study.snapshot.trials.values()}
    for figure in drawn:
        for trace in figure.plot["data"] if figure.plot else ():
            for trial, score, *_ in trace.get("customdata", ()):
                assert score == (None if scores[trial] is None else pytest.approx(scores[trial], rel=1e-4))
            if "customdata" in trace:
                assert len(trace["customdata"]) == len(trace["x"]) == len(trace["y"])
            if "meta" in trace:
                assert trace["meta"]["score"] == pytest.approx(scores[trace["meta"]["trial"]], rel=1e-4)


def test_what_should_be_drawn_is_drawn(tmp_path: Path) -> None:
    missing = {
        name: {
            figure.name for figure in figures(read_study_data(STUDIES[name](tmp_path / name))) if figure.plot is None
        }
        for name in ("random", "maximize", "hyperband", "folds", "hostile", "one parameter", "failed")
    }
    assert missing == {
        "random": set(),
        "maximize": set(),
        "hyperband": set(),
        "folds": {"importance", "contour"},
        "hostile": set(),
        "one parameter": {"scatter_matrix", "contour"},
        "failed": set(FIGURES.names) - {"timeline"},
    }


def test_a_page_of_a_thousand_trials_is_small(tmp_path: Path) -> None:
    space = [Parameter(name=f"parameter_{each}", kind=Kind.FLOAT, min=0.0, max=1.0) for each in range(30)]
    study = read_study_data(write_study(tmp_path, any_plan(space=space, epochs=20), typical_trials(1000, space)))
    drawn = [figure.plot for figure in figures(study)]
    assert len(json.dumps(drawn, separators=(",", ":"))) < 1_000_000


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    write_study(tmp_path, any_plan(), typical_trials(25))
    script = (
        "import sys; from pathlib import Path; from tunecli.store.run import Run;"
        "from tunecli.reports.figures import figures; from tunecli.reports.study_data import read_study_data;"
        "figures(read_study_data(Run(Path(sys.argv[1]))));"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'scipy', 'plotly') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "study")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields every key with its value, however deep, and every element of a list under its list's key."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield key, each
            yield from _items(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield "", each
            yield from _items(each)


def test_no_line_makes_a_layer_of_its_own(drawn: list[Figure]) -> None:
    lines = [
        trace
        for figure in drawn
        for trace in (figure.plot or {"data": []})["data"]
        if trace["type"] == "scatter" and "lines" in trace.get("mode", "")
    ]
    assert all(trace.get("opacity", 1) == 1 for trace in lines)
