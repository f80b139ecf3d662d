"""The options that name columns, checked alike for every data set."""

from __future__ import annotations

from collections.abc import Sequence

from tunecli.datasets.base import DatasetOptions, OptionError
from tunecli.registry import nearest

_SHOWN = 20
"""So many column names a message lists."""


def refuse(options: DatasetOptions, name: str, *fields: str) -> None:
    """Refuses the options that a data set does not have.

    Raises:
        OptionError: One of `fields` is given.
    """
    for field in fields:
        if getattr(options, field) is not None:
            raise OptionError(field, f"{name} takes no {field}", hint=f"drop {field}")


def find_column(field: str, wanted: str, columns: Sequence[str]) -> str:
    """Returns the column called `wanted`; case and spaces around it do not matter while one alone fits.

    Raises:
        OptionError: No column, or more than one, fits; names `field`.
    """
    if wanted in columns:
        return wanted
    alike = [each for each in columns if each.casefold() == wanted.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise OptionError(field, f"'{wanted}' may be any of {', '.join(alike)}", hint="write it in the same case")
    match = nearest(wanted, columns)
    shown = ", ".join(columns[:_SHOWN]) + (", …" if len(columns) > _SHOWN else "")
    guess = f"did you mean '{match}'? " if match else ""
    raise OptionError(field, f"no column is called '{wanted}'", hint=f"{guess}columns: {shown}")


def find_targets(wanted: str | Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Returns the columns to predict, in the order they were asked for.

    Raises:
        OptionError: One does not exist, or is named twice.
    """
    found = tuple(find_column("target", each, columns) for each in ([wanted] if isinstance(wanted, str) else wanted))
    if twice := next((name for index, name in enumerate(found) if name in found[:index]), None):
        raise OptionError("target", f"'{twice}' is named twice", hint="drop one of the two")
    return found


def choose_features(
    wanted: Sequence[str] | None,
    columns: Sequence[str],
    target: str | Sequence[str],
    weight: str | None = None,
    group: str | None = None,
) -> tuple[str, ...]:
    """Returns the columns to learn from, in the order they were asked for; if none were, all that mean nothing else.

    Args:
        wanted: What was asked for; None if nothing was.
        columns: All there are.
        target: The column to predict, or several.
        weight: The column of weights, or None.
        group: The column of groups, or None.

    Raises:
        OptionError: A column does not exist, is named twice, or is a target, the weight or the group.
    """
    targets = (target,) if isinstance(target, str) else tuple(target)
    if wanted is None:
        chosen = tuple(each for each in columns if each not in (*targets, weight, group))
    else:
        chosen = tuple(find_column("features", each, columns) for each in wanted)
    for index, name in enumerate(chosen):
        if name in targets:
            is_what = "the target" if len(targets) == 1 else "one of the targets"
            raise OptionError("features", f"'{name}' is {is_what}", hint=f"drop {name}")
        if name == weight:
            raise OptionError("features", f"'{name}' is the weight of a row", hint=f"drop {name}, or sample_weight")
        if name == group:
            raise OptionError("features", f"'{name}' is the group of a row", hint=f"drop {name}, or group")
        if name in chosen[:index]:
            raise OptionError("features", f"'{name}' is named twice", hint="drop one of the two")
    if not chosen:
        named = " and ".join(f"'{each}'" for each in targets)
        raise OptionError("features", f"there is no column beside the target {named}", hint="bring more columns")
    return chosen
