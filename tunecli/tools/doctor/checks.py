"""Reads the machine, and gives each check what was read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tunecli.executors.machine import GPUS, allowed_processors, cpu_quota, memory_limit, usable
from tunecli.tools.doctor.check import Check
from tunecli.tools.doctor.machine import check_devices, check_memory, check_processors, check_worker, start_worker
from tunecli.tools.doctor.software import check_bytecode, check_installation, check_settings, origins
from tunecli.tools.doctor.storage import check_data, check_disk, check_runs, nearest_folder
from tunecli.training.hardware import has_amx

_IMPORTED = ("tensorflow", "keras")
"""The packages whose modules make an import slow when they are not compiled."""


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
    yield from check_bytecode(origins(_IMPORTED), is_disabled=sys.dont_write_bytecode)
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
