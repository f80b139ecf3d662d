"""How a Dask cluster is reached: its address, its protection, and clusters of this machine's own processes."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tunecli.errors import ClusterError, UsageError, in_a_line

LOCAL = "local"
"""Names a cluster of this machine's own processes."""

_IGNORE_INTERRUPT = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run by the workers of a `LocalCluster`: Ctrl-C goes to the whole group, and is the parent's to answer."""


@dataclass(frozen=True)
class TlsFiles:
    """How to prove who one is to a cluster, and how to know it: files in PEM format.

    Attributes:
        ca: The authority that has signed every certificate of the cluster.
        cert: The certificate to show.
        key: Its private key.
    """

    ca: Path
    cert: Path
    key: Path


def scheduler_address(where: str, tls: TlsFiles | None, *, insecure: bool) -> str:
    """Returns the address that `where` is or, if it is a scheduler file, holds.

    Raises:
        UsageError: There is no address, or it is not protected.
    """
    address = where if "://" in where else _address_in(Path(where))
    parts = urlsplit(address)
    try:
        complete = parts.scheme in ("tcp", "tls") and parts.hostname is not None and parts.port is not None
    except ValueError:  # the port is no number
        complete = False
    if not complete:
        raise UsageError(f"'{address}' is not a scheduler's address", hint="write tcp://host:8786 or tls://host:8786")
    if parts.scheme == "tls":
        _check_tls(address, tls)
    elif tls is not None:
        raise UsageError("TLS files are given for an address without TLS", where=address, hint="write tls://")
    elif not insecure and not _is_loopback(str(parts.hostname)):
        raise UsageError(
            "not protected: anyone who reaches this port can run code on the cluster and on this machine",
            where=address,
            hint="use tls:// with --tls-ca, --tls-cert and --tls-key, or tunnel it: "
            f"ssh -L {parts.port}:localhost:{parts.port} {parts.hostname}; on a network you trust: --insecure",
        )
    return address


def _address_in(path: Path) -> str:
    try:
        return str(json.loads(path.read_bytes())["address"])
    except FileNotFoundError:
        raise UsageError(
            f"'{path}' is neither an address nor a scheduler file",
            hint=f"write tcp://host:8786, tls://host:8786, {LOCAL}, or the file of `dask scheduler --scheduler-file`",
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("not a scheduler file", where=str(path), hint="is the scheduler still starting?") from None


def _check_tls(address: str, tls: TlsFiles | None) -> None:
    if tls is None:
        raise UsageError("TLS needs files", where=address, hint="give --tls-ca, --tls-cert and --tls-key")
    for file in (tls.ca, tls.cert, tls.key):
        if not file.is_file():
            raise UsageError("no such file", where=str(file), hint="see --tls-ca, --tls-cert and --tls-key")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_dask() -> None:
    """Makes sure that Dask is installed.

    Raises:
        UsageError: It is not.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UsageError("Dask is not installed here", hint="pip install 'tunecli[dask]'") from None


def unreachable(what: str, address: str) -> ClusterError:
    """Returns the error for a scheduler that does not answer, with what to check."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    return ClusterError(
        what,
        where=address,
        hint=f"is `dask scheduler` running there, and does its port answer from here (nc -vz {host} {port})?",
    )


class DisconnectedError(Exception):
    """Dask's client has no connection; it tries to get one again, and `dask_workers` says for how long."""


@contextlib.contextmanager
def needs_connection() -> Iterator[None]:
    """Makes one error of what Dask's client raises when its connection is lost.

    Raises:
        DisconnectedError: It is.
    """
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, ClosedClientError, RuntimeError) as error:  # the last where a pool of connections is closed
        raise DisconnectedError from error


@contextlib.contextmanager
def local_cluster(workers: int | None) -> Iterator[str]:
    """Starts a cluster of processes; yields its address.

    Their files lie in Dask's own scratch space, each in a folder with a lock: what a killed cluster has left there, the
    next one removes.
    """
    import dask
    from distributed import LocalCluster

    settings = {
        "distributed.worker.daemon": False,  # a runner may start processes of its own
        "distributed.scheduler.allowed-failures": 0,
        # 15 s after a worker has died, Dask would drop its place for good if the next one there is just dying too
        "distributed.deploy.lost-worker-timeout": "1000 weeks",
        "distributed.worker.multiprocessing-method": "spawn",  # forking hangs with TensorFlow's threads
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # None would take port 8787, and warn if that is taken
            memory_limit=0,  # its own limit would end workers that TensorFlow has made large
            preload=_IGNORE_INTERRUPT,
            silence_logs=logging.CRITICAL,  # a worker that dies is a result here, and no news
        ) as cluster,
    ):
        yield cluster.scheduler_address


@contextlib.contextmanager
def connected(address: str, tls: TlsFiles | None, timeout_s: float) -> Iterator[Any]:
    """Connects to a scheduler.

    Raises:
        ClusterError: It does not answer, or not as a scheduler would.
    """
    from distributed import Client, Security

    security = (
        Security(
            tls_ca_file=str(tls.ca),
            tls_client_cert=str(tls.cert),
            tls_client_key=str(tls.key),
            require_encryption=True,
        )
        if tls
        else None
    )
    for name in ("distributed", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters becomes an error of ours
    try:
        client = Client(address, timeout=timeout_s, security=security, set_as_default=False, name="tunecli")
    except OSError as error:
        raise unreachable(f"the scheduler cannot be reached ({in_a_line(error)})", address) from error
    with client:
        yield client
