"""Curves in one line of a terminal: blocks where the output can show them, plain letters where it cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.reports.curves.learning_curves import LearningCurve, spans_decades
from tunecli.reports.text import ASCII, BLOCKS, spark_places, sparkline

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.measure import Measurement

Values = Sequence[float | None]


@dataclass(frozen=True)
class Spark:
    """One curve; see `text.sparkline`.

    Attributes:
        values: One an epoch.
        width: The most characters.
        span: A scale that several curves share.
        keep: The index of a value to show for its stretch.
    """

    values: Values
    width: int
    span: tuple[float, float] | None = None
    keep: int | None = None

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Takes as many characters as it has, and never fewer."""
        from rich.measure import Measurement

        return Measurement(*[min(self.width, len(self.values))] * 2)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses what to draw with by the encoding of the output."""
        from rich.text import Text

        glyphs = ASCII if options.ascii_only else BLOCKS
        yield Text(sparkline(self.values, width=self.width, glyphs=glyphs, span=self.span, keep=self.keep))


@dataclass(frozen=True)
class Mark:
    """Points at one character of the sparklines above it."""

    place: int

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Takes what stands before it, and one character."""
        from rich.measure import Measurement

        return Measurement(*[self.place + 1] * 2)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses what to draw with by the encoding of the output."""
        from rich.text import Text

        yield Text(" " * self.place + (ASCII if options.ascii_only else BLOCKS).mark)


def together(curves: Sequence[Values], *, width: int, keep: int | None = None) -> list[Spark]:
    """Returns curves of equal length on one scale, a logarithmic one where they span more than two decades."""
    drawn = [readable(each) for each in curves] if spans_decades([v for each in curves for v in each]) else curves
    finite = [value for each in drawn for value in each if value is not None and math.isfinite(value)]
    span = (min(finite), max(finite)) if finite else None
    return [Spark(each, width, span, keep) for each in drawn]


def mark_below(count: int, width: int, index: int) -> Mark:
    """Returns what points at the character of a value, below a sparkline that keeps it."""
    return Mark(spark_places(count, width, keep=index).index(index))


def spark_of(curve: LearningCurve, width: int) -> Spark:
    """Returns the validation values of a curve, or those of training where there are no others."""
    main = curve.main
    values: Values = () if main is None else main.validation
    if main is not None and all(value is None for value in values):
        values = main.train
    return Spark(readable(values) if curve.is_log else values, width)


def readable(values: Values) -> Values:
    """Returns the logarithms of values, for those that span decades; what has none is a gap."""
    return [math.log10(value) if value is not None and 0 < value < math.inf else None for value in values]
