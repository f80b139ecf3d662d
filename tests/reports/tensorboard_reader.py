"""Reads event files with TensorBoard's own reader and the HParams tab's own backend."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# TensorBoard's switch for its stand-in of TensorFlow, which it would import to open files
sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))

EXPERIMENT = ""


@dataclass
class Events:
    """What TensorBoard makes of a folder.

    Attributes:
        scalars: `(step, value)` of each tag of each run.
        moments: The wall time of each, in the same order.
        experiment: What the HParams tab is told of the whole study.
        sessions: Its session groups by name, with their hyperparameters, metrics and status.
    """

    scalars: dict[str, dict[str, list[tuple[int, float]]]]
    moments: dict[str, dict[str, list[float]]]
    experiment: Any
    sessions: dict[str, Any]


def read_events(folder: Path) -> Events:
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.data.provider import RunTagFilter
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
    from tensorboard.plugins.hparams.backend_context import Context

    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(folder))
    context, request = Context(TBContext(data_provider=provider)), RequestContext()
    found = provider.read_scalars(
        request, experiment_id=EXPERIMENT, plugin_name="scalars", downsample=10_000, run_tag_filter=RunTagFilter()
    )
    statuses = [api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING]
    asked = api_pb2.ListSessionGroupsRequest(allowed_statuses=statuses, start_index=0, slice_size=10_000)
    groups = list_session_groups.Handler(request, context, EXPERIMENT, asked).run().session_groups
    return Events(
        scalars={
            run: {tag: [(each.step, each.value) for each in data] for tag, data in tags.items()}
            for run, tags in found.items()
        },
        moments={
            run: {tag: [each.wall_time for each in data] for tag, data in tags.items()} for run, tags in found.items()
        },
        experiment=get_experiment.Handler(
            request, context, EXPERIMENT, api_pb2.GetExperimentRequest(include_metrics=True)
        ).run(),
        sessions={group.name: group for group in groups},
    )


def hyperparameters(group: Any) -> dict[str, Any]:
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()}


def metrics(group: Any) -> dict[str, tuple[float, int]]:
    return {each.name.tag: (each.value, each.training_step) for each in group.metric_values}
