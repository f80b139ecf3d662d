"""Dask clusters for tests, started as a user would have: executors connect to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import LocalCluster


@contextmanager
def cluster_of_two(**settings: Any) -> Iterator[str]:
    """Yields the address of a cluster of two processes on this machine, with Dask's own settings otherwise."""
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            **settings,
        ) as cluster,
    ):
        yield cluster.scheduler_address


def pretend_version(number: str) -> str:
    """Returns what makes a worker find this version of NumPy, or its own for ""."""
    return (
        "from tunecli.executors import dask_versions as module\n"
        "from importlib.metadata import version\n"
        f"module.version = lambda name: {number!r} if {bool(number)} and name == 'numpy' else version(name)"
    )


def hide_tunecli(is_hidden: bool) -> str:
    """Returns what makes a worker unable to import tunecli, or able again."""
    if not is_hidden:
        return "import sys; sys.modules.pop('tunecli')"
    return (
        "import sys\n"
        "for name in [name for name in sys.modules if name.split('.')[0] == 'tunecli']: del sys.modules[name]\n"
        "sys.modules['tunecli'] = None"
    )
