"""Fences for the whole suite: no test touches the real runs folder, home or network."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def fence(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves home and the working folder to temporary ones, and refuses connections beyond this machine."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
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
