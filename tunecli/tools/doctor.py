"""Checks whether a search can run well on this machine, and says what to do about each problem.

    for check in examine(Path("runs")):
        print(check.status, check.name, check.found, check.hint)

`examine` reads the machine; each check is given what was read and judges it. TensorFlow is imported in a process that
is started for it, as a search starts its workers, so that a TensorFlow that crashes is a finding too.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

from tunecli.datasets import DATASETS
from tunecli.executors.machine import GPUS, allowed_processors, cpu_quota, memory_limit, usable
from tunecli.executors.process_slots import RECYCLE_BYTES
from tunecli.reports.text import show_duration
from tunecli.store.environment import versions
from tunecli.store.files import sync_folder
from tunecli.training.hardware import has_amx

WORKER_TIMEOUT_S = 120
"""Several times the 18 s that importing TensorFlow without byte code took."""

_START_BYTES = 700_000_000
"""What a worker has taken before its first trial: TensorFlow, Keras and a multiplication, 0.62 GB on Linux."""

_LITTLE_DISK_BYTES, _NO_DISK_BYTES = 1_000_000_000, 100_000_000

_IMPORTED = ("tensorflow", "keras")
"""The packages whose modules make an import slow when they are not compiled."""

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

_ELSEWHERE = "point --runs or TUNECLI_RUNS to a folder on a local disk that you may write"


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: A problem keeps searches from running, or from being safe; a warning makes them slow or hard to repeat.
        found: What was found; lower case, no full stop.
        hint: What to do about it, or "".
    """

    name: str
    status: Status
    found: str
    hint: str = ""


@dataclass(frozen=True)
class Setting:
    """What an environment variable does to a training.

    Attributes:
        effect: In a few words.
        harmless: The values that need no advice; None if none does.
        status: Of any other value.
        hint: What to do about any other value.
    """

    effect: str
    harmless: tuple[str, ...] | None = None
    status: Status = Status.WARNING
    hint: str = ""


_USE_LIMITS = "unset it, and write limits: {threads: N} in the spec, which is kept with the study"

SETTINGS: Mapping[str, Setting] = {
    "KERAS_BACKEND": Setting(
        "what Keras computes with, which must be tensorflow", ("tensorflow", ""), Status.PROBLEM, "unset it"
    ),
    "TF_NUM_INTRAOP_THREADS": Setting(
        "threads of one operation where limits.threads is not given; other threads, other last digits of a score",
        (),
        hint=_USE_LIMITS,
    ),
    "TF_NUM_INTEROP_THREADS": Setting(
        "operations that run side by side where limits.threads is not given", (), hint=_USE_LIMITS
    ),
    "TF_ENABLE_ONEDNN_OPTS": Setting(
        "0 turns oneDNN's kernels off: convolutions are slower, and scores differ in their last digits",
        ("1", "true"),
        hint="unset it, unless scores must equal those of a machine without oneDNN",
    ),
    "TF_DETERMINISTIC_OPS": Setting("1 makes a GPU compute the same every time, more slowly"),
    "OMP_NUM_THREADS": Setting("threads of NumPy, SciPy and scikit-learn; TensorFlow's are limits.threads"),
    "CUDA_VISIBLE_DEVICES": Setting("the GPUs that TensorFlow may see; empty or -1 hides all"),
    "XLA_FLAGS": Setting("options of XLA's compiler: speed, and the last digits of a score"),
    "PYTHONHASHSEED": Setting("the order of Python's sets, which no score depends on"),
}
"""The environment variables that change how fast a training is, or what comes of it."""


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


def examine(runs: Path) -> Iterator[Check]:
    """Makes every check, in the order in which a person would look.

    Args:
        runs: The folder that holds the studies, or will hold them.
    """
    import psutil

    root = Path("/")
    quota, processors = cpu_quota(root), len(allowed_processors())
    memory, limit = psutil.virtual_memory(), memory_limit(root)
    folder = nearest_folder(runs)
    yield from check_installation()
    yield from check_bytecode(_origins(_IMPORTED), is_disabled=sys.dont_write_bytecode)
    yield from check_settings(os.environ)
    yield check_processors(seen=os.cpu_count() or 1, allowed=processors, quota=quota)
    yield check_memory(
        total=memory.total, available=memory.available, limit=limit, processors=usable(processors, quota)
    )
    start = start_worker()
    yield check_worker(start)
    if not start.cause:
        is_hidden = "CUDA_VISIBLE_DEVICES" in os.environ
        yield check_devices(start.report["gpus"], amx=has_amx(), has_driver=GPUS.is_dir() and not is_hidden)
    yield check_runs(runs)
    yield check_disk(folder, shutil.disk_usage(folder).free)
    yield from check_data(os.environ)


def check_installation() -> Iterator[Check]:
    """Holds Python and the packages against what tunecli says that it needs."""
    try:
        needed = metadata("tunecli")["Requires-Python"]
    except PackageNotFoundError:
        hint = "run `python -m pip install .` in the folder of its pyproject.toml"
        yield Check("installation", Status.WARNING, "tunecli is not installed, so what it needs is not known", hint)
        return
    yield check_python(needed, platform.python_version())
    yield from check_packages(requires("tunecli") or [])


def check_python(needed: str, received: str) -> Check:
    """Holds Python's version against a range such as `>=3.11`."""
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(needed).contains(received, prereleases=True):
        return Check("Python", Status.OK, f"{received} on {platform.platform()}")
    return Check("Python", Status.PROBLEM, f"{received} is not {needed}", "install tunecli for another Python")


def check_packages(requirements: Sequence[str]) -> Iterator[Check]:
    """Holds the installed packages against requirements such as `numpy<3,>=2.0`; those of extras are left out."""
    from packaging.requirements import Requirement

    missing, misfits, wanted = [], [], []
    for each in map(Requirement, requirements):
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        found = _installed(each.name)
        if found is None:
            missing.append(each.name)
        elif not each.specifier.contains(found, prereleases=True):
            misfits.append(f"{each.name} {found} is not {each.specifier}")
        else:
            continue
        wanted.append(f"{each.name}{each.specifier}")
    hint = f"python -m pip install {shlex.join(wanted)}"
    yield Check("packages", Status.OK, ", ".join(f"{name} {found}" for name, found in versions().items()))
    if missing:
        yield Check("packages", Status.PROBLEM, f"not installed: {', '.join(missing)}", hint)
    if misfits:
        yield Check("packages", Status.WARNING, f"not tried with these: {', '.join(misfits)}", hint)


def check_bytecode(origins: Sequence[Path], *, is_disabled: bool) -> Iterator[Check]:
    """Says whether importing TensorFlow reads byte code, or compiles thousands of modules each time.

    Args:
        origins: The `__init__.py` of each package to look at.
        is_disabled: Whether Python is told to keep no byte code.
    """
    uncompiled = [each for each in origins if not Path(cache_from_source(str(each))).exists()]
    if uncompiled and is_disabled:
        names = " and ".join(each.parent.name for each in uncompiled)
        found = f"{names} not compiled, and PYTHONDONTWRITEBYTECODE is set: each start takes 14-18 s instead of 4-6 s"
        folders = shlex.join(str(each.parent) for each in uncompiled)
        yield Check("byte code", Status.WARNING, found, f"python -m compileall -q {folders}")
    elif origins:
        yield Check("byte code", Status.OK, "the first start compiles it" if uncompiled else "compiled")


def check_settings(environ: Mapping[str, str]) -> Iterator[Check]:
    """Says what each of `SETTINGS` does that is set."""
    for name, setting in SETTINGS.items():
        if name not in environ:
            continue
        value = environ[name]
        is_fine = setting.harmless is None or value in setting.harmless
        found = f"{value or 'empty'} — {setting.effect}"
        yield Check(name, Status.OK, found) if is_fine else Check(name, setting.status, found, setting.hint)


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
    found = f"{_show_size(total)}, {_show_size(available)} available"
    if limit is not None and limit < total:
        found += f", limited to {_show_size(limit)}"
        available = min(available, limit)
    room = available // RECYCLE_BYTES
    if available < _START_BYTES:
        hint = f"end other programs or raise the limit: a worker takes {_show_size(_START_BYTES)} to start"
        return Check("memory", Status.PROBLEM, found, hint)
    if room < processors:
        hint = f"write limits: {{workers: {max(1, room)}}}; each may come to {_show_size(RECYCLE_BYTES)}, or more"
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


def check_runs(
    runs: Path, *, lock: Callable[[int, int], object] = fcntl.flock, sync: Callable[[int], object] = os.fsync
) -> Check:
    """Tries what a study's folder must be able to do: a file is written, synced and locked, and removed again.

    Args:
        runs: The folder that holds the studies; if there is none yet, the one it would be made in is tried.
        lock: Locks an open file, as `fcntl.flock`.
        sync: Brings an open file to the disk, as `os.fsync`.
    """
    folder = nearest_folder(runs)
    where = str(runs) if folder == runs.absolute() else f"{runs}, to be made in {folder}"
    fault = _file_fault(folder, lock, sync)
    if fault:
        return Check("runs folder", Status.PROBLEM, f"{where}: {fault}", _ELSEWHERE)
    return Check("runs folder", Status.OK, f"{where}; files are written, synced and locked")


def check_disk(folder: Path, free: int) -> Check:
    """Says whether there is room for studies, in bytes."""
    found = f"{_show_size(free)} free at {folder}"
    if free >= _LITTLE_DISK_BYTES:
        return Check("disk", Status.OK, found)
    hint = "make room, or use another disk with --runs; `tunecli search CONFIG --dry-run` says what a search takes"
    return Check("disk", Status.PROBLEM if free < _NO_DISK_BYTES else Status.WARNING, found, hint)


def check_data(environ: Mapping[str, str]) -> Iterator[Check]:
    """Says where each data set is, or that it would be downloaded; hashes are checked when it is read."""
    given = environ.get("TUNECLI_DATA", "")
    if given and not Path(given).expanduser().is_dir():
        yield Check("TUNECLI_DATA", Status.WARNING, f"{given} is no folder", "name the folder of the data, or unset it")
    is_offline = environ.get("TUNECLI_OFFLINE", "0") not in ("", "0")
    for name in DATASETS.names:
        if name == "csv":  # the spec says where it is
            continue
        path = DATASETS.load(name).find()
        if path is not None:
            yield Check(name, Status.OK, str(path))
        elif is_offline:
            hint = f"unset TUNECLI_OFFLINE; `tunecli datasets fetch {name}` says what to put where by hand"
            yield Check(name, Status.WARNING, "not on this machine, and TUNECLI_OFFLINE is set", hint)
        else:
            hint = f"`tunecli datasets fetch {name}` does so ahead of time"
            yield Check(name, Status.OK, "to be downloaded when it is first used", hint)


def nearest_folder(path: Path) -> Path:
    """Returns the path, absolute, or the innermost folder around it that there is."""
    absolute = path.absolute()
    return next(each for each in (absolute, *absolute.parents) if os.path.exists(each))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _origins(packages: Sequence[str]) -> list[Path]:
    """Returns the `__init__.py` of each package that is installed, without importing it."""
    specs = map(find_spec, packages)
    return [Path(spec.origin) for spec in specs if spec is not None and spec.origin is not None]


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


def _file_fault(folder: Path, lock: Callable[[int, int], object], sync: Callable[[int], object]) -> str:
    """Returns what files in a folder cannot do, or ""."""
    step = "be written"
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"\n")
            file.flush()
            step = "be synced (fsync)"
            sync(file.fileno())
            sync_folder(folder)
            step = "be locked (flock)"
            lock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "" if _is_refused(file.name, lock) else "a lock (flock) keeps nobody out"
    except OSError as error:
        return f"files cannot {step}: {str(error.strerror).lower()}"


def _is_refused(path: str, lock: Callable[[int, int], object]) -> bool:
    """Says whether a second one who wants the lock is refused: some network file systems grant it to all."""
    with open(path) as file:
        try:
            lock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _show_size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
