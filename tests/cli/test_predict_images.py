"""Images of people's own: predicted and evaluated in the forms in which they are trained on."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tunecli.cli.main import run as run_cli

Cli = Callable[..., tuple[int, str, str]]

LEVELS = {"dark": 30, "light": 220}


def retrained(folder: Path, dataset: dict[str, object]) -> Path:
    """Searches and retrains; returns the runs folder."""
    spec = {
        "name": "own",
        "dataset": dataset,
        "model": "linear",
        "search_space": {"learning_rate": [0.1]},
        "objective": "val_loss",
        "tuner": "grid",
        "training": {"epochs": 60},
        "baselines": False,
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(spec))
    runs = ["--runs", str(folder / "runs"), "--quiet"]
    assert run_cli(["search", str(folder / "own.yaml"), *runs]) == 0
    assert run_cli(["retrain", "--full", *runs]) == 0
    return folder / "runs"


def picture(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 5), level, dtype=np.uint8)).save(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, level in LEVELS.items():
        for number in range(15):
            picture(folder / "photos" / name / f"{number:02}.png", level + number - 7)
    return retrained(folder, {"name": "image_folder", "path": "photos", "image_size": [4, 4], "channels": 1})


def test_a_folder_is_predicted_file_by_file(cli: Cli, photos: Path) -> None:
    data = photos.parent / "photos"
    code, out, _ = cli("predict", "--data", data, "--id", "file", "--runs", photos)
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == ["file,prediction", "dark/00.png,dark"]
    assert lines[1:] == [f"{name}/{number:02}.png,{name}" for name in LEVELS for number in range(15)]
    code, out, err = cli("evaluate", "--data", data, "--runs", photos, "--json")
    assert code == 0, err
    assert json.loads(out)["targets"][0]["figures"]["accuracy"]["value"] == 1
    manifest = json.loads((photos / "own" / "best" / "bundle.json").read_text())
    assert manifest["image_shape"] == [4, 4, 1]
    assert str(photos.parent) not in json.dumps(manifest)


def test_what_is_no_image_is_named(cli: Cli, photos: Path) -> None:
    picture(Path("new/a.png"), 5)
    Path("new/b.png").write_bytes(b"no image")
    code, _, err = cli("predict", "--data", "new", "--runs", photos)
    assert code == 3
    assert "new/b.png: is no image" in err
    Path("empty").mkdir()
    assert "holds no images" in cli("predict", "--data", "empty", "--runs", photos)[2]
    Path("secret.png").symlink_to("/etc/passwd")
    Path("new/b.png").unlink()
    Path("new/c.png").symlink_to(Path("secret.png").absolute())
    code, _, err = cli("predict", "--data", "new", "--runs", photos)
    assert code == 3
    assert "c.png: is a link out of the folder" in err


def test_an_image_that_would_fill_the_memory_is_not_opened(cli: Cli, photos: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    Path("bomb.png").write_bytes(image)
    code, _, err = cli("predict", "--data", "bomb.png", "--runs", photos)
    assert code == 3
    assert "bomb.png: claims to be of more than" in err


def test_columns_of_pixels(cli: Cli, tmp_path: Path) -> None:
    rows = [f"{name},{','.join([str(level + i - 7)] * 4)}" for name, level in LEVELS.items() for i in range(15)]
    (tmp_path / "data.csv").write_text("label,p1,p2,p3,p4\n" + "\n".join(rows) + "\n")
    pixels = {"pattern": "p{1..4}", "shape": [2, 2]}
    runs = retrained(tmp_path, {"name": "csv", "path": "data.csv", "target": "label", "image_columns": pixels})
    Path("new.csv").write_text("P4,p3,p2,p1,id\n225,225,225,225,a\n20,20,20,20,b\n")
    code, out, err = cli("predict", "--data", "new.csv", "--id", "id", "--runs", runs)
    assert (code, out) == (0, "id,prediction\na,light\nb,dark\n"), err
    assert cli("evaluate", "--data", tmp_path / "data.csv", "--runs", runs)[0] == 0
    Path("new.csv").write_text("p1,p2,p3,p4\n0,0,0,0\n0,0,256,0\n")
    code, _, err = cli("predict", "--data", "new.csv", "--runs", runs)
    assert code == 3
    assert "'p3' is 256 in row 2" in err
