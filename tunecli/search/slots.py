"""Where the trials of a session run: in this process, or in slots of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.errors import UsageError
from tunecli.executors.base import Executor, OnMessage, TaskLimits
from tunecli.executors.machine import Machine
from tunecli.executors.process_slots import MOST_BYTES, ProcessSlots, SlotSettings
from tunecli.plan import Plan
from tunecli.spec.quantities import AUTO_WORKERS
from tunecli.spec.tuners import BayesianTuner, HyperbandTuner
from tunecli.training.engines import choose_engine

if TYPE_CHECKING:
    from tunecli.executors.dask_connection import TlsFiles

TINY_SECONDS = 20.0
"""Searches up to this long gain nothing from slots, which take some seconds to start."""

PARENT_BYTES = 800_000_000
"""What the search's own process holds after its first trial."""

TRIAL_BYTES = {"graph": 11_000_000, "keras": 25_000_000, "fused": 30_000_000, "scipy": 3_000_000}
"""By engine, what each trial of another architecture adds, of which next to nothing is given back: measured over 30 to
40 networks of one to four layers, with and without `clear_session`. The parent, which cannot be replaced, must not grow
beyond what a slot may hold."""

MOST_DEATHS = 3
"""A trial with which the search's own process has died so often runs in a slot, where it can take no one with it."""

WARM_UP = "tunecli.training.run_trial:warm_up"
"""What is done for the slots while the parent gets ready."""


@dataclass(frozen=True)
class Protection:
    """How the way to a cluster is protected.

    Attributes:
        ca: The authority that has signed the cluster's certificates, and the files to show to it; or None.
        cert: A certificate.
        key: Its private key.
        insecure: Whether a way without protection is accepted.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False


@dataclass(frozen=True)
class Slots:
    """How trials are spread over the machine.

    Attributes:
        workers: Trials at a time; None for as many as the cluster has workers.
        threads: Threads of each; None for all processors.
        in_process: Whether they run in the parent.
        reason: Why so, for people.
    """

    workers: int | None
    threads: int | None
    in_process: bool
    reason: str


def choose_slots(plan: Plan, rows: int, machine: Machine, *, deaths: int = 0) -> Slots:
    """Decides how many slots a search has.

    Args:
        plan: What to search.
        rows: How many rows a trial is trained on.
        machine: What may be used.
        deaths: How often the search's process has died with a trial that is to run now.
    """
    wanted, limits = plan.limits.workers, plan.limits
    if limits.executor == "dask":
        on_cluster = None if wanted == AUTO_WORKERS else wanted
        return Slots(on_cluster, limits.threads, in_process=False, reason=f"on {limits.address}")
    seconds = estimate_seconds(plan, rows)
    if wanted == AUTO_WORKERS:
        is_tiny = seconds <= TINY_SECONDS
        trainings = plan.trial_count * len(plan.trainings)
        workers = 1 if is_tiny else min(len(machine.gpus or machine.processors), trainings)
        why = f"about {seconds:.0f} s of training" if is_tiny else _count(machine)
        reason = f"auto: {why}"
    else:
        workers, reason = wanted, "named in the spec"
    needs_slot = limits.trial_time is not None or limits.trial_memory is not None
    if deaths >= MOST_DEATHS:
        needs_slot, reason = True, f"a trial has ended the search {deaths} times"
    in_process = workers == 1 and not needs_slot and plan.trial_count <= _most_trials_in_parent(plan, rows)
    share = None if workers == 1 else max(1, len(machine.processors) // workers)
    return Slots(workers, limits.threads or share, in_process, reason)


def _most_trials_in_parent(plan: Plan, rows: int) -> int:
    engine, _ = choose_engine(plan, {"batch_size": plan.fixed.get("batch_size", 32)}, rows, size=0)
    return (MOST_BYTES - PARENT_BYTES) // TRIAL_BYTES[engine.partition(":")[0]]


def estimate_seconds(plan: Plan, rows: int) -> float:
    """Returns roughly how long all trainings of a search take one after the other, on one core.

    From trials of dense networks measured on two cores: half a second to build and trace, a tenth of a millisecond a
    step; a step of a convolutional network takes some fifty times as long.
    """
    batch = plan.fixed.get("batch_size", 32)
    steps = plan.epoch_count * -(-rows // batch) if isinstance(batch, int) else plan.epoch_count
    return 0.5 * plan.trial_count * len(plan.trainings) + steps * (5e-3 if plan.family == "cnn" else 1e-4)


def order_advice(plan: Plan, workers: int) -> str | None:
    """Returns what to know about several workers, where the tuner learns from what has finished."""
    if workers == 1 or not isinstance(plan.tuner, BayesianTuner | HyperbandTuner):
        return None
    return (
        f"with {workers} workers the order in which trials finish shapes a {plan.tuner.name} search; "
        "limits.workers: 1 makes it repeatable"
    )


def open_executor(
    plan: Plan, slots: Slots, runner: str, on_message: OnMessage, *, machine: Machine, protection: Protection
) -> Executor:
    """Starts what runs the trials; slots of this machine get ready while the caller goes on.

    Raises:
        UsageError: The cluster's address is not one or not protected, or its versions differ from ours.
        ClusterError: The cluster cannot be reached.
    """
    if slots.in_process:
        from tunecli.executors.in_process import InProcess

        return InProcess(runner, on_message)
    limits = TaskLimits(seconds=plan.limits.trial_time, memory=plan.limits.trial_memory)
    if plan.limits.address is not None:
        from tunecli.executors.dask_cluster import DaskCluster

        where, count = plan.limits.address, slots.workers
        tls, insecure = _tls(protection), protection.insecure
        return DaskCluster(runner, on_message, where, slots=count, limits=limits, tls=tls, insecure=insecure)

    count = slots.workers or 1
    settings = tuple(
        SlotSettings(
            processors=_share(machine.processors, number, count),
            environment={"CUDA_VISIBLE_DEVICES": machine.gpus[number % len(machine.gpus)]} if machine.gpus else {},
        )
        for number in range(count)
    )
    # what a GPU's libraries set up as they are loaded does not survive a fork
    return ProcessSlots(runner, on_message, settings, warm_up=WARM_UP, warms_up_once=not machine.gpus, limits=limits)


def _tls(protection: Protection) -> TlsFiles | None:
    files = {"--tls-ca": protection.ca, "--tls-cert": protection.cert, "--tls-key": protection.key}
    if missing := [name for name, path in files.items() if path is None]:
        if len(missing) < len(files):
            raise UsageError(f"{missing[0]} is missing", hint="TLS takes all three of --tls-ca, --tls-cert, --tls-key")
        return None
    from tunecli.executors.dask_connection import TlsFiles

    assert protection.ca is not None
    assert protection.cert is not None
    assert protection.key is not None
    return TlsFiles(ca=protection.ca, cert=protection.cert, key=protection.key)


def _share(processors: tuple[int, ...], number: int, workers: int) -> tuple[int, ...]:
    """Returns the processors of one slot: neighbours, which share caches; () where there are more slots than these."""
    size = len(processors) // workers
    return processors[number * size : (number + 1) * size]


def _count(machine: Machine) -> str:
    name, count = ("GPU", len(machine.gpus)) if machine.gpus else ("processor", len(machine.processors))
    return f"{count} {name}{'s' * (count != 1)}"
