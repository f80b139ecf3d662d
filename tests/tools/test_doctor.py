from __future__ import annotations

import errno
import os
import sys
from importlib.metadata import PackageNotFoundError
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tunecli.datasets import DATASETS, fetch
from tunecli.executors.machine import cpu_quota, memory_limit
from tunecli.tools.doctor import Check, Status, software
from tunecli.tools.doctor.machine import (
    WorkerStart,
    check_devices,
    check_memory,
    check_processors,
    check_worker,
    start_worker,
)
from tunecli.tools.doctor.software import (
    check_bytecode,
    check_installation,
    check_packages,
    check_python,
    check_settings,
)
from tunecli.tools.doctor.storage import check_data, check_disk, check_runs

GB = 1_000_000_000


def write(root: Path, files: dict[str, str]) -> Path:
    """Writes what the system says of itself, below a folder that stands for `/`."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def by_status(checks: list[Check]) -> dict[Status, Check]:
    return {each.status: each for each in checks}


def test_python_is_held_against_the_range() -> None:
    assert check_python(">=3.11", "3.12.1").status is Status.OK
    too_old = check_python(">=3.11", "3.10.14")
    assert too_old.status is Status.PROBLEM
    assert too_old.found == "3.10.14 is not >=3.11"


def test_packages_in_their_ranges_are_fine() -> None:
    (check,) = check_packages(["numpy>=1,<1000", "no-such-package>=1; extra == 'test'"])
    assert check.status is Status.OK
    assert "numpy" in check.found


def test_a_missing_package_is_a_problem_with_the_command_that_installs_it() -> None:
    problem = by_status(list(check_packages(["numpy>=1", "no-such-package>=1,<2"])))[Status.PROBLEM]
    assert problem.found == "not installed: no-such-package"
    assert problem.hint == "python -m pip install 'no-such-package<2,>=1'"


def test_a_package_outside_of_its_range_is_a_warning() -> None:
    warning = by_status(list(check_packages(["numpy>=1000"])))[Status.WARNING]
    assert "is not >=1000" in warning.found
    assert warning.hint == "python -m pip install 'numpy>=1000'"


def test_sources_that_are_not_installed_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(software, "metadata", fail)
    (check,) = check_installation()
    assert check.status is Status.WARNING
    assert "pip install ." in check.hint


def test_uncompiled_packages_are_a_warning_only_where_they_stay_so(tmp_path: Path) -> None:
    origin = tmp_path / "tensorflow" / "__init__.py"
    (warning,) = check_bytecode([origin], is_disabled=True)
    assert warning.status is Status.WARNING
    assert "PYTHONDONTWRITEBYTECODE" in warning.found
    assert warning.hint == f"python -m compileall -q {tmp_path / 'tensorflow'}"
    (compiled_later,) = check_bytecode([origin], is_disabled=False)
    assert compiled_later.status is Status.OK


def test_compiled_packages_are_fine_though_no_more_are_compiled(tmp_path: Path) -> None:
    origin = tmp_path / "tensorflow" / "__init__.py"
    write(tmp_path, {str(Path(cache_from_source(str(origin))).relative_to(tmp_path)): ""})
    (check,) = check_bytecode([origin], is_disabled=True)
    assert check == Check("byte code", Status.OK, "compiled")


def test_without_packages_there_is_nothing_to_compile() -> None:
    assert list(check_bytecode([], is_disabled=True)) == []


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("OMP_NUM_THREADS", "4", Status.OK),
        ("TF_NUM_INTRAOP_THREADS", "4", Status.WARNING),
        ("TF_NUM_INTEROP_THREADS", "4", Status.WARNING),
        ("TF_ENABLE_ONEDNN_OPTS", "0", Status.WARNING),
        ("TF_ENABLE_ONEDNN_OPTS", "1", Status.OK),
        ("TF_DETERMINISTIC_OPS", "1", Status.OK),
        ("CUDA_VISIBLE_DEVICES", "", Status.OK),
        ("PYTHONHASHSEED", "0", Status.OK),
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math", Status.OK),
        ("KERAS_BACKEND", "jax", Status.PROBLEM),
        ("KERAS_BACKEND", "tensorflow", Status.OK),
    ],
)
def test_a_variable_that_is_set_is_explained(name: str, value: str, status: Status) -> None:
    (check,) = check_settings({name: value, "PATH": "/bin"})
    assert (check.name, check.status) == (name, status)
    assert check.found.startswith(f"{value or 'empty'} — ")
    assert bool(check.hint) == (status is not Status.OK)


@pytest.mark.parametrize(
    ("seen", "allowed", "quota", "status", "usable"),
    [
        (2, 2, None, Status.OK, 2),
        (16, 4, None, Status.OK, 4),
        (4, 4, 8.0, Status.OK, 4),
        (16, 16, 2.5, Status.WARNING, 2),
        (16, 16, 0.5, Status.WARNING, 1),
    ],
)
def test_processors_say_what_limits_may_be(
    seen: int, allowed: int, quota: float | None, status: Status, usable: int
) -> None:
    check = check_processors(seen=seen, allowed=allowed, quota=quota)
    assert check.status is status
    assert f"limits.workers × limits.threads: {usable} at most" in check.found + check.hint
    assert ("allowed" in check.found) == (allowed < seen)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/user/me",
                "sys/fs/cgroup/user/cpu.max": "200000 100000",
                "sys/fs/cgroup/user/me/cpu.max": "max 100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/1f\n0::/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            4.0,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            None,
        ),
    ],
)
def test_the_quota_is_the_tightest_of_all_groups(files: dict[str, str], quota: float | None, tmp_path: Path) -> None:
    assert cpu_quota(write(tmp_path, files)) == quota


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "2000000000"}, 2 * GB),
        ({"proc/self/cgroup": "4:memory:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1000000000"}, GB),
        ({"proc/self/cgroup": "4:cpuset:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1000000000"}, None),
    ],
)
def test_the_memory_limit_is_read_from_both_versions(files: dict[str, str], limit: int | None, tmp_path: Path) -> None:
    assert memory_limit(write(tmp_path, files)) == limit


@pytest.mark.parametrize(
    ("available", "limit", "status", "hint"),
    [
        (6 * GB, None, Status.OK, ""),
        (6 * GB, 2**63, Status.OK, ""),
        (3 * GB, None, Status.WARNING, "limits: {workers: 2}"),
        (6 * GB, GB, Status.WARNING, "limits: {workers: 1}"),
        (GB // 2, None, Status.PROBLEM, "0.7 GB to start"),
        (6 * GB, GB // 2, Status.PROBLEM, "raise the limit"),
    ],
)
def test_memory_is_counted_in_workers(available: int, limit: int | None, status: Status, hint: str) -> None:
    check = check_memory(total=8 * GB, available=available, limit=limit, processors=4)
    assert check.status is status
    assert hint in check.hint
    assert ("limited to" in check.found) == (limit is not None and limit < 8 * GB)


def test_a_worker_that_answers_is_fine() -> None:
    check = check_worker(WorkerStart(4.6, {"import_s": 3.4, "backend": "tensorflow", "gpus": []}))
    assert check == Check("worker", Status.OK, "ready in 4.6 s, of which imports 3.4 s")


def test_a_worker_with_another_backend_is_a_problem() -> None:
    check = check_worker(WorkerStart(4.6, {"import_s": 3.4, "backend": "torch", "gpus": []}))
    assert check.status is Status.PROBLEM
    assert "keras.json" in check.hint


@pytest.mark.parametrize(
    ("script", "cause", "hint"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'", "`packages`"),
        ("raise ImportError('libcudart.so: no such file')", "ImportError: libcudart.so: no such file", "reinstall"),
        ("assert 1 == 2, 'a product is wrong'", "AssertionError: a product is wrong", "see all of it"),
        ("import os; os.kill(os.getpid(), 4)", "ended by SIGILL", "AVX"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL", "memory"),
        ("raise SystemExit(3)", "exit code 3", "see all of it"),
    ],
)
def test_a_worker_that_fails_shows_its_last_line_and_a_way_on(script: str, cause: str, hint: str) -> None:
    start = start_worker(script)
    assert start.cause == cause
    check = check_worker(start)
    assert check.status is Status.PROBLEM
    assert check.found == f"does not start: {cause}"
    assert hint in check.hint


def test_a_worker_that_hangs_is_ended() -> None:
    start = start_worker("import time; time.sleep(60)", timeout_s=0.2)
    assert start.cause == "not ready after 0.2 s"
    assert "byte code" in check_worker(start).hint


def test_a_python_that_cannot_be_started_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert start_worker("").cause == "no such file or directory"


def test_what_lies_in_the_working_folder_shadows_nothing() -> None:
    Path("keras.py").write_text("raise SystemExit(1)")
    script = "import json, importlib.util as util; print(json.dumps(util.find_spec('keras').origin))"
    assert Path.cwd() not in Path(str(start_worker(script).report)).parents


def test_devices_are_named() -> None:
    assert check_devices(["A100"], amx=True, has_driver=True) == Check("devices", Status.OK, "A100")
    assert check_devices([], amx=False, has_driver=False) == Check("devices", Status.OK, "no GPU")
    assert "mixed_bfloat16" in check_devices([], amx=True, has_driver=False).found


def test_a_gpu_that_tensorflow_does_not_see_is_a_warning() -> None:
    check = check_devices([], amx=False, has_driver=True)
    assert check.status is Status.WARNING
    assert "tensorflow[and-cuda]" in check.hint


def test_the_runs_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    check = check_runs(tmp_path)
    assert check.status is Status.OK
    assert list(tmp_path.iterdir()) == []


def test_a_runs_folder_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    check = check_runs(tmp_path / "a" / "runs")
    assert check.status is Status.OK
    assert f"to be made in {tmp_path}" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_runs_folder_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    check = check_runs(tmp_path / "runs")
    assert check.status is Status.PROBLEM
    assert check.found.endswith("files cannot be written: not a directory")
    assert "--runs" in check.hint


def refuse(*arguments: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_a_file_system_without_locks_is_a_problem(tmp_path: Path) -> None:
    check = check_runs(tmp_path, lock=refuse)
    assert check.status is Status.PROBLEM
    assert check.found.endswith("files cannot be locked (flock): no locks available")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_whose_locks_keep_nobody_out_is_a_problem(tmp_path: Path) -> None:
    check = check_runs(tmp_path, lock=lambda handle, operation: None)
    assert check.status is Status.PROBLEM
    assert check.found.endswith("a lock (flock) keeps nobody out")


def test_a_file_system_without_sync_is_a_problem(tmp_path: Path) -> None:
    check = check_runs(tmp_path, sync=refuse)
    assert check.status is Status.PROBLEM
    assert "files cannot be synced (fsync)" in check.found


@pytest.mark.parametrize(
    ("free", "status"), [(80 * GB, Status.OK), (GB // 2, Status.WARNING), (GB // 100, Status.PROBLEM)]
)
def test_free_space_is_judged(free: int, status: Status, tmp_path: Path) -> None:
    check = check_disk(tmp_path, free)
    assert check.status is status
    assert ("--dry-run" in check.hint) == (status is not Status.OK)


@pytest.fixture
def without_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    monkeypatch.setattr(fetch, "DEBIAN", tmp_path / "debian")


@pytest.mark.usefixtures("without_data")
def test_data_are_found_or_downloaded_later() -> None:
    checks = {each.name: each for each in check_data({})}
    assert set(checks) == {name for name in DATASETS.names if not DATASETS.load(name).card.is_yours}
    assert all(each.status is Status.OK for each in checks.values())
    assert checks["advertising"].found.endswith("advertising.csv")
    assert "tunecli datasets fetch california_housing" in checks["california_housing"].hint


@pytest.mark.usefixtures("without_data")
def test_data_that_may_not_be_downloaded_are_a_warning() -> None:
    checks = {each.name: each for each in check_data({"TUNECLI_OFFLINE": "1"})}
    assert checks["advertising"].status is Status.OK
    assert checks["fashion_mnist"].status is Status.WARNING
    assert "unset TUNECLI_OFFLINE" in checks["fashion_mnist"].hint


def test_a_data_folder_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    first = next(check_data({"TUNECLI_DATA": str(tmp_path / "data")}))
    assert (first.name, first.status) == ("TUNECLI_DATA", Status.WARNING)
