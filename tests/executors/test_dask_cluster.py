"""Slots on a Dask cluster: how it is reached, who is let in, and what ends a task."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, LocalCluster, Security

from tests.conformance.dask_clusters import cluster_of_two, hide_tunecli, pretend_version
from tests.conformance.runners import RUNNER
from tunecli.errors import ClusterError, UsageError
from tunecli.executors import dask_tasks, dask_workers
from tunecli.executors.base import OnMessage, Task, TaskLimits
from tunecli.executors.dask_cluster import DaskCluster
from tunecli.executors.dask_connection import TlsFiles, local_cluster, scheduler_address
from tunecli.executors.dask_worker import run_task

TOP = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with cluster_of_two() as address:
        yield address


@pytest.fixture
def connect(cluster: str) -> Iterator[Callable[..., DaskCluster]]:
    opened: list[DaskCluster] = []

    def make(on_message: OnMessage = lambda slot, message: None, **options: Any) -> DaskCluster:
        opened.append(DaskCluster(RUNNER, on_message, cluster, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def echo(value: Any = None) -> Task:
    return Task({"do": "echo", "value": value})


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    """Files that exist."""
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    for file in files:
        file.touch()
    return TlsFiles(*files)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"])
def test_this_machine_needs_no_protection(address: str) -> None:
    assert scheduler_address(address, None, insecure=False) == address


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tcp://login.example.com:8786", "tcp://[fe80::1]:8786"])
def test_other_machines_are_refused_without_protection(address: str) -> None:
    with pytest.raises(UsageError, match="can run code") as caught:
        scheduler_address(address, None, insecure=False)
    assert "--insecure" in str(caught.value)
    assert scheduler_address(address, None, insecure=True) == address


@pytest.mark.parametrize(
    "where", ["http://host:8786", "tcp://host", "tcp://:8786", "tcp://host:many", "tcp://host:99999", "host:8786"]
)
def test_what_is_no_address_is_refused(where: str) -> None:
    with pytest.raises(UsageError, match=r"not a scheduler's address|neither an address") as caught:
        scheduler_address(where, None, insecure=True)
    assert "write tcp://host:8786" in str(caught.value)


def test_tls_needs_its_files_and_its_address(tls: TlsFiles) -> None:
    assert scheduler_address("tls://host:8786", tls, insecure=False) == "tls://host:8786"
    with pytest.raises(UsageError, match="TLS needs files"):
        scheduler_address("tls://host:8786", None, insecure=False)
    with pytest.raises(UsageError, match="without TLS"):
        scheduler_address("tcp://host:8786", tls, insecure=False)
    tls.key.unlink()
    with pytest.raises(UsageError, match="no such file"):
        scheduler_address("tls://host:8786", tls, insecure=False)


def test_a_scheduler_file_holds_the_address(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": "tcp://10.0.0.1:8786"}))
    assert scheduler_address(str(file), None, insecure=True) == "tcp://10.0.0.1:8786"
    with pytest.raises(UsageError, match="can run code"):
        scheduler_address(str(file), None, insecure=False)
    for broken in ("", "{}", "[]"):
        file.write_text(broken)
        with pytest.raises(UsageError, match="not a scheduler file"):
            scheduler_address(str(file), None, insecure=True)


def test_without_dask_the_hint_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught:
        DaskCluster(RUNNER, lambda slot, message: None, "local")
    assert "pip install 'tunecli[dask]'" in str(caught.value)


def test_a_scheduler_that_does_not_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ClusterError, match="cannot be reached") as caught:
        DaskCluster(RUNNER, lambda slot, message: None, address, timeout_s=0.3)
    assert caught.value.exit_code == 4
    assert address in str(caught.value)


def test_a_cluster_without_workers() -> None:
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(ClusterError, match="no worker has joined"),
    ):
        DaskCluster(RUNNER, lambda slot, message: None, empty.scheduler_address, timeout_s=0.3)


def test_a_scheduler_that_is_lost_on_the_way() -> None:
    messages: list[Any] = []
    with cluster_of_two() as address:
        executor = DaskCluster(RUNNER, lambda slot, message: messages.append(message), address, timeout_s=1)
        executor.submit(0, Task({"do": "sleep"}))

    def go_on() -> None:
        while executor.wait():
            executor.submit(0, echo())  # the task is lost first

    with pytest.raises(ClusterError, match="connection to the scheduler is lost"):
        go_on()
    executor.close()


@contextmanager
def program(name: str, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs one of Dask's own programs, as a user would on some machine."""
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def test_a_scheduler_that_is_killed_under_a_running_task(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard")
    with program("scheduler", *local, "--port", "0", "--scheduler-file", file) as scheduler:
        deadline = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < deadline, "the scheduler has not started"
            time.sleep(0.05)
        folder = ("--local-directory", tmp_path)
        with program("worker", *local, "--no-nanny", "--nthreads", "1", "--scheduler-file", file, *folder):
            with Client(scheduler_file=file, set_as_default=False) as client:
                client.wait_for_workers(1, timeout=30)
            executor = DaskCluster(RUNNER, lambda slot, message: scheduler.kill(), str(file), timeout_s=1)
            executor.submit(0, Task({"do": "sleep"}))
            began = time.monotonic()
            with pytest.raises(ClusterError, match="connection to the scheduler is lost"):
                executor.wait()
            executor.close()
            assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("change", "restore", "expected"),
    [
        (pretend_version("0.1"), pretend_version(""), r"tcp://127.*: numpy 0\.1 \(here \d"),
        (hide_tunecli(True), hide_tunecli(False), r"tcp://127.*: tunecli .* is not installed"),
    ],
    ids=["version", "missing"],
)
def test_workers_that_differ_are_refused(cluster: str, change: str, restore: str, expected: str) -> None:
    with Client(cluster, set_as_default=False) as client:
        first = min(client.scheduler_info()["workers"])
        client.run(exec, change, {}, workers=[first])
        try:
            with pytest.raises(UsageError, match=expected) as caught:
                DaskCluster(RUNNER, lambda slot, message: None, cluster)
        finally:
            client.run(exec, restore, {}, workers=[first])
    assert str(caught.value).count("tcp://127") == 2, "where it is, and the one that differs"


def test_there_is_a_slot_for_each_worker(connect: Callable[..., DaskCluster]) -> None:
    assert connect().slots == 2


def test_tasks_wait_for_a_worker(connect: Callable[..., DaskCluster]) -> None:
    executor = connect(slots=4)
    for slot in range(4):
        executor.submit(slot, echo(slot))
    done = [each for _ in range(4) for each in executor.wait()]
    assert sorted(each.result["value"] for each in done if each.result) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("limits", "task", "cause"),
    [
        (TaskLimits(seconds=0.5), {"do": "sleep"}, "took longer than 0.5 s"),
        (
            TaskLimits(memory=400 * 2**20),
            {"do": "grow", "bytes": 500 * 2**20},
            "took more than 400 MiB of memory",
        ),
    ],
    ids=["time", "memory"],
)
def test_limits_end_a_task_and_free_its_slot(
    connect: Callable[..., DaskCluster], limits: TaskLimits, task: dict[str, Any], cause: str
) -> None:
    executor = connect(limits=limits, slots=2)  # though a worker may still be missing since the last test
    executor.submit(0, Task(task))
    (done,) = executor.wait()
    assert (done.result, done.cause, done.is_lost) == (None, cause, False)
    paths = [echo(slot) for slot in range(2)]
    for slot, each in enumerate(paths):
        executor.submit(slot, each)
    assert [done.cause for _ in range(2) for done in executor.wait()] == ["", ""]


def test_a_result_that_is_no_json_is_a_failure(connect: Callable[..., DaskCluster]) -> None:
    executor = connect()
    executor.submit(0, Task({"do": "not_json"}))
    (done,) = executor.wait()
    assert (done.result, done.is_lost) == (None, False)
    assert done.cause.startswith("TypeError")


def test_what_is_read_again_is_where_it_was(connect: Callable[..., DaskCluster], tmp_path: Path) -> None:
    """So it was sent once, and what a runner has loaded from there it knows again."""
    executor = connect()
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "in").touch()

    def folder() -> str:
        payload = {"do": "copy", "file": str(tmp_path / "in"), "folder": str(data), "target": str(tmp_path / "out")}
        payload |= {"no_file": None, "no_target": None}
        executor.submit(0, Task(payload, reads=("file", "folder"), writes=("target",)))
        (done,) = executor.wait()
        assert done.result is not None, done.details
        return str(done.result["folder"])

    first = folder()
    assert folder() == first
    (data / "more.txt").write_text("more")
    assert folder() != first


def test_what_was_written_comes_once(
    connect: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = []
    monkeypatch.setattr(dask_tasks, "write_whole", lambda path, content: written.append((path, content)))
    executor = connect()
    executor.submit(0, Task({"do": "write_once", "target": str(tmp_path / "target")}, writes=("target",)))
    (done,) = executor.wait()
    assert done.cause == "", done.details
    assert written == [(tmp_path / "target", b"x")]


def test_a_worker_that_dies_before_its_file_was_fetched_is_lost(
    connect: Callable[..., DaskCluster], tmp_path: Path
) -> None:
    messages = []

    def take(slot: int, message: Any) -> None:
        messages.append(message)
        time.sleep(1)  # the worker dies meanwhile

    executor = connect(take)
    executor.submit(0, Task({"do": "write_and_die", "target": str(tmp_path / "target")}, writes=("target",)))
    began = time.monotonic()
    (done,) = executor.wait()
    assert (done.cause, done.is_lost) == ("its worker died", True)
    assert messages == [{"number": 0}], "the other would have come before its file"
    assert time.monotonic() - began < 10, "no one tries to connect to it"


def test_what_starts_later_is_asked_to_end_from_its_start(connect: Callable[..., DaskCluster]) -> None:
    executor = connect()
    executor.stop()
    executor.submit(0, Task({"do": "until_asked"}))
    assert executor.wait()[0].result == {"reports": 1}


def test_a_worker_is_replaced_after_many_tasks(
    connect: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_workers, "TASKS_PER_PROCESS", 2)
    executor = connect()
    pids = []
    for _ in range(8):
        executor.submit(0, Task({"do": "pid"}))
        (done,) = executor.wait()
        assert done.result is not None
        pids.append(done.result["pid"])
    assert max(pids.count(pid) for pid in pids) == 2


def test_a_task_never_runs_in_a_process_that_it_was_not_meant_for(cluster: str) -> None:
    """Dask would run the task of a dead worker again in the one that has taken its address."""
    with Client(cluster, set_as_default=False) as client:
        meant = {"topic": "none", "task": "none", "worker": "another", "is_ending": False}
        assert client.submit(run_task, RUNNER, b"{}", reads={}, writes={}, **meant).result() is None


def test_closing_ends_what_runs_on_a_cluster_that_stays(cluster: str) -> None:
    pids: list[int] = []

    def take(slot: int, message: Any) -> None:
        pids.append(message["pid"])
        raise KeyboardInterrupt

    executor = DaskCluster(RUNNER, take, cluster)
    executor.submit(0, Task({"do": "sleep"}))
    with pytest.raises(KeyboardInterrupt):
        executor.wait()
    process = psutil.Process(pids[0])
    executor.close()
    process.wait(timeout=5)


def test_a_cluster_with_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*request, "-keyout", key, "-out", cert], check=True, capture_output=True)
    parts = {f"tls_{role}_{part}": str(file) for role in ("scheduler", "worker", "client") for part, file in
             (("cert", cert), ("key", key))}  # fmt: skip
    security = Security(tls_ca_file=str(cert), require_encryption=True, **parts)
    with LocalCluster(n_workers=1, threads_per_worker=1, host="tls://127.0.0.1", protocol="tls", security=security,
                      dashboard_address="127.0.0.1:0", memory_limit=0) as cluster:  # fmt: skip
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        executor = DaskCluster(RUNNER, lambda slot, message: None, address, tls=TlsFiles(cert, cert, key))
        executor.submit(0, echo(1))
        assert executor.wait()[0].result == {"value": 1}
        executor.close()


PARENT = """
from tests.conformance.runners import RUNNER
from tunecli.executors.base import Task
from tunecli.executors.dask_cluster import DaskCluster

if __name__ == "__main__":
    executor = DaskCluster(RUNNER, lambda slot, message: print(message["pid"], flush=True), "local", slots=2)
    for slot in range(2):
        executor.submit(slot, Task({"do": "sleep"}))
    try:
        executor.wait()
    except KeyboardInterrupt:
        executor.close()
        print("interrupted")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_their_parent(how: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(TOP), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, script], env=environment, start_new_session=True, **pipes) as parent:
        assert parent.stdout is not None
        workers = {int(parent.stdout.readline()) for _ in range(2)}
        started = psutil.Process(parent.pid).children(recursive=True)
        assert workers <= {each.pid for each in started}
        if how == signal.SIGINT:
            os.killpg(parent.pid, how)  # as a terminal does
            assert parent.communicate(timeout=30) == ("interrupted\n", "")
        else:
            parent.send_signal(how)
        _, left = psutil.wait_procs(started, timeout=5)
    assert not left

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch = tmp_path / "dask-scratch-space"
    before = set(scratch.glob("worker-*"))
    with local_cluster(1):
        assert not before & set(scratch.iterdir()), "the next one clears up"
