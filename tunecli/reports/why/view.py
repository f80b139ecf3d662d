"""A trial's story on a terminal; see `why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunecli.errors import printable as shown_as_is
from tunecli.reports import terminal
from tunecli.reports.curves.learning_curves import LearningCurve
from tunecli.reports.curves.shape import Form
from tunecli.reports.curves.sparks import mark_below, together
from tunecli.reports.text import printable, show_score
from tunecli.reports.why.story import Story
from tunecli.spec.space import show_value
from tunecli.study.objective import VALIDATION

if TYPE_CHECKING:
    from rich.console import RenderableType

SPARK_WIDTH = 32
LINE_CHARACTERS = 300


def story_view(story: Story) -> RenderableType:
    """Returns a story, from what happened to what to do next."""
    from rich.console import Group
    from rich.text import Text

    state = story.status if story.rank is None else f"rank {story.rank}"
    facts = {"trial": f"{story.trial} of {story.study} ({state})", "what": printable(story.what, LINE_CHARACTERS)}
    if story.cause:
        facts["cause"] = printable(story.cause, LINE_CHARACTERS)
    if story.own_line is not None:
        facts["at"] = printable(f"{story.own_line.place}: {story.own_line.code}", LINE_CHARACTERS)
    facts |= {"epochs": story.epochs, "attempts": str(story.attempts), "memory": story.memory}
    parts: list[RenderableType] = [terminal.facts(facts)]
    if story.values:
        parts += terminal.titled("values", _values(story))
    if story.curve.main is not None:
        parts += terminal.titled("curve", _curve(story.curve))
    if story.log:
        parts += terminal.titled("end of its log", Text("\n".join(map(shown_as_is, story.log))))
    if story.neighbours:
        parts += terminal.titled("similar trials, the nearest first", _neighbours(story))
    if story.findings:
        parts += terminal.titled("compared with the others", _list(story.findings))
    return Group(*parts, *terminal.titled("next", _list(story.next_steps)))


def _values(story: Story) -> RenderableType:
    rows = [(each.name, show_value(each.value), each.note) for each in story.values]
    return terminal.table(["name", "value", ""], rows, left=1, right=2)


def _curve(curve: LearningCurve) -> RenderableType:
    """Returns the values of both parts on one scale, and what they say."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    main = curve.main
    assert main is not None, "there is an epoch"
    both = {curve.metric: main.train, f"{VALIDATION}{curve.metric}": main.validation}
    shown = {name: values for name, values in both.items() if any(value is not None for value in values)}
    at_best = main.epochs.index(curve.best_epoch) if curve.best_epoch in main.epochs else None
    sparks = together(list(shown.values()), width=SPARK_WIDTH, keep=at_best)
    grid = Table.grid(padding=(0, 2))
    for (name, values), spark in zip(shown.items(), sparks, strict=True):
        first, last = (show_score(values[index]) for index in (0, -1))
        grid.add_row(Text(f" {name}"), spark, Text(first if len(values) == 1 else f"{first} to {last}"))
    if at_best is not None:
        mark = mark_below(len(main.epochs), SPARK_WIDTH, at_best)
        grid.add_row("", mark, Text(f"best epoch {curve.best_epoch}"))
    words = "" if curve.shape.form is Form.UNKNOWN else f" {curve.shape.describe()}"
    return Group(grid, Text(words))


def _neighbours(story: Story) -> RenderableType:
    rows = [(str(each.trial), printable(each.outcome, 60), each.differs) for each in story.neighbours]
    return terminal.table(["trial", "came to", "differs in"], rows, right=1)


def _list(lines: tuple[str, ...]) -> RenderableType:
    """Returns lines that wrap below their own beginning."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text("-"), Text(printable(line, LINE_CHARACTERS)))
    return grid
