"""The options that name columns, checked alike for every data set."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import translate

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


def accept(options: DatasetOptions, name: str, *fields: str) -> None:
    """Refuses all options but those that a data set has.

    Raises:
        OptionError: One is given that is not among `fields`.
    """
    others = (field for field in DatasetOptions.model_fields if field not in fields)
    refuse(options, name, *others)


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
    guess = f"did you mean '{match}'? " if match else ""
    raise OptionError(field, f"no column is called '{wanted}'", hint=f"{guess}columns: {_shown(columns)}")


def find_columns(field: str, wanted: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Returns the columns that names and patterns such as `sensor_*` mean, each once.

    A name that a column has is that column, whatever signs are in it.

    Raises:
        OptionError: A name or a pattern fits no column, or a name is written twice; names `field`.
    """
    found: dict[str, bool] = {}
    for each in wanted:
        if each in columns or not is_pattern(each):
            name = find_column(field, each, columns)
            if found.get(name):
                raise OptionError(field, f"'{name}' is named twice", hint="drop one of the two")
            found[name] = True
            continue
        matches = re.compile(translate(each.strip().casefold()))
        fitting = [name for name in columns if matches.match(name.casefold())]
        if not fitting:
            raise _no_match(field, each, columns)
        found |= {name: False for name in fitting if name not in found}
    return tuple(found)


def is_pattern(name: str) -> bool:
    """Says whether a name may stand for several columns: `*` any characters, `?` one, `[0-9]` one of these."""
    return any(sign in name for sign in "*?[")


def _no_match(field: str, pattern: str, columns: Sequence[str]) -> OptionError:
    plain = re.sub(r"[*?]|\[.*?\]", "", pattern)
    match = nearest(plain, columns) or next((name for name in columns if plain.casefold() in name.casefold()), None)
    guess = f"did you mean '{match}'? " if match else ""
    return OptionError(field, f"no column fits '{pattern}'", hint=f"{guess}columns: {_shown(columns)}")


def _shown(columns: Sequence[str]) -> str:
    return ", ".join(columns[:_SHOWN]) + (", …" if len(columns) > _SHOWN else "")


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
    *,
    exclude: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Returns the columns to learn from, in the order they were asked for; if none were, all that mean nothing else.

    Args:
        wanted: Names and patterns; None for all. A pattern never means a column that is used for something else.
        columns: All there are.
        target: The column to predict, or several.
        weight: The column of weights, or None.
        group: The column of groups, or None.
        exclude: Names and patterns of columns that are left out; None for none.

    Raises:
        OptionError: A column does not exist, is named twice, or is a target, the weight or the group.
    """
    targets = (target,) if isinstance(target, str) else tuple(target)
    uses = {weight: "is the weight of a row", group: "is the group of a row"}
    uses |= dict.fromkeys(targets, "is the target" if len(targets) == 1 else "is one of the targets")
    left_out = set(find_columns("exclude", exclude or (), columns))
    named = () if wanted is None else [each for each in wanted if each in columns or not is_pattern(each)]
    explicit = [find_column("features", each, columns) for each in named]
    for name in explicit:
        if name in uses:
            also = {weight: ", or sample_weight", group: ", or group"}.get(name, "")
            hint = f"drop {name}{'' if name in targets else also}"
            raise OptionError("features", f"'{name}' {uses[name]}", hint=hint)
        if name in left_out:
            raise OptionError("features", f"'{name}' is left out by exclude", hint=f"drop {name} in one of the two")
    found = columns if wanted is None else find_columns("features", wanted, columns)
    chosen = tuple(name for name in found if name not in uses and name not in left_out)
    if not chosen:
        predicted = " and ".join(f"'{each}'" for each in targets)
        if wanted is None and not exclude:
            raise OptionError(
                "features", f"there is no column beside the target {predicted}", hint="bring more columns"
            )
        raise OptionError("features", f"no column is left beside the target {predicted}", hint="exclude fewer")
    return chosen


def of_types(
    chosen: Sequence[str], kinds: Mapping[str, str], types: Collection[str] | None, named: Collection[str]
) -> tuple[str, ...]:
    """Returns those of the chosen columns that are of the types that are wanted.

    Args:
        chosen: Columns.
        kinds: What each holds.
        types: The types; None for all.
        named: The columns that the user has named one by one, which must be of these types.

    Raises:
        OptionError: A named column is of another type, or no column is of a type.
    """
    if types is None:
        return tuple(chosen)
    for name in named:
        if kinds[name] not in types:
            what = f"'{name}' is a {kinds[name]}, which types leaves out"
            raise OptionError("types", what, hint=f"add {kinds[name]}, or drop {name} from features")
    for each in types:
        if each not in {kinds[name] for name in chosen}:
            there = ", ".join(sorted({kinds[name] for name in chosen}))
            raise OptionError("types", f"no column is a {each}", hint=f"drop {each}; there are columns of: {there}")
    return tuple(name for name in chosen if kinds[name] in types)
