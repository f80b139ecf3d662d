"""What every executor promises; a new member joins by one line in `CASES`."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conformance.dask_clusters import cluster_of_two
from tests.conformance.runners import RUNNER
from tunecli.executors.base import Done, Executor, OnMessage, Task
from tunecli.executors.dask_cluster import DaskCluster
from tunecli.executors.in_process import InProcess
from tunecli.executors.process_slots import ProcessSlots, SlotSettings

CASES: dict[str, Callable[[OnMessage, str], Executor]] = {
    "in_process": lambda on_message, cluster: InProcess(RUNNER, on_message),
    "process_slots": lambda on_message, cluster: ProcessSlots(RUNNER, on_message, (SlotSettings(),) * 2),
    "process_slots, forked": lambda on_message, cluster: ProcessSlots(
        RUNNER, on_message, (SlotSettings(),) * 2, warms_up_once=True
    ),
    "dask_cluster": lambda on_message, cluster: DaskCluster(RUNNER, on_message, cluster),
}
"""By name, what makes one with a slot or two; they get the address of a running cluster."""

Messages = list[tuple[int, Any]]


@dataclass
class Subject:
    """An executor and what its tasks have reported."""

    executor: Executor
    messages: Messages = field(default_factory=list)

    def run(self, *tasks: Task) -> list[Done]:
        """Runs a task in each slot; returns how they ended, by slot."""
        for slot, task in enumerate(tasks):
            self.executor.submit(slot, task)
        done: list[Done] = []
        while found := self.executor.wait():
            done += found
        return sorted(done, key=lambda each: each.slot)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with cluster_of_two() as address:
        yield address


@pytest.fixture(scope="module", params=CASES)
def running(request: pytest.FixtureRequest, cluster: str) -> Iterator[Subject]:
    """One for all tests: starting processes takes its time, and a task must leave nothing behind."""
    messages: Messages = []
    executor = CASES[request.param](lambda slot, message: messages.append((slot, message)), cluster)
    yield Subject(executor, messages)
    executor.close()


@pytest.fixture
def subject(running: Subject) -> Subject:
    running.messages.clear()
    return running


@pytest.fixture(params=CASES)
def start(request: pytest.FixtureRequest, cluster: str) -> Iterator[Callable[[OnMessage], Executor]]:
    """Starts an executor for one test alone, which may stop it or look at messages as they come."""
    with contextlib.ExitStack() as started:

        def start(on_message: OnMessage) -> Executor:
            executor = CASES[request.param](on_message, cluster)
            started.callback(executor.close)
            return executor

        yield start


@pytest.fixture
def of_workers(subject: Subject) -> Subject:
    if isinstance(subject.executor, InProcess):
        pytest.skip("it has no workers")
    return subject


def echo(value: Any = None, **more: Any) -> Task:
    return Task({"do": "echo", "value": value, **more})


OF_THEIR_OWN: dict[str, Callable[[OnMessage], Executor]] = {
    "in_process": lambda on_message: CASES["in_process"](on_message, ""),
    "process_slots": lambda on_message: CASES["process_slots"](on_message, ""),
    "process_slots, forked": lambda on_message: CASES["process_slots, forked"](on_message, ""),
    "dask_cluster": lambda on_message: DaskCluster(RUNNER, on_message, "local", slots=2),
}
"""The same, with processes that nobody else has started."""


# before all others: the shared cluster, once it is there, replaces workers at any time
@pytest.mark.parametrize("name", OF_THEIR_OWN)
def test_closing_ends_all_processes_and_threads(name: str) -> None:
    children, threads = set(psutil.Process().children(recursive=True)), set(threading.enumerate())
    executor = OF_THEIR_OWN[name](lambda slot, message: None)
    if name == "in_process":
        executor.submit(0, echo())
    else:
        executor.submit(0, Task({"do": "sleep"}))
        executor.submit(1, Task({"do": "fail"}))
        assert executor.wait()[0].cause.startswith("ValueError")
    executor.close()
    left = set(psutil.Process().children(recursive=True)) - children
    helpers = "resource_tracker", "forkserver"  # of multiprocessing; they end with this process
    assert [each for each in left if not any(name in " ".join(each.cmdline()) for name in helpers)] == []
    assert [each.name for each in set(threading.enumerate()) - threads if "Offload" not in each.name] == []


def test_a_task_runs_and_reports_in_order(subject: Subject) -> None:
    (done,) = subject.run(echo("ä", reports=200))
    assert done == Done(0, {"value": "ä"})
    assert subject.messages == [(0, {"number": number}) for number in range(200)]


def test_nothing_to_wait_for(subject: Subject) -> None:
    assert subject.executor.wait() == []


def test_results_are_equal_everywhere(subject: Subject) -> None:
    value = {"float": 0.1 + 0.2, "large": 2**60, "text": "é\n", "none": None, "list": [True, [], {}]}
    (done,) = subject.run(echo(value))
    assert done.result == {"value": value}


def test_messages_arrive_before_the_end_of_their_task(of_workers: Subject) -> None:
    done = of_workers.run(echo(0, reports=50), echo(1, reports=50))
    assert [each.result for each in done] == [{"value": 0}, {"value": 1}]
    for slot in range(2):
        own = [message["number"] for at, message in of_workers.messages if at == slot]
        assert own == list(range(50))


def test_two_tasks_run_at_once(of_workers: Subject, tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "ab"]
    tasks = [Task({"do": "meet", "mine": mine, "other": other}) for mine, other in (paths, paths[::-1])]
    assert [done.cause for done in of_workers.run(*tasks)] == ["", ""]


def test_an_exception_is_a_result(subject: Subject) -> None:
    (done,) = subject.run(Task({"do": "fail"}))
    assert (done.result, done.cause, done.is_lost) == (None, "ValueError: no", False)
    assert "second line" in done.details
    assert "do_fail" in done.details
    assert subject.messages == [(0, {"number": 0})]
    assert subject.run(echo(1))[0].result == {"value": 1}


def test_a_worker_that_dies_is_lost_and_others_go_on(of_workers: Subject, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    lost, done = of_workers.run(Task({"do": "die", "marks": str(marks)}), echo(1, reports=3))
    assert (lost.result, lost.is_lost) == (None, True)
    assert lost.cause.startswith("its worker died")
    assert done.result == {"value": 1}
    assert (0, {"number": 0}) in of_workers.messages, "what it reported before arrives"
    assert [each.result for each in of_workers.run(echo(2), echo(3))] == [{"value": 2}, {"value": 3}]
    assert marks.read_text() == "x", "it was run once"


def copy(folder: Path, number: int) -> Task:
    """A task that reads a file and a folder and writes a file."""
    source, target = folder / "in.bin", folder / f"out-{number}.bin"
    source.write_bytes(bytes([number, 0, 255]))
    (folder / "data" / "deep").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "a.txt").write_text("a")
    (folder / "data" / "deep" / "b.txt").write_text("b")
    payload = {"do": "copy", "file": str(source), "folder": str(folder / "data"), "target": str(target)}
    return Task(
        payload | {"no_file": None, "no_target": None},
        reads=("file", "folder", "no_file"),
        writes=("target", "no_target"),
    )


def test_files_are_read_and_written(subject: Subject, tmp_path: Path) -> None:
    folders = set()
    for number in range(2):
        (done,) = subject.run(copy(tmp_path, number))
        assert done.result is not None, done.details
        assert done.result["found"] == {"a.txt": "a", "deep/b.txt": "b"}
        assert done.result["names"] == ["in.bin", "data", f"out-{number}.bin"]
        assert done.result["none"] == [None, None]
        assert (tmp_path / f"out-{number}.bin").read_bytes() == bytes([number, 0, 255] * 2)
        folders.add(done.result["folder"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "in.bin", "out-0.bin", "out-1.bin"]


def test_what_is_printed_is_logged_and_not_shown(
    subject: Subject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    subject.run(Task({"do": "complain"}, log=tmp_path / "log.txt"))
    assert "a word\n" in (tmp_path / "log.txt").read_text()
    assert "a word" not in capfd.readouterr().out


def test_what_goes_to_stderr_is_logged(of_workers: Subject, tmp_path: Path) -> None:
    of_workers.run(Task({"do": "complain"}, log=tmp_path / "deep" / "log.txt"))
    text = (tmp_path / "deep" / "log.txt").read_text()
    assert "a line\n" in text
    assert "UserWarning: a warning" in text


def test_each_task_logs_its_warnings(subject: Subject, tmp_path: Path) -> None:
    logs = [tmp_path / f"{number}.txt" for number in range(3)]
    for log in logs:
        subject.run(Task({"do": "complain"}, log=log))
    assert [log.read_text().count("UserWarning: a warning") for log in logs] == [1, 1, 1]


def soon_in_a_thread(act: Callable[[], None]) -> None:
    threading.Timer(0.3, act).start()


def soon_in_a_signal_handler(act: Callable[[], None]) -> None:
    def handle(*_: Any) -> None:
        signal.signal(signal.SIGALRM, before)
        act()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.3)


@pytest.mark.parametrize("soon", [soon_in_a_thread, soon_in_a_signal_handler])
def test_what_runs_is_asked_to_end(
    start: Callable[[OnMessage], Executor], soon: Callable[[Callable[[], None]], None]
) -> None:
    messages: list[Any] = []

    def take(slot: int, message: Any) -> None:
        messages.append(message)
        if len(messages) == 1:
            soon(executor.stop)

    executor = start(take)
    executor.submit(0, Task({"do": "until_asked"}))
    (done,) = executor.wait()
    assert done.result is not None, done.details
    assert done.result["reports"] == len(messages) > 1
    executor.submit(0, Task({"do": "until_asked"}))
    assert executor.wait()[0].result is not None, "what starts later is asked too"


def test_what_was_written_is_there_before_the_message_that_follows(
    start: Callable[[OnMessage], Executor], tmp_path: Path
) -> None:
    target = tmp_path / "state.bin"
    found = []

    def take(slot: int, message: Any) -> None:
        found.append(target.read_text())
        (tmp_path / f"seen-{message['number']}").touch()
        time.sleep(0.2)  # so that the task has ended when its last message is looked at

    executor = start(take)
    payload = {"do": "rewrite", "target": str(target), "seen": str(tmp_path / "seen-"), "none": None}
    executor.submit(0, Task(payload, writes=("target", "none")))
    (done,) = executor.wait()
    assert done.cause == "", done.details
    assert found == ["version 0", "version 1", "version 2"]
    assert target.read_text() == "version 2"


def test_fifty_tasks_in_a_row(subject: Subject) -> None:
    for number in range(50):
        (done,) = subject.run(echo(number, reports=1))
        assert done.result == {"value": number}
    assert len(subject.messages) == 50
