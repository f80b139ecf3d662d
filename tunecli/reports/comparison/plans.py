"""What differs in the plans of studies, and whether their scores mean the same nonetheless."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.comparison.study import Study, common_metrics
from tunecli.reports.data import StudyState
from tunecli.reports.plan_facts import show_range
from tunecli.spec.space import Parameter, show_value
from tunecli.study.objective import FOLD, VALIDATION, Objective, find_metric, plain_metric

_LOSS_SHAPING = ("loss", "huber_delta", "l2", "target_scaling", "class_weight", "aux_weight")
"""While one of these differs, losses are not on one scale."""
"""While one of these differs, losses are not on one scale."""

_LIMITS = ("workers", "executor", "threads", "max_time", "trial_time", "trial_memory")
"""The limits that can change what a search comes to in its time."""
"""The limits that can change what a search comes to in its time."""

_PACKAGES = ("tunecli", "tensorflow", "keras", "keras-tuner")

_SPLIT = ("validation", "test", "split_seed", "split", "max_rows")
"""What decides which rows go where, beside the data themselves."""
"""What decides which rows go where, beside the data themselves."""

_ORDER = ("data", "dataset", "task", "evaluation", "model", "objective", "search_space", "tuner", "training")


@dataclass(frozen=True)
class Difference:
    """A line of the plans, or of what they ran on, that is not the same everywhere.

    Attributes:
        name: Where it stands, such as `search_space.units`.
        values: What stands there, in the order of the studies; `–` for nothing.
    """

    name: str
    values: tuple[str, ...]


def differences(studies: Sequence[Study]) -> list[Difference]:
    """Returns the lines of the plans, and of what they ran on, that are not the same everywhere."""
    lines = [plan_lines(each) for each in studies]
    names = dict.fromkeys(name for each in lines for name in each)
    rows = [Difference(name, tuple(each.get(name, "–") for each in lines)) for name in sorted(names, key=_place)]
    return [row for row in rows if len(set(row.values)) > 1]


def plan_lines(study: Study) -> dict[str, str]:
    """Returns the lines of a study's plan that can change what it comes to, and what it ran on."""
    plan, data = study.plan, study.data
    dataset = dict(plan["dataset"])
    found = {} if data is None else {f"data.{name}": _fingerprint(each) for name, each in data.items()}
    found |= {
        "dataset.name": dataset.pop("name"),
        **_flat("dataset", dataset.pop("options")),
        **_flat("dataset", dataset),
    }
    found["task"] = plan["task"]
    found |= _flat("evaluation", plan.get("evaluation"))
    found["model.family"] = plan["family"]
    for name in ("inputs", "custom", "init_from", "callbacks"):
        found |= _flat(f"model.{name}", plan.get(name))
    found["objective"] = _objective_in_words(study)
    for each in plan["space"]["parameters"]:
        found[f"search_space.{each['name']}"] = show_range(Parameter.model_validate(each))
    found |= {f"search_space.{name}": f"{show_value(value)} (fixed)" for name, value in plan["fixed"].items()}
    for name in ("tuner", "training", "stop_when"):
        found |= _flat(name, plan.get(name))
    found |= {"seed": str(plan["seed"])}
    found |= _flat("limits", {name: plan["limits"].get(name) for name in _LIMITS})
    packages = study.environment.get("packages") or {}
    found |= {f"version of {name}": packages[name] for name in _PACKAGES if name in packages}
    return found | ({"host": str(study.environment["host"])} if "host" in study.environment else {})


def obstacles(studies: Sequence[Study], objective: Objective | None) -> list[str]:
    """Returns why the scores of studies do not mean the same."""
    found = []
    if objective is None:
        by_metric = _in_a_line(studies, [_objective_in_words(each) for each in studies])
        both = ", ".join(name for name in common_metrics(studies) if find_metric(name))
        ways = f"; --metric compares by one that all have: {both}" if both else ""
        found.append(f"other objectives: {by_metric}{ways}")
    if unknown := [each.label for each in studies if each.data is None]:
        found.append(f"the data of {' and '.join(unknown)} are not known: there is no data.json that can be read")
    known = [each for each in studies if each.data is not None]
    if any(each.data != known[0].data for each in known):
        found.append(f"other data: {_in_a_line(known, [_data_in_words(each) for each in known])}")
    found += [f"another split: {line}" for line in _differing(studies, "dataset", _SPLIT)]
    if objective is not None:
        found += _objective_obstacles(studies, objective)
    return found


def notes(studies: Sequence[Study], objective: Objective | None) -> list[str]:
    """Returns what to keep in mind about figures that can be compared."""
    found = [
        f"{each.label} still runs: these are its figures so far" for each in studies if each.state is StudyState.RUNNING
    ]
    if objective is None:
        return found
    foreign = [each.label for each in studies if each.snapshot.objective != objective]
    if foreign:
        found.append(
            f"{' and '.join(foreign)} searched for another objective: each trial counts at the epoch that its own "
            f"objective chose, and the winner here is the best by {objective.metric}"
        )
    if not objective.metric.startswith((VALIDATION, FOLD)):
        found.append(
            f"{objective.metric} is measured on rows that models were trained on: it says nothing of other rows"
        )
    if not objective.metric.startswith(FOLD):
        found += [
            f"models were trained on other numbers of rows: {line}"
            for line in _differing(studies, "evaluation", ["folds"])
        ]
    return [
        *found,
        *(
            f"scores are means of other numbers of trainings, and the best of noisier ones is more flattered: {line}"
            for line in _differing(studies, "evaluation", ["repeats"])
        ),
    ]


def _objective_obstacles(studies: Sequence[Study], objective: Objective) -> list[str]:
    found = []
    if objective.metric.startswith(FOLD):
        found += [f"other folds: {line}" for line in _differing(studies, "evaluation", ("folds", "scheme"))]
    if plain_metric(objective.metric).endswith("loss"):
        lines = [plan_lines(each) for each in studies]
        shaped = [name for name in _LOSS_SHAPING if len({each.get(f"search_space.{name}") for each in lines}) > 1]
        found += [f"losses on other scales: {name} differs; compare by a metric with --metric" for name in shaped]
    return found


def _place(name: str) -> int:
    """Returns where a line stands: as in a spec; what is not named there stands at the end."""
    block = name.split(".", maxsplit=1)[0]
    return _ORDER.index(block) if block in _ORDER else len(_ORDER)


def _flat(path: str, value: Any) -> dict[str, str]:
    """Returns what stands below a place of a plan, by its path; nothing for what is not given."""
    if isinstance(value, Mapping):
        return {name: text for key, each in value.items() for name, text in _flat(f"{path}.{key}", each).items()}
    if isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        return _flat(path, {str(number): each for number, each in enumerate(value, start=1)})
    if value is None or value in ([], ()):
        return {}
    return {path: ", ".join(map(str, value)) if isinstance(value, list | tuple) else show_value(value)}


def _fingerprint(part: Any) -> str:
    """Returns the fingerprint of an array in a few characters: `200 × 3, 61cf560a`."""
    if not isinstance(part, Mapping):
        return str(part)
    shape = " × ".join(f"{size:,}" for size in part.get("shape", ()))
    return ", ".join(text for text in (shape, str(part.get("sha256", ""))[:8]) if text)


def _differing(studies: Sequence[Study], block: str, names: Iterable[str]) -> list[str]:
    """Returns the values of a block of the plans that differ: `dataset.validation is 0.2 (a), 0.1 (b)`."""
    found = []
    for name in names:
        values = [(each.plan.get(block) or {}).get(name) for each in studies]
        if any(each != values[0] for each in values):
            found.append(f"{block}.{name} is {_in_a_line(studies, list(map(show_value, values)))}")
    return found


def _in_a_line(studies: Sequence[Study], texts: Sequence[str]) -> str:
    """Returns what stands in each study: `0.2 (a), 0.1 (b and c)`."""
    by_text: dict[str, list[str]] = {}
    for each, text in zip(studies, texts, strict=True):
        by_text.setdefault(text, []).append(each.label)
    return ", ".join(f"{text} ({' and '.join(labels)})" for text, labels in by_text.items())


def _data_in_words(study: Study) -> str:
    parts = [f"{name} {_fingerprint(each)}" for name, each in (study.data or {}).items()]
    return f"{study.plan['dataset']['name']}: {'; '.join(parts)}" if parts else "unknown"


def _objective_in_words(study: Study) -> str:
    return f"{study.snapshot.objective.goal} {study.snapshot.objective.metric}"
