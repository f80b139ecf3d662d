"""Fences for the whole suite: no test touches the real runs folder, home or network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tunecli.plan import Plan


@pytest.fixture(autouse=True)
def fence(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves home and the working folder to temporary ones, and refuses connections beyond this machine."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    # matplotlib looks for fonts for seconds where it finds no list of them
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    for name in ("GITHUB_ACTIONS", "COLUMNS"):  # of whatever runs the suite
        monkeypatch.delenv(name, raising=False)
    connect = socket.socket.connect

    def fenced(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test connected to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", fenced)


@pytest.fixture
def configs() -> Path:
    """The folder of the shipped examples."""
    return Path(__file__).parent.parent / "configs"


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., Plan]:
    """Resolves a spec that is given as keyword arguments."""
    from tunecli.plan import resolve
    from tunecli.spec.load import load

    def make(**spec: object) -> Plan:
        path = tmp_path / "spec.yaml"
        document = {"name": "study", "dataset": "advertising", "model": "linear", **spec}
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return resolve(load(path))

    return make


@pytest.fixture
def real_data() -> Path:
    """The folder of the published data sets, where there is one; continuous integration must have it."""
    folder = os.environ.get("TUNECLI_DATA")
    if folder is None and "CI" in os.environ:
        pytest.fail("TUNECLI_DATA is not set")
    if folder is None:
        pytest.skip("TUNECLI_DATA is not set")
    return Path(folder)
