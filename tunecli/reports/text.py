"""Figures as a person reads them: scores, durations, dates and curves, in a few characters."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunecli.spec.space import Value, show_value


@dataclass(frozen=True)
class Glyphs:
    """What a sparkline is drawn with.

    Attributes:
        levels: From the lowest to the highest.
        gap: Stands for an epoch whose value was not finite.
        mark: Points up at a character.
    """

    levels: str
    gap: str
    mark: str


BLOCKS = Glyphs("▁▂▃▄▅▆▇█", "·", "▲")
ASCII = Glyphs("_.-=+*%#", "?", "^")
"""For outputs whose encoding has no blocks."""


def show_score(score: float | None) -> str:
    """Returns a score to about five digits, never in exponents where plain digits do; `–` for none."""
    if score is None or not math.isfinite(score):
        return "–" if score is None else str(score)
    size = abs(score)
    if size and not 1e-3 <= size < 1e9:
        return f"{score:.3e}"
    return f"{score:.{min(4, max(0, 5 - len(str(int(size)))))}f}"


def show_spread(mean: float | None, sd: float | None) -> str:
    """Returns `0.5123 ± 0.0041`; the mean alone where there is no deviation."""
    return show_score(mean) if sd is None else f"{show_score(mean)} ± {show_score(sd)}"


def show_duration(seconds: float) -> str:
    """Returns `12.3 s`, `4 min 05 s`, `2 h 07 min` or `3 d 04 h`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller:02d} {small}"
    raise AssertionError("a minute is a minute")


def show_date(seconds: float) -> str:
    """Returns a moment, given in seconds since the epoch, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def show_values(values: Mapping[str, Value]) -> str:
    """Returns `units=64  dropout=0.2`."""
    return "  ".join(f"{name}={show_value(value)}" for name, value in values.items())


def counted(number: int, noun: str) -> str:
    """Returns `1 trial`, `1,000 trials`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str, most: int = 40) -> str:
    """Returns a user's text in a form that a terminal only prints: on one line, no longer than `most` characters."""
    shown = re.sub(r"\s+", " ", text)
    shown = "".join(each if each.isprintable() else "�" for each in shown)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def sparkline(
    values: Sequence[float | None],
    *,
    width: int,
    glyphs: Glyphs = BLOCKS,
    span: tuple[float, float] | None = None,
    keep: int | None = None,
) -> str:
    """Draws a curve in one line.

    Args:
        values: One an epoch; None or what is not finite leaves a gap.
        width: The most characters; a longer curve shows the last value of each stretch.
        glyphs: What to draw with.
        span: The values of the lowest and of the highest character, for curves that share a scale; default: the lowest
            and the highest finite value.
        keep: The index of a value to show for its stretch in place of the last.
    """
    picked = [values[index] for index in spark_places(len(values), width, keep=keep)]
    finite = [value for value in picked if value is not None and math.isfinite(value)]
    low, high = span or (min(finite, default=0.0), max(finite, default=0.0))
    return "".join(_spark(value, low, high, glyphs) for value in picked)


def spark_places(count: int, width: int, *, keep: int | None = None) -> list[int]:
    """Returns which of `count` values the characters of a sparkline show; see there."""
    shown = min(width, count)
    places = [(index + 1) * count // shown - 1 for index in range(shown)]
    if keep is not None:
        places[next(index for index, place in enumerate(places) if place >= keep)] = keep
    return places


def _spark(value: float | None, low: float, high: float, glyphs: Glyphs) -> str:
    if value is None or not math.isfinite(value):
        return glyphs.gap
    share = (value - low) / (high - low) if high > low else 0.0
    return glyphs.levels[max(0, min(len(glyphs.levels) - 1, int(share * len(glyphs.levels))))]
