"""Processors, memory, GPUs, and whether a worker starts on them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunecli.executors.machine import usable
from tunecli.executors.process_slots import MOST_BYTES
from tunecli.reports.text import show_duration
from tunecli.tools.doctor.check import Check, Status, show_size

WORKER_TIMEOUT_S = 120
"""Several times the 18 s that importing TensorFlow without byte code took."""

_START_BYTES = 700_000_000
"""What a worker has taken before its first trial: TensorFlow, Keras and a multiplication, 0.62 GB on Linux."""

_WORKER = """
import json, time
start = time.perf_counter()
import keras
import tensorflow as tf
imported = time.perf_counter()
ones = tf.ones((256, 256))
assert float(tf.reduce_sum(tf.linalg.matmul(ones, ones))) == 256**3, "a product of matrices is wrong"
details = tf.config.experimental.get_device_details
gpus = [details(each).get("device_name", each.name) for each in tf.config.list_physical_devices("GPU")]
print(json.dumps({"import_s": imported - start, "backend": keras.backend.backend(), "gpus": gpus}))
"""


@dataclass(frozen=True)
class WorkerStart:
    """What came of starting a worker.

    Attributes:
        duration_s: From before the start to its end.
        report: What the worker said of itself; empty if it failed.
        cause: Why it failed, in a line, or "".
    """

    duration_s: float
    report: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""


def check_processors(*, seen: int, allowed: int, quota: float | None) -> Check:
    """Says how many processors a search may use.

    Args:
        seen: Those of the machine.
        allowed: Those that this process may run on.
        quota: How many of them its control group gives it time for; None for no limit.
    """
    count = usable(allowed, quota)
    parts = [f"{seen} seen"] + [f"{allowed} allowed"] * (allowed < seen)
    budget = f"limits.workers × limits.threads: {count} at most"
    if quota is None or quota >= allowed:
        return Check("processors", Status.OK, f"{', '.join(parts)}; {budget}")
    # TensorFlow starts a thread for each processor that it may run on, whatever the quota, and all are held up by it
    found = ", ".join([*parts, f"time for {quota:g} of them"])
    return Check("processors", Status.WARNING, found, f"more threads only wait for each other; {budget}")


def check_memory(*, total: int, available: int, limit: int | None, processors: int) -> Check:
    """Says whether there is memory for a worker on each processor; all sizes in bytes.

    Args:
        total: Of the machine.
        available: What can be had without swapping.
        limit: That of this process's control group; None for no limit.
        processors: How many workers there may be.
    """
    found = f"{show_size(total)}, {show_size(available)} available"
    if limit is not None and limit < total:
        found += f", limited to {show_size(limit)}"
        available = min(available, limit)
    room = available // MOST_BYTES
    if available < _START_BYTES:
        hint = f"end other programs or raise the limit: a worker takes {show_size(_START_BYTES)} to start"
        return Check("memory", Status.PROBLEM, found, hint)
    if room < processors:
        hint = f"write limits: {{workers: {max(1, room)}}}; each may come to {show_size(MOST_BYTES)}, or more"
        return Check("memory", Status.WARNING, found, hint)
    return Check("memory", Status.OK, found)


def start_worker(script: str = _WORKER, *, timeout_s: float = WORKER_TIMEOUT_S) -> WorkerStart:
    """Runs a script that prints one JSON document, in a Python process of its own."""
    began = time.perf_counter()
    # -P: what lies in the working folder shadows nothing, as it shadows nothing for the tunecli command
    command = [sys.executable, "-P", "-c", script]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return WorkerStart(timeout_s, cause=f"not ready after {timeout_s:g} s")
    except OSError as error:
        return WorkerStart(time.perf_counter() - began, cause=str(error.strerror).lower())
    duration_s = time.perf_counter() - began
    if done.returncode == 0:
        return WorkerStart(duration_s, json.loads(done.stdout.splitlines()[-1]))
    if done.returncode < 0:
        return WorkerStart(duration_s, cause=f"ended by {signal.Signals(-done.returncode).name}")
    said = done.stderr.strip().splitlines()
    return WorkerStart(duration_s, cause=said[-1] if said else f"exit code {done.returncode}")


def check_worker(start: WorkerStart) -> Check:
    """Says whether a process that imports TensorFlow and Keras computes something."""
    if start.cause:
        return Check("worker", Status.PROBLEM, f"does not start: {start.cause}", _start_hint(start.cause))
    backend = start.report["backend"]
    if backend != "tensorflow":
        hint = "unset KERAS_BACKEND; else write tensorflow as the backend in ~/.keras/keras.json"
        return Check("worker", Status.PROBLEM, f"Keras computes with {backend}, not with tensorflow", hint)
    imports = show_duration(start.report["import_s"])
    return Check("worker", Status.OK, f"ready in {show_duration(start.duration_s)}, of which imports {imports}")


def check_devices(gpus: Sequence[str], *, amx: bool, has_driver: bool) -> Check:
    """Says what there is besides ordinary processors.

    Args:
        gpus: Those that TensorFlow sees.
        amx: Whether the processor multiplies bfloat16 matrices by itself.
        has_driver: Whether there is a driver of NVIDIA whose GPUs nobody hides.
    """
    if has_driver and not gpus:
        hint = "python -m pip install 'tensorflow[and-cuda]'; see https://www.tensorflow.org/install/pip"
        return Check("devices", Status.WARNING, "NVIDIA's driver lists a GPU that TensorFlow does not see", hint)
    found = ", ".join(gpus) or "no GPU"
    if amx and not gpus:
        found += "; AMX: training.precision: mixed_bfloat16 may train convolutions faster"
    return Check("devices", Status.OK, found)


def _start_hint(cause: str) -> str:
    hints = {
        "SIGILL": "this processor lacks instructions that TensorFlow's package is built for, such as AVX",
        "SIGKILL": "most often there was no memory left; end other programs",
        "not ready": "the disk may be slow, or the machine busy; look at `byte code` above, and try again",
        "Error: No module named": "see `packages` above, and KERAS_BACKEND",
        "ImportError": "install it anew: python -m pip install --force-reinstall tensorflow keras",
    }
    by_hand = "see all of it: python -P -c 'import keras, tensorflow'"
    return next((hint for part, hint in hints.items() if part in cause), by_hand)
