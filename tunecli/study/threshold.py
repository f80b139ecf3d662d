"""Thresholds that a result is held to: `val_rmse > 0.6` fails if that is so.

threshold = Threshold.parse("val_rmse > 0.6")
verdict = threshold.judge({"val_rmse": 0.71})      # verdict.is_missed
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tunecli.errors import UsageError, printable
from tunecli.registry import did_you_mean

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}

_FORM = re.compile(rf"\s*([^<>=!]*[^<>=!\s])\s*({'|'.join(_SIGNS)})\s*(\S+)\s*", re.ASCII)


@dataclass(frozen=True)
class Threshold:
    """A condition under which a result is not good enough.

    Attributes:
        metric: What is measured.
        sign: How it is compared.
        limit: With what; finite.
    """

    metric: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str, *, where: str = "--fail-if") -> Threshold:
        """Reads `METRIC SIGN NUMBER`.

        Raises:
            UsageError: It is none.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(
                f"'{printable(text)}' is no condition",
                where=where,
                hint=f"write a metric, one of {' '.join(_SIGNS)}, and a number, such as 'val_rmse > 0.6'",
            )
        metric, sign, number = found.groups()
        try:
            limit = float(number)
        except ValueError:
            limit = math.nan
        if not math.isfinite(limit):
            raise UsageError(f"'{printable(number)}' is not a finite number", where=where)
        return cls(metric, sign, limit)

    def __str__(self) -> str:
        """Returns it as it may be written."""
        return f"{self.metric} {self.sign} {self.limit:g}"

    def judge(self, figures: Mapping[str, float | None]) -> Verdict:
        """Holds a result to it; what was not measured, or is not finite, fails."""
        value = figures.get(self.metric)
        if value is not None and not math.isfinite(value):
            value = None
        is_missed = value is None or _SIGNS[self.sign](value, self.limit)
        return Verdict(self, value, is_missed)


@dataclass(frozen=True)
class Verdict:
    """What came of a threshold.

    Attributes:
        threshold: The condition.
        value: What was measured; None for nothing, or nothing finite.
        is_missed: Whether the result fails.
    """

    threshold: Threshold
    value: float | None
    is_missed: bool

    def __str__(self) -> str:
        """Returns what was measured."""
        if self.value is None:
            return f"{self.threshold.metric} was not measured, or is not finite"
        return f"{self.threshold.metric} is {self.value:.6g}"


def parse_all(texts: Iterable[str], known: Sequence[str] | None) -> tuple[Threshold, ...]:
    """Reads thresholds, and makes sure that there are such metrics.

    Args:
        texts: As they were written.
        known: The metrics that will be measured; None if only the training will tell.

    Raises:
        UsageError: One is none, or names another metric.
    """
    found = tuple(map(Threshold.parse, texts))
    for each in found:
        if known is not None and each.metric not in known:
            what = f"there is no metric '{printable(each.metric)}'"
            raise UsageError(what, where="--fail-if", hint=did_you_mean(each.metric, known))
    return found
