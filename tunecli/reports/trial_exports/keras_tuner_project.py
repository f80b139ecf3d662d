"""Trials as KerasTuner keeps them on disk: a directory that its tuners reload, and may go on with.

    <directory>/
      oracle.json  tuner0.json
      trial_007/trial.json

The format is that of KerasTuner 1.4.8, written here without it (importing it would import TensorFlow). What it cannot
hold is written otherwise: lists, null and choices of mixed types as texts, a range with steps as the choice among its
values. A step is an epoch counted from 0 over the whole lineage of a Hyperband trial, so that a trial's score is the
best of its observations, at `best_step`; a trial of several trainings has one observation, with a value for each of
them. Observations that are not finite are left out: they are no JSON. There are no checkpoints.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tunecli.reports.plain_values import Form, Plain, PlainValues
from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target
from tunecli.spec.space import Kind, Parameter, SearchSpace, Values
from tunecli.spec.tuners import Rung, hyperband_brackets
from tunecli.store import files
from tunecli.store.files import write_new
from tunecli.store.run import Run
from tunecli.study.objective import Goal, find_metric
from tunecli.study.trial import Suggestion, Trial, TrialStatus

TUNERS = {"random": "RandomSearch", "hyperband": "Hyperband", "bayesian": "BayesianOptimization", "grid": "GridSearch"}
"""KerasTuner's classes by our names."""

DIRECTIONS = {Goal.MINIMIZE: "min", Goal.MAXIMIZE: "max"}

MOST_LISTED = 1000
"""A range of more steps is written without them."""

UNKNOWN_LIMIT_WIDTH = 4
"""To so many digits KerasTuner pads the ids of trials whose number is not limited."""

_GLOB = re.compile(r"[][*?]")


@dataclass(frozen=True)
class KerasTunerProject:
    """A directory for `keras_tuner.RandomSearch(…, directory=…, project_name=…)` and its siblings."""

    name = "keras-tuner"
    target = Target.FOLDER
    ending = "-keras-tuner"
    has_epochs = False
    package = None

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes the directory."""
        space, ids, trials = _Space(study.space), _Ids(study), study.snapshot.trials
        notes, own = _of_tuner(study, ids)
        files.disk.make_folder(path)
        for trial in trials.values():
            folder = path / f"trial_{ids[trial.id]}"
            files.disk.make_folder(folder)
            _write_json(folder / "trial.json", trial_state(study, trial, space, ids, notes[trial.id]))
        _write_json(path / "oracle.json", {**oracle_state(study, space, ids, notes), **own})
        _write_json(path / "tuner0.json", {})  # that it is there is what tells KerasTuner to reload
        return ["a path with [ ] * or ? in it is one that KerasTuner cannot read"] if _GLOB.search(str(path)) else []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        objective = study.objective
        return (
            f"keras_tuner.{TUNERS[study.plan['tuner']['name']]}(build, "
            f"keras_tuner.Objective({objective.metric!r}, {DIRECTIONS[objective.goal]!r}), "
            f"directory={str(path.parent)!r}, project_name={path.name!r})"
        )


KERAS_TUNER = KerasTunerProject()


class _Ids:
    """Trials' ids in KerasTuner's terms: texts, padded to the width of the number of trials that it was allowed."""

    def __init__(self, study: StudyData) -> None:
        limit = study.plan["tuner"].get("max_trials")
        self._width = len(str(limit)) if limit else UNKNOWN_LIMIT_WIDTH

    def __getitem__(self, trial: int) -> str:
        return f"{trial:0{self._width}}"


class _Space:
    """A search space in KerasTuner's terms."""

    def __init__(self, space: SearchSpace) -> None:
        self._parameters = {parameter.name: parameter for parameter in space}
        self._plain = {parameter.name: PlainValues.of(parameter) for parameter in space}

    def configs(self) -> list[dict[str, Any]]:
        """Returns what `HyperParameters.get_config()["space"]` holds."""
        return [self._config(parameter) for parameter in self._parameters.values()]

    def values(self, values: Values) -> dict[str, Plain]:
        """Returns a trial's values."""
        return {name: self._plain[name](value) for name, value in values.items() if name in self._plain}

    def defaults(self) -> dict[str, Plain]:
        """Returns the values of a trial for which nobody has chosen any."""
        chosen: Values = {}
        for parameter in self._parameters.values():
            if parameter.is_active(chosen):
                first = parameter.values[0] if parameter.kind is Kind.CHOICE else parameter.bounds[0]
                chosen[parameter.name] = first if parameter.default is None else parameter.default
        return self.values(chosen)

    def _config(self, parameter: Parameter) -> dict[str, Any]:
        name, plain = parameter.name, self._plain[parameter.name]
        conditions = [
            {
                "class_name": "Parent",
                "config": {
                    "name": each.parameter,
                    "values": [self._plain[each.parameter](value) for value in each.values],
                },
            }
            for each in parameter.when
        ]
        default = None if parameter.default is None else plain(parameter.default)
        common = {"name": name, "default": default, "conditions": conditions}
        if (listed := _listed(parameter)) is not None:
            if plain.form is Form.BOOL and len(listed) == 1:
                return {"class_name": "Fixed", "config": {"name": name, "value": listed[0], "conditions": conditions}}
            if plain.form is Form.BOOL:
                return {"class_name": "Boolean", "config": {**common, "default": bool(default)}}
            # without duplicates, which a mixture of whole numbers and floats may have: 1 and 1.0
            values = list(dict.fromkeys(map(plain, listed)))
            is_ordered = plain.form is not Form.TEXT
            return {"class_name": "Choice", "config": {**common, "values": values, "ordered": is_ordered}}
        low, high = parameter.bounds
        is_int = parameter.kind is Kind.INT
        range_ = {
            "min_value": low,
            "max_value": high,
            "step": parameter.step if is_int and not parameter.log else None,
            "sampling": "log" if parameter.log else "linear",
        }
        return {"class_name": "Int" if is_int else "Float", "config": {**common, **range_}}


def _listed(parameter: Parameter) -> Sequence[Any] | None:
    """Returns the values of a choice, and of a range whose steps KerasTuner would take otherwise.

    Its steps of floats miss the maximum (#1001), and those of a range by magnitude are factors.
    """
    if parameter.kind is Kind.CHOICE:
        return parameter.values
    is_plain = parameter.step is None or (parameter.kind is Kind.INT and not parameter.log)
    if is_plain or (parameter.count() or math.inf) > MOST_LISTED:
        return None
    return parameter.finite_values()


def trial_state(study: StudyData, trial: Trial, space: _Space, ids: _Ids, notes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `trial.json` holds; `notes` are those that Hyperband keeps among a trial's values."""
    outcome = trial.outcome
    return {
        "trial_id": ids[trial.id],
        "hyperparameters": {"space": space.configs(), "values": {**space.values(trial.suggestion.values), **notes}},
        "metrics": {"metrics": _metrics(study, trial)},
        "score": outcome.score if outcome else None,
        "best_step": _step(outcome.best_epoch or 1) if outcome else 0,
        "status": _STATUSES[trial.status],
        "message": (outcome.cause or None) if outcome else None,
    }


def oracle_state(study: StudyData, space: _Space, ids: _Ids, notes: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what `oracle.json` holds, but for what only one of KerasTuner's oracles keeps."""
    trials = list(study.snapshot.trials.values())
    ended = sorted(
        (trial for trial in trials if trial.is_finished), key=lambda trial: (trial.ended_at or 0.0, trial.id)
    )
    values = {trial.id: {**space.values(trial.suggestion.values), **notes[trial.id]} for trial in trials}
    hashes = {ids[trial.id]: _hash(values[trial.id]) for trial in trials}
    seed = study.plan["seed"] or 1  # KerasTuner takes 0 for none
    return {
        "ongoing_trials": {f"tuner{index}": ids[trial.id] for index, trial in enumerate(study.snapshot.running)},
        "hyperparameters": {"space": space.configs(), "values": space.defaults()},
        "start_order": [ids[trial.id] for trial in trials],
        "end_order": [ids[trial.id] for trial in ended],
        "run_times": {ids[trial.id]: 1 for trial in ended},
        "retry_queue": [],
        "seed": seed,
        "seed_state": seed + sum(len(trial.suggestion.values) for trial in trials),
        "tried_so_far": sorted(set(hashes.values())),
        "id_to_hash": hashes,
        "display": {
            "search_start": _moment(study.snapshot.created_at),
            "trial_start": {ids[trial.id]: _moment(trial.started_at or trial.asked_at) for trial in trials},
            "trial_number": {ids[trial.id]: trial.id + 1 for trial in trials},
        },
    }


def _of_tuner(study: StudyData, ids: _Ids) -> tuple[dict[int, dict[str, Any]], dict[str, Any]]:
    """Returns what the study's own kind of oracle keeps: among the values of each trial, and of itself."""
    trials, tuner = study.snapshot.trials, study.plan["tuner"]
    if study.has_budgets:
        brackets = _Brackets(study, ids)
        return {number: brackets.notes(trial.suggestion, ids) for number, trial in trials.items()}, brackets.state()
    options = ("num_initial_points", "alpha", "beta") if tuner["name"] == "bayesian" else ()
    return {number: {} for number in trials}, {name: tuner[name] for name in options}


class _Brackets:
    """The brackets of a Hyperband search, as its trials fill them: one after the other, the widest first."""

    def __init__(self, study: StudyData, ids: _Ids) -> None:
        tuner = study.plan["tuner"]
        self._tuner = tuner
        self._max_epochs = tuner["max_epochs"] or study.plan["training"]["epochs"]
        self._planned = hyperband_brackets(self._max_epochs, tuner["factor"])
        self._opened: list[dict[str, Any]] = []
        self._places: dict[int, tuple[int, int]] = {}
        self._open()
        for trial in study.snapshot.trials.values():
            self._add(trial.suggestion, ids)

    def notes(self, trial: Suggestion, ids: _Ids) -> dict[str, Any]:
        """Returns what Hyperband keeps among a trial's values."""
        bracket, round_ = self._places[trial.trial]
        parent = {} if trial.parent is None else {"tuner/trial_id": ids[trial.parent]}
        return {
            **parent,
            "tuner/epochs": trial.end_epoch,
            "tuner/initial_epoch": trial.start_epoch,
            "tuner/bracket": self._opened[bracket]["bracket_num"],
            "tuner/round": round_,
        }

    def state(self) -> dict[str, Any]:
        """Returns what Hyperband's oracle keeps."""
        return {
            "hyperband_iterations": self._tuner["iterations"],
            "max_epochs": self._max_epochs,
            "min_epochs": 1,
            "factor": self._tuner["factor"],
            "brackets": self._opened,
            "current_bracket": self._opened[-1]["bracket_num"],
            "current_iteration": (len(self._opened) - 1) // len(self._planned),
        }

    def _add(self, trial: Suggestion, ids: _Ids) -> None:
        if trial.parent is None:
            if len(self._opened[-1]["rounds"][0]) == self._kind_of_last()[0].trials:
                self._open()
            place = (len(self._opened) - 1, 0)
        else:
            bracket, round_ = self._places[trial.parent]
            place = (bracket, round_ + 1)
        self._places[trial.trial] = place
        entry = {"past_id": None if trial.parent is None else ids[trial.parent], "id": ids[trial.trial]}
        self._opened[place[0]]["rounds"][place[1]].append(entry)

    def _open(self) -> None:
        kind = self._planned[len(self._opened) % len(self._planned)]
        self._opened.append({"bracket_num": len(kind) - 1, "rounds": [[] for _ in kind]})

    def _kind_of_last(self) -> list[Rung]:
        return self._planned[(len(self._opened) - 1) % len(self._planned)]


_STATUSES = {
    TrialStatus.COMPLETED: "COMPLETED",
    TrialStatus.FAILED: "FAILED",
    TrialStatus.RUNNING: "RUNNING",
}


def _metrics(study: StudyData, trial: Trial) -> dict[str, Any]:
    """Returns the observations of each metric, in the order of its steps."""
    if trial.trainings:
        at_best = [trial.trainings[number].metrics for number in sorted(trial.trainings)]
        step = _step(trial.outcome.best_epoch or 1) if trial.outcome else 0
        rows = {name: [(step, [each[name] for each in at_best if name in each])] for name in _names(at_best)}
    else:
        curve = study.curves[trial.id]
        rows = {
            name: [(_step(each.epoch), [each.metrics[name]]) for each in curve if name in each.metrics]
            for name in _names(each.metrics for each in curve)
        }
    return {
        name: {"direction": _direction(study, name), "observations": _observations(found)}
        for name, found in rows.items()
    }


def _names(rows: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _observations(rows: Iterable[tuple[int, Sequence[float]]]) -> list[dict[str, Any]]:
    return [{"value": list(values), "step": step} for step, values in rows if all(map(math.isfinite, values))]


def _direction(study: StudyData, name: str) -> str:
    """Returns KerasTuner's word for which way a metric is better; of one that nobody knows, its own default."""
    known = find_metric(name)
    goal = study.objective.goal if name == study.objective.metric else known.goal if known else Goal.MINIMIZE
    return DIRECTIONS[goal]


def _step(epoch: int) -> int:
    return epoch - 1


def _hash(values: Mapping[str, Any]) -> str:
    """Returns what KerasTuner tells configurations apart by (`Oracle._compute_values_hash`, and Hyperband's)."""
    apart = {"tuner/epochs", "tuner/initial_epoch", "tuner/bracket", "tuner/round"}
    text = "".join(f"{name}={values[name]}" for name in sorted(values.keys() - apart))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _moment(seconds: float) -> str:
    """Returns a moment as KerasTuner writes it: local, without a zone."""
    return datetime.fromtimestamp(seconds).isoformat()


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    write_new(path, json.dumps(document, allow_nan=False).encode())
