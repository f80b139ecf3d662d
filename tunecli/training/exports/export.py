"""Exports a bundle to a folder, and does not call it done before the file predicts as the bundle does.

    check_target(target, force=False)
    document = export(bundle, "saved_model", target, study=run)
    document["check"]["greatest_difference"]

The folder holds the model, `export.json` for programs and `README.md` for people; where a format has no room for the
preprocessing, that too, with the code that applies it.
"""

from __future__ import annotations

import errno
import hashlib
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.datasets.dates import column_of
from tunecli.errors import StudyError, TunecliError, UsageError
from tunecli.plan import Plan
from tunecli.spec.experiment import Task
from tunecli.store.environment import versions
from tunecli.store.files import write_json, write_whole
from tunecli.store.run import Run
from tunecli.training.bundle import Bundle
from tunecli.training.data import load
from tunecli.training.exports import FORMATS
from tunecli.training.exports.base import Format, Takes
from tunecli.training.exports.build import Graph, build, output_name
from tunecli.training.exports.check import MEASURE, TOLERANCE, greatest_difference
from tunecli.training.exports.folder import MANIFEST, replacing_folder
from tunecli.training.exports.graph import CODES, IMAGES, NUMBERS, REST, TEXTS
from tunecli.training.exports.readme import render_readme
from tunecli.training.exports.sample import Sample, made_up_rows, real_rows
from tunecli.training.own_models import own_objects

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 1
"""Of `export.json`: keys are added, never renamed, while it stays."""

REAL_ROWS = 1_000
"""So many rows of the study's data, at most, are predicted to compare."""

MADE_UP_ROWS = 100
"""So many more hold missing and unseen values; `REAL_ROWS` of them where there are no data."""

README = "README.md"

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""What is wrong with the disk, and not with the model."""

PREPROCESSING, PREPROCESS = "preprocessing.json", "preprocess.py"
"""What lies beside a model that takes features."""


def require_packages(format_: str) -> None:
    """Makes sure that the packages of a format are there; takes no time.

    Raises:
        UsageError: One is not; or there is no such format.
    """
    name, wanted = FORMATS.canonical(format_), FORMATS.load(format_).packages
    if missing := [package for package in wanted if find_spec(package) is None]:
        what = f"{name} takes packages that are not installed: {', '.join(missing)}"
        raise UsageError(what, where="--format", hint="pip install 'tunecli[onnx]'")


def export(bundle: Bundle, format_: str, target: Path, *, study: Run | None) -> dict[str, Any]:
    """Writes a bundle's model in another format.

    Args:
        bundle: What is exported.
        format_: A name of `FORMATS`.
        target: The folder; `check_target` has let it pass.
        study: Where rows to compare on come from: its training and validation part, never its test part; None for
            made-up ones.

    Returns:
        What stands in the folder's `export.json`.

    Raises:
        UsageError: The bundle's code may not be run, or the folder cannot be written.
        StudyError: The format cannot hold the model, or does not predict what the bundle does; nothing is left behind.
    """
    from tunecli.training.runtime import import_tensorflow, stderr_dropped

    import_tensorflow()
    name, chosen = FORMATS.canonical(format_), FORMATS.load(format_)
    sample, origin = _rows(bundle, study)
    try:
        with redirect_stdout(sys.stderr), replacing_folder(target) as folder:  # a user's own code may print
            expected = bundle.predict(sample.columns(bundle.preprocessor))
            graph = build(
                bundle, takes=chosen.takes, float_type=chosen.float_type, has_operations=chosen.has_operations
            )
            with stderr_dropped():
                found = _written_and_run(name, chosen, graph, folder, sample)
            check = _check(name, found, expected, bundle) | {"rows": sample.rows, "origin": origin}
            _put_beside(chosen, graph, folder)
            document = _document(name, chosen, graph, check)
            write_whole(folder / README, render_readme(document, _usage(chosen, graph)).encode())
            document["files"] = _files(folder)
            write_json(folder / MANIFEST, document)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(target)) from error
    return document


def _rows(bundle: Bundle, study: Run | None) -> tuple[Sample, str]:
    """Returns the rows to compare on, and where they come from."""
    import numpy as np

    made_up = made_up_rows(bundle.manifest, bundle.preprocessor, REAL_ROWS if study is None else MADE_UP_ROWS)
    if study is None:
        return made_up, f"{made_up.rows:,} rows made up from the schema"
    try:
        data, parts = load(Plan.of(study).dataset)
    except TunecliError:
        return _rows(bundle, None)
    expected = bundle.preprocessor
    names = (*(each.name for each in expected.numeric), *(each.name for each in expected.categorical))
    if (*data.columns.numeric_names, *data.columns.categorical_names) != names:
        return _rows(bundle, None)
    known = np.sort(np.concatenate([parts.train, parts.validation]))
    spread = known[np.linspace(0, len(known) - 1, min(REAL_ROWS, len(known))).astype(np.int64)]
    real = real_rows(data, spread)
    origin = f"{real.rows:,} rows of the training and validation part, and {made_up.rows:,} made up"
    return real.joined(made_up), origin


def _written_and_run(name: str, chosen: Format, graph: Graph, folder: Path, sample: Sample) -> NDArray[np.float32]:
    """Writes the model, and returns what the file predicts.

    Raises:
        StudyError: The format cannot hold the model.
    """
    try:
        chosen.write(graph.model, folder)
        return chosen.run(folder, graph.inputs(sample), _own_objects(graph))
    except TunecliError:
        raise
    except Exception as error:  # whatever a converter raises
        if isinstance(error, OSError) and error.errno in _DISK:
            raise
        text = " ".join(str(error).split())[:300]
        hint = "saved_model takes any model: --format saved_model" if name != "saved_model" else "try --format keras"
        raise StudyError(
            f"the model cannot be exported as {name}: {type(error).__name__}: {text}", hint=hint
        ) from error


def _own_objects(graph: Graph) -> dict[str, Any]:
    """Returns what the user's own code gives Keras to load such a model with."""
    code = graph.bundle.manifest.code
    return {} if code is None or not graph.classes else own_objects(graph.bundle.layout.folder / code)


def _check(name: str, found: NDArray[np.float32], expected: NDArray[np.float32], bundle: Bundle) -> dict[str, Any]:
    """Returns what comparing came to.

    Raises:
        StudyError: The predictions differ.
    """
    difference = greatest_difference(found, expected, are_probabilities=bundle.manifest.task is not Task.REGRESSION)
    if not difference <= TOLERANCE:
        what = f"predictions of {name} differ from the bundle's by {difference:.3g}, where {TOLERANCE:g} is allowed"
        hint = "nothing was written; try another format, such as saved_model"
        raise StudyError(what, hint=hint)
    return {"greatest_difference": difference, "tolerance": TOLERANCE, "measure": MEASURE}


def _put_beside(chosen: Format, graph: Graph, folder: Path) -> None:
    """Puts the preprocessing and a user's own code beside a model that needs them."""
    layout, manifest = graph.bundle.layout, graph.bundle.manifest
    if chosen.takes is Takes.FEATURES:
        write_whole(folder / PREPROCESSING, layout.preprocessing.read_bytes())
        write_whole(folder / PREPROCESS, Path(__file__).with_name(PREPROCESS).read_bytes())
    if manifest.code is not None and _needs_classes(chosen, graph):
        write_whole(folder / manifest.code, (layout.folder / manifest.code).read_bytes())


def _usage(chosen: Format, graph: Graph) -> list[str]:
    """Returns code that predicts, for the README."""
    code = graph.bundle.manifest.code
    if not _needs_classes(chosen, graph):
        return chosen.usage(graph.input_names, "")
    if code is None:
        return ["import tunecli.families.registered", *chosen.usage(graph.input_names, "")]
    return [f"import {Path(code).stem} as own", *chosen.usage(graph.input_names, ", custom_objects=vars(own)")]


def _needs_classes(chosen: Format, graph: Graph) -> bool:
    return bool(graph.classes) and not chosen.is_code_free


def _document(name: str, chosen: Format, graph: Graph, check: Mapping[str, Any]) -> dict[str, Any]:
    manifest = graph.bundle.manifest
    return {
        "schema_version": SCHEMA_VERSION,
        "study": manifest.study,
        "trial": manifest.trial,
        "format": name,
        "file": chosen.file,
        "task": manifest.task,
        "targets": [{"name": each.name, "classes": list(each.classes)} for each in manifest.targets],
        "models": len(manifest.models),
        "preprocessing": "beside" if chosen.takes is Takes.FEATURES else "inside",
        "columns": [_input(each, chosen, graph) for each in _raw_names(graph)],
        "inputs": [_input(each, chosen, graph) for each in graph.input_names],
        "outputs": [_output(graph)],
        "notes": list(_notes(chosen, graph)),
        "check": dict(check),
        "versions": versions(),
    }


def _raw_names(graph: Graph) -> tuple[str, ...]:
    """Returns the names of what a table or images are handed over as: of the inputs, or of the preprocessing."""
    if graph.takes is not Takes.FEATURES:
        return graph.input_names
    preprocessor = graph.bundle.preprocessor
    if preprocessor.image_shape is not None:
        return (IMAGES,)
    kinds = {NUMBERS: preprocessor.numeric, TEXTS: preprocessor.categorical}
    return tuple(name for name, columns in kinds.items() if columns)


def _input(name: str, chosen: Format, graph: Graph) -> dict[str, Any]:
    preprocessor = graph.bundle.preprocessor
    categorical = [{"name": each.name, "categories": list(each.categories)} for each in preprocessor.categorical]
    if name in (NUMBERS, REST):
        numeric = [{"name": each.name} for each in preprocessor.numeric]
        of_type = {"name": name, "dtype": chosen.float_type, "is_split": REST in graph.input_names}
        return {**of_type, "shape": [None, len(numeric)], "columns": numeric}
    if name in (TEXTS, CODES):
        dtype = "string" if name == TEXTS else "int32"
        return {"name": name, "dtype": dtype, "shape": [None, len(categorical)], "columns": categorical}
    if name == IMAGES:
        return {"name": name, "dtype": "uint8", "shape": [None, *(preprocessor.image_shape or ())]}
    signature = graph.bundle.signature
    if not signature.inputs:
        features = [{"name": each} for each in preprocessor.feature_names]
        return {"name": name, "dtype": "float32", "shape": [None, *signature.shape], "columns": features}
    positions = signature.inputs[name]
    routed = [{"name": preprocessor.feature_names[each], "feature": each} for each in positions]
    return {"name": name, "dtype": "float32", "shape": [None, len(positions)], "columns": routed}


def _output(graph: Graph) -> dict[str, Any]:
    manifest = graph.bundle.manifest
    target, *_ = manifest.targets
    names = [each.name for each in manifest.targets]
    if manifest.task is Task.MULTICLASS:
        names = list(target.classes)
    elif manifest.task is Task.BINARY:
        names = [target.classes[1]]
    name = output_name(manifest.task)
    return {
        "name": name,
        "dtype": "float32",
        "shape": [None, len(names)],
        "columns": [{"name": each} for each in names],
    }


def _notes(chosen: Format, graph: Graph) -> list[str]:
    """Returns what a user of the file must know beyond its inputs and outputs."""
    manifest, notes = graph.bundle.manifest, []
    if len(manifest.models) > 1:
        notes.append(f"the mean of {len(manifest.models)} models, in one graph")
    if chosen.takes is Takes.FEATURES:
        notes.append(f"the preprocessing stays outside: {PREPROCESS} applies {PREPROCESSING} and needs NumPy alone")
    dates = dict.fromkeys(column_of(each.name) for each in graph.bundle.preprocessor.numeric)
    if made_of := [name for name in dates if name is not None]:
        notes.append(
            f"numbers such as {made_of[0]}.year are parts of dates, where the table has dates in such a column"
        )
    if CODES in graph.input_names:
        notes.append(
            "codes are positions in the categories of export.json, where null is a missing text; -1 for a text that "
            "is none of them"
        )
    if REST in graph.input_names:
        notes.append(
            "rest is what numbers lose in single precision, which this model would notice: numbers less "
            "float32(numbers), or 0 where they are no more precise"
        )
    elif NUMBERS in graph.input_names and chosen.float_type == "float32":
        notes.append("numbers are rounded to single precision")
    if _needs_classes(chosen, graph):
        names = ", ".join(graph.classes)
        notes.append(
            f"loading needs the classes {names} of {manifest.code}, which lies beside: pass them as custom_objects"
            if manifest.code is not None
            else f"loading needs the layers {names} of tunecli: import tunecli.families.registered first"
        )
    return notes


def _files(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file, by its name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in paths}
