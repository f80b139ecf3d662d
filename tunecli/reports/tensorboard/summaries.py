"""What fills TensorBoard's HParams tab: one experiment, and one session a trial.

The messages are those that `tensorboard.plugins.hparams.summary` makes, which imports TensorFlow to do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tunecli.reports.plain_values import Form, PlainValues
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value
from tunecli.study.objective import FOLD, VALIDATION

OUTCOME = "outcome/"
"""Begins the tags of a trial's metrics at its best epoch, which the HParams tab shows: it reads a tag's last value."""


def experiment(study: str, space: SearchSpace, metrics: Iterable[str], *, created_at: float) -> Any:
    """Returns the summary that declares hyperparameters and metrics; it stands once, at the top.

    Args:
        study: The study's name.
        space: What is searched.
        metrics: Names, the one that decides first.
        created_at: In seconds since the epoch.
    """
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    described = api_pb2.Experiment(
        name=study,
        time_created_secs=created_at,
        hparam_infos=[_hyperparameter(parameter) for parameter in space],
        metric_infos=[_metric(name) for name in metrics],
    )
    return _summary(metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=described))


def session_start(name: str, space: SearchSpace, values: Mapping[str, Value], *, at: float) -> Any:
    """Returns the summary that begins a trial's run.

    Args:
        name: What the trial is called.
        space: What is searched.
        values: The trial's.
        at: When it began.
    """
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    info = plugin_data_pb2.SessionStartInfo(group_name=name, start_time_secs=at)
    for parameter in space:
        if parameter.name in values:
            _set(info.hparams[parameter.name], PlainValues.of(parameter), values[parameter.name])
    return _summary(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))


def session_end(*, is_success: bool, at: float) -> Any:
    """Returns the summary that ends a trial's run."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = api_pb2.STATUS_SUCCESS if is_success else api_pb2.STATUS_FAILURE
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=at)
    return _summary(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))


def _hyperparameter(parameter: Parameter) -> Any:
    from tensorboard.plugins.hparams import api_pb2

    plain = PlainValues.of(parameter)
    types = {Form.BOOL: api_pb2.DATA_TYPE_BOOL, Form.TEXT: api_pb2.DATA_TYPE_STRING}
    found = api_pb2.HParamInfo(name=parameter.name, type=types.get(plain.form, api_pb2.DATA_TYPE_FLOAT64))
    if parameter.kind is Kind.CHOICE:
        for value in parameter.values:
            _set(found.domain_discrete.values.add(), plain, value)
        found.differs = len(parameter.values) > 1
    else:
        low, high = parameter.bounds
        found.domain_interval.min_value, found.domain_interval.max_value = float(low), float(high)
        found.differs = low < high
    return found


def _metric(name: str) -> Any:
    from tensorboard.plugins.hparams import api_pb2

    is_validation = name.startswith((VALIDATION, FOLD))
    return api_pb2.MetricInfo(
        name=api_pb2.MetricName(tag=f"{OUTCOME}{name}"),
        display_name=name,
        description="at the best epoch",
        dataset_type=api_pb2.DATASET_VALIDATION if is_validation else api_pb2.DATASET_TRAINING,
    )


def _set(target: Any, plain: PlainValues, value: Value) -> None:
    """Sets a `google.protobuf.Value`, whose numbers are all doubles."""
    given = plain(value)
    if isinstance(given, bool):
        target.bool_value = given
    elif isinstance(given, str):
        target.string_value = given
    else:
        target.number_value = given


def _summary(tag: str, content: Any) -> Any:
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.hparams import metadata

    # TensorBoard reads what the metadata hold; a value must be there, and says nothing
    value = summary_pb2.Summary.Value(
        tag=tag, metadata=metadata.create_summary_metadata(content), tensor=metadata.NULL_TENSOR
    )
    return summary_pb2.Summary(value=[value])
