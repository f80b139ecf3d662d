"""What of this machine a search may use: processors, memory and GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

GPUS = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's driver for Linux lists the GPUs, whether or not TensorFlow can use them."""


@dataclass(frozen=True)
class Machine:
    """What may be used.

    Attributes:
        processors: The numbers of processors, as many as the control groups give time for.
        gpus: What CUDA_VISIBLE_DEVICES may be set to for each GPU.
    """

    processors: tuple[int, ...]
    gpus: tuple[str, ...] = ()


def this_machine() -> Machine:
    """Looks at the machine, without loading any library for it."""
    allowed = allowed_processors()
    return Machine(allowed[: usable(len(allowed), cpu_quota(Path("/")))], _gpus())


def allowed_processors() -> tuple[int, ...]:
    """Returns the numbers of the processors that this process may run on."""
    return tuple(sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def usable(allowed: int, quota: float | None) -> int:
    """Returns how many processors can be kept busy."""
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def cpu_quota(root: Path) -> float | None:
    """Returns how many processors the control groups give this process time for, or None for no limit.

    Args:
        root: The folder that holds `proc` and `sys`.
    """
    quotas = []
    for group in _control_groups("cpu", root):
        quota, _, period = _read(group / "cpu.max").partition(" ")  # version 2
        if not quota:
            quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
        if quota not in ("", "max", "-1"):
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory_limit(root: Path) -> int | None:
    """Returns how many bytes the control groups give this process, or None for no limit; version 1 says 2^63 for that.

    Args:
        root: The folder that holds `proc` and `sys`.
    """
    groups = list(_control_groups("memory", root))
    texts = [_read(group / name) for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
    return min((int(each) for each in texts if each not in ("", "max")), default=None)


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """Yields the folders of this process's control groups of either version, and of those around them.

    A limit of a group holds for all groups in it. A container often has its own group mounted as the outermost, while
    `/proc` calls it by the name that it has outside: folders that are not there hold no limit.
    """
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = mount / controller if controllers else mount
        group = PurePosixPath(path.lstrip("/"))
        yield from (top / each for each in (group, *group.parents))


def _read(path: Path) -> str:
    """Returns what a file of the system says, or "" where there is no such file."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _gpus() -> tuple[str, ...]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(each for each in visible.split(",") if each not in ("", "-1"))
    return tuple(str(number) for number, _ in enumerate(GPUS.iterdir())) if GPUS.is_dir() else ()
