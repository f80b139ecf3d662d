"""Starts processes as copies of one that has imported what they need: what takes seconds is done once for all of them.

    parent ── start(warm_up) ──▶ server: imports, and goes on with a single thread
    parent ── Process.start ───▶ server ──▶ a copy of it, ready after some milliseconds

A process that has threads must not be forked: what another thread holds locked stays locked in the copy for good.
TensorFlow starts none before its first operation (measured: 2.21), and OpenBLAS none if it is told so. A server that
finds another thread beside its own all the same starts itself anew without imports, which its copies then do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

WARM_UP = "TUNECLI_WARM_UP"
"""The environment variable that tells the server what to call."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Keeps NumPy's and SciPy's libraries from starting threads as they are loaded."""

_THREADS = Path("/proc/self/task")

IS_SUPPORTED = sys.platform == "linux"
"""Elsewhere a process cannot see its threads, or the system's own libraries do not survive a fork."""


def start(warm_up: str) -> BaseContext:
    """Starts the server, if there is none yet, without waiting for it.

    Args:
        warm_up: A function without arguments, as `module:function`, that the server calls before it is forked.

    Returns:
        What makes processes that are its copies. They have the server's variables, not the parent's.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "tunecli.executors.fork_server_imports"])
    with _environment({WARM_UP: warm_up, **ONE_THREAD}):
        forkserver.ensure_running()
    return context


def warm_up_server() -> None:
    """Calls what `start` was told to, in the server; a failure is left to the copies, which call it again and tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group, and is the parent's to answer
    name = os.environ.pop(WARM_UP, "")
    if not name:
        return
    with contextlib.suppress(Exception):
        named(name)()
    if len(list(_THREADS.iterdir())) > 1:
        os.execv(sys.executable, sys.orig_argv)  # the variable is gone: this time nothing is imported


def named(name: str) -> Any:
    """Returns the function called `module:function`."""
    module, function = name.split(":")
    return getattr(import_module(module), function)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of this process for as long as a child takes to inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
