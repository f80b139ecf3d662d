import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tunecli.datasets import fetch
from tunecli.datasets.fetch import RemoteFile
from tunecli.errors import DataError

CONTENT = b"".join(hashlib.sha256(bytes([index])).digest() for index in range(200))
PACKED = gzip.compress(CONTENT, mtime=0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def remote(url: str = "http://127.0.0.1:9/a.gz") -> RemoteFile:
    return RemoteFile(url, "a.gz", sha256(PACKED), sha256(CONTENT), folder="letters")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(PACKED)))
        self.end_headers()
        self.wfile.write({"/good": PACKED, "/truncated": PACKED[:100], "/wrong": b"x" * len(PACKED)}[self.path])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TUNECLI_DATA", raising=False)
    monkeypatch.delenv("TUNECLI_OFFLINE", raising=False)
    monkeypatch.setattr(fetch, "DEBIAN", tmp_path / "debian")


def put(path: Path, content: bytes = PACKED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def cached() -> list[str]:
    return [path.name for path in fetch.cache_folder().rglob("*") if path.is_file()]


def test_places_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch.find(remote()) is None
    debian = put(tmp_path / "debian" / "letters" / "a.gz")
    assert fetch.find(remote()) == debian
    cache = put(fetch.cache_folder() / "letters" / "a.gz")
    assert fetch.find(remote()) == cache
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path / "given"))
    assert fetch.find(remote()) == cache
    given = put(tmp_path / "given" / "a.gz")
    assert fetch.find(remote()) == given
    nested = put(tmp_path / "given" / "letters" / "a.gz")
    assert fetch.find(remote()) == nested


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.gz", PACKED), ("a.gz", gzip.compress(CONTENT, 1)), ("a", CONTENT)],
    ids=["as published", "compressed anew", "unpacked"],
)
def test_a_copy_may_be_compressed_anew_or_not_at_all(name: str, content: bytes) -> None:
    put(fetch.cache_folder() / "letters" / name, content)
    assert fetch.read(remote()) == CONTENT


def test_what_is_wanted_may_lie_in_an_archive() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("folder/wanted.data")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    file = RemoteFile("http://x", "a.tgz", "0", sha256(CONTENT), member="folder/wanted.data")
    path = put(fetch.cache_folder() / "a.tgz", packed.getvalue())
    assert fetch.read(file) == CONTENT
    put(path, packed.getvalue()[:100])
    with pytest.raises(DataError, match="cannot be unpacked"):
        fetch.read(file)
    path.unlink()
    put(path.with_name("wanted.data"), CONTENT)
    assert fetch.read(file) == CONTENT


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (PACKED[:100], "cannot be unpacked"),
        (b"no gzip", "cannot be unpacked"),
        (b"", "holds other bytes"),
        (PACKED[:3000] + b"\xff" * 30 + PACKED[3030:], "cannot be unpacked"),
        (gzip.compress(CONTENT[:-1]), f"sha256 {sha256(CONTENT[:-1])}"),
    ],
    ids=["truncated", "no gzip", "empty", "a hole", "other content"],
)
def test_a_damaged_copy_is_refused(content: bytes, what: str) -> None:
    path = put(fetch.cache_folder() / "letters" / "a.gz", content)
    with pytest.raises(DataError, match=what) as caught:
        fetch.read(remote())
    problem = caught.value.problems[0]
    assert problem.where == str(path)
    assert sha256(CONTENT) in problem.what
    assert "delete it" in problem.hint
    assert caught.value.exit_code == 3


def test_what_is_nowhere_is_downloaded_into_the_cache(server: str) -> None:
    path = fetch.fetch(remote(f"{server}/good"))
    assert path == fetch.cache_folder() / "letters" / "a.gz"
    assert fetch.read(remote("http://127.0.0.1:9/never")) == CONTENT
    assert cached() == ["a.gz"]


@pytest.mark.parametrize(
    ("page", "what"),
    [("truncated", "cannot be downloaded"), ("absent", "404"), ("wrong", sha256(b"x" * len(PACKED)))],
)
def test_a_failed_download_leaves_nothing(server: str, page: str, what: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        fetch.fetch(remote(f"{server}/{page}"))
    problem = caught.value.problems[0]
    assert problem.where == f"{server}/{page}"
    assert sha256(PACKED) in problem.what + problem.hint
    assert str(fetch.cache_folder() / "letters" / "a.gz") in problem.hint
    assert cached() == []


def test_an_unreachable_server_is_an_error() -> None:
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch.fetch(remote())


def test_an_interrupted_download_leaves_nothing(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    def interrupted(self: object, url: str, output_file: str, pooch: object) -> None:
        Path(output_file).write_bytes(PACKED[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch.fetch(remote(f"{server}/good"))
    assert cached() == []


def test_offline_says_what_to_put_where(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNECLI_OFFLINE", "1")
    file = remote(f"{server}/good")
    with pytest.raises(DataError, match="offline") as caught:
        fetch.fetch(file)
    hint = caught.value.problems[0].hint
    assert all(each in hint for each in (file.url, file.sha256, str(fetch.cache_folder() / "letters" / "a.gz")))
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        fetch.fetch(file)
    assert str(tmp_path / "letters" / "a.gz") in caught.value.problems[0].hint
    put(tmp_path / "letters" / "a.gz")
    assert fetch.read(file) == CONTENT
