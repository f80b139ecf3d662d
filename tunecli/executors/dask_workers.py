"""The workers of a cluster: which there are, who is let in, and who makes way for a new process.

They come and go at any time. Those with other versions than ours are refused, and the process of one is replaced when
it has run many tasks or runs one that has to end. What they run is left to `dask_tasks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunecli.errors import ClusterError, UsageError
from tunecli.executors.dask_connection import DisconnectedError, needs_connection, unreachable
from tunecli.executors.dask_versions import describe, difference, how_to_match

TASKS_PER_PROCESS = 20
"""A worker is replaced after so many tasks: compiled programs, up to 30 MB each, are never given back."""

_WORKERLESS_SECONDS = 300.0
"""How long tasks wait for a worker while there is none at all."""

_LOOK_SECONDS = 0.5
"""How often a worker that is asked is looked after, and how long one that was ended may take to be gone."""


@dataclass
class _Worker:
    """A worker's process: the name that tells it from an earlier one at its address, and how much it has done."""

    id: str
    tasks: int = 0
    memory: int = 0


class Workers:
    """The workers that tasks may be sent to, by address, as of the last `refresh`."""

    def __init__(self, client: Any, address: str, *, timeout_s: float) -> None:
        """Knows of none yet.

        Args:
            client: Dask's client.
            address: The scheduler's address, for messages.
            timeout_s: How long to wait for the scheduler and for its first worker.
        """
        self._client = client
        self._address = address
        self._timeout_s = timeout_s
        self._known: dict[str, _Worker] = {}
        self._refused: dict[str, str] = {}
        self._workerless_since: float | None = None

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, address: str) -> bool:
        return address in self._known

    def memory(self, address: str) -> int:
        """Returns the resident bytes of a worker."""
        return self._known[address].memory

    def wait_for_first(self) -> None:
        """Waits until there is one, and makes sure that all have the versions that are installed here.

        Raises:
            UsageError: Some have not.
            ClusterError: The scheduler is lost, or has no workers.
        """
        deadline = time.monotonic() + self._timeout_s
        while True:
            with contextlib.suppress(DisconnectedError):
                self.refresh()
            if self._refused:
                listed = "; ".join(f"{address}: {how}" for address, how in sorted(self._refused.items()))
                raise UsageError(
                    f"workers are not like this machine: {listed}", where=self._address, hint=how_to_match()
                )
            if self._known:
                return
            if time.monotonic() > deadline:
                raise self._without_workers(f"no worker has joined within {self._timeout_s:g} s")
            time.sleep(0.1)

    def refresh(self) -> None:
        """Learns which workers there are, and admits or refuses the new ones.

        Raises:
            ClusterError: The scheduler is lost for good, or all workers are.
            DisconnectedError: The connection was lost on the way.
        """
        present = self._present()
        for address in self._known.keys() - present.keys():
            del self._known[address]
        self._admit(present.keys() - self._known.keys() - self._refused.keys())
        for address, worker in self._known.items():
            worker.memory = present[address]["metrics"].get("memory", 0)
        if self._known:
            self._workerless_since = None
        elif self._workerless_since is None:
            self._workerless_since = time.monotonic()
        elif time.monotonic() - self._workerless_since > _WORKERLESS_SECONDS:
            raise self._without_workers("all workers have left the cluster")

    def idle(self, busy: Collection[str]) -> Iterator[str]:
        """Yields the addresses of workers that have nothing to do for others, nor for us; replaces worn ones instead.

        Args:
            busy: Those that we have given something to do.
        """
        free = [address for address in self._known if address not in busy]
        with needs_connection():
            queued = self._client.processing(free) if free else {}
        for address in free:
            if queued.get(address):
                continue
            if self._known[address].tasks >= TASKS_PER_PROCESS:
                self.replace(address)
            else:
                yield address

    def take(self, address: str) -> str:
        """Counts a task that is about to be sent to a worker; returns the name of its process."""
        worker = self._known[address]
        worker.tasks += 1
        return worker.id

    def call(self, address: str, function: Callable[..., Any], *args: Any) -> Any:
        """Calls a function on a worker, beside its tasks; returns None if it fails, or the worker is no more.

        Raises:
            DisconnectedError: The connection is lost.
        """
        answer = self._ask([address], function, *args).get(address)
        return None if isinstance(answer, Exception) else answer

    def replace(self, address: str) -> None:
        """Ends a worker's process, if it is one of ours; its nanny, or what else looks after it, starts another.

        `Client.restart_workers` would do the same in five seconds, waiting for what hangs and for the new process.
        """
        if self._known.pop(address, None) is None or address not in self._present():
            return
        self.call(address, os._exit, 1)
        deadline = time.monotonic() + _LOOK_SECONDS
        while address in self._present() and time.monotonic() < deadline:
            time.sleep(0.01)  # or it would be taken for a new worker

    def _present(self) -> Mapping[str, Any]:
        """Asks the scheduler for its workers; Dask's client meanwhile connects again if it has to."""
        deadline = time.monotonic() + self._timeout_s
        while self._client.status != "closed" and time.monotonic() < deadline:
            with contextlib.suppress(DisconnectedError), needs_connection():
                # `scheduler_info` would return what was true before, as if it were connected
                found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
                workers: Mapping[str, Any] = found["workers"]
                return workers
            time.sleep(0.1)
        raise unreachable("the connection to the scheduler is lost", self._address)

    def _admit(self, addresses: Iterable[str]) -> None:
        """Accepts the workers that have our versions."""
        asked = sorted(addresses)
        if not asked:
            return
        for address, answer in self._ask(asked, describe).items():
            if isinstance(answer, OSError):  # it has died meanwhile
                continue
            found = difference(answer)
            if found:
                self._refused[address] = found
            else:
                self._known[address] = _Worker(answer["id"])

    def _ask(self, addresses: list[str], function: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        """Returns what a function returns or raises on workers, by address; nothing once one of them is no more."""

        async def asked() -> Mapping[str, Any]:
            call = asyncio.ensure_future(self._client.run(function, *args, workers=addresses, on_error="return"))
            try:  # left alone, Dask would try for half a minute to reach one that dies now
                while len(await self._client.nthreads(workers=addresses)) == len(addresses):
                    await asyncio.wait([call], timeout=_LOOK_SECONDS)
                    if call.done():
                        answers: Mapping[str, Any] = call.result()
                        return answers
                return {}
            finally:
                call.cancel()

        with needs_connection():
            answers: Mapping[str, Any] = self._client.sync(asked)
        return answers

    def _without_workers(self, what: str) -> ClusterError:
        refused = "".join(f"; refused {address}: {how}" for address, how in self._refused.items())
        return ClusterError(f"{what}{refused}", where=self._address, hint=f"start some: dask worker {self._address}")
